package rancher

// ReadV3Chain reads what a V3Source keeps beside its token, and writes it again.
func ReadV3Chain(raw []byte) ([]byte, error) {
	c, err := decodeV3Chain(raw)
	if err != nil {
		return nil, err
	}
	return c.encode()
}
