package main

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/tokenlife/tokenlife/token"
)

// readKeys reads the file of the keys, which it makes if there is none.
func readKeys(name string) ([]token.Secret, error) {
	text, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		if err := makeKeys(name); err != nil {
			return nil, fmt.Errorf("making keys: %w", err)
		}
		text, err = os.ReadFile(name)
	}
	if err != nil {
		return nil, fmt.Errorf("the keys: %w", err)
	}
	var keys []token.Secret
	for line := range bytes.Lines(text) {
		if line = bytes.TrimSpace(line); len(line) == 0 {
			continue
		}
		key, err := base64.StdEncoding.DecodeString(string(line))
		if err != nil || len(key) < 32 {
			return nil, fmt.Errorf("the keys: %s: line %d is not 32 bytes in base64, as openssl rand -base64 32 prints them", name, len(keys)+1)
		}
		keys = append(keys, token.NewSecret(string(key)))
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("the keys: %s is empty: remove it to have it made", name)
	}
	return keys, nil
}

// makeKeys makes the file with one key, whole or not at all. If another process
// has made it meanwhile, that is the one.
func makeKeys(name string) error {
	key := make([]byte, 32)
	rand.Read(key)
	f, err := os.CreateTemp(filepath.Dir(name), ".keys-*") // with mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.WriteString(base64.StdEncoding.EncodeToString(key) + "\n")
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Link(f.Name(), name); !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}
