package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/tokenlife/tokenlife/token/seal"
)

// haveKeys makes the file of the keys if there is none, and reads it, so that the
// site does not begin with one that is no good. While the site runs seal.File reads
// it, and nobody makes it: that would log everybody out.
func haveKeys(ctx context.Context, name string) error {
	_, err := seal.File(name)(ctx)
	if errors.Is(err, fs.ErrNotExist) {
		if err := makeKeys(name); err != nil {
			return fmt.Errorf("making keys: %w", err)
		}
		_, err = seal.File(name)(ctx)
	}
	if err != nil {
		return fmt.Errorf("the keys: %w", err)
	}
	return nil
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
