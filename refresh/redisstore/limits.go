package redisstore

import "fmt"

// checkKey and checkValue hold a Store to its limits.
func checkKey(key string) error {
	if len(key) < 1 || len(key) > 256 {
		return fmt.Errorf("redisstore: key of %d bytes: it must have 1 to 256", len(key))
	}
	return nil
}

func checkValue(v []byte) error {
	if v != nil && len(v) == 0 {
		return fmt.Errorf("redisstore: value is empty: use nil for none")
	}
	if len(v) > 64<<10 {
		return fmt.Errorf("redisstore: value of %d bytes: it must not have more than 64 KiB", len(v))
	}
	return nil
}
