package jwt

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
)

// parsePEM reads blocks of PEM. What stands between them is for people.
func (p *keyParser) parsePEM(data []byte) error {
	broken := bytes.Count(data, []byte("-----BEGIN "))
	for {
		block, rest := pem.Decode(data)
		if block == nil {
			break
		}
		data = rest
		broken--
		if block.Type == "EC PARAMETERS" { // openssl writes it before the key
			continue
		}
		if err := p.add(parseBlock(block)); err != nil {
			return err
		}
	}
	if broken > 0 {
		p.skip(fmt.Sprintf("%d blocks of PEM are cut off or damaged", broken))
	}
	return nil
}

// parseBlock reads a key or a certificate. It goes by what is in the block and
// not by its label: "RSA PUBLIC KEY" is on keys of two forms, for example. No
// text can be taken for two of them.
func parseBlock(block *pem.Block) (Key, error) {
	switch {
	case block.Type == "ENCRYPTED PRIVATE KEY", block.Headers["DEK-Info"] != "":
		return Key{}, errors.New("it is encrypted: decrypt it first")
	case block.Type == "OPENSSH PRIVATE KEY":
		return Key{}, errors.New("it is in OpenSSH's own form: convert it to PKCS #8")
	}
	der := block.Bytes
	if key, err := x509.ParsePKIXPublicKey(der); err == nil {
		return keyOf(key)
	}
	if key, err := x509.ParsePKCS1PublicKey(der); err == nil {
		return keyOf(key)
	}
	if cert, err := x509.ParseCertificate(der); err == nil {
		return keyOf(cert.PublicKey)
	}
	if key, err := x509.ParsePKCS8PrivateKey(der); err == nil {
		return keyOf(key)
	}
	if key, err := x509.ParsePKCS1PrivateKey(der); err == nil {
		return keyOf(key)
	}
	if key, err := x509.ParseECPrivateKey(der); err == nil {
		return keyOf(key)
	}
	return Key{}, errors.New("it is neither a key nor a certificate, or not a good one")
}
