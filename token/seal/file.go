package seal

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"os"

	"github.com/tokenlife/tokenlife/token"
)

const (
	fileKey     = 32       // bytes, of each key in a file
	maxFileSize = 64 << 10 // bytes
)

// File returns a function for Keyring.Load that reads the keys from a file: each
// is 32 random bytes in base64, on a line of its own, as "openssl rand -base64
// 32" prints them. The first seals. Blank lines do not count, nor does what
// stands behind a #.
//
// To rotate, write another file and rename it over this one, or have Kubernetes
// do it: one that is read while it is being written may lack keys. Who can read
// the file can open all that is sealed, and who can write it can have anything
// taken for sealed: File does not look at its mode.
//
// Errors name the file and the line, and nothing of what is in it. They do not
// match [token.ErrInvalid].
func File(path string) func(ctx context.Context) ([]token.Secret, error) {
	return func(ctx context.Context) ([]token.Secret, error) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		text, err := readFile(path)
		if err != nil {
			return nil, err
		}
		return parseKeys(path, text)
	}
}

func readFile(path string) ([]byte, error) {
	// Opening a pipe would wait for its other end, and no context ends that.
	if info, err := os.Stat(path); err != nil {
		return nil, err
	} else if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file: name the file that holds the keys", path)
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxFileSize+1))
	if err != nil {
		return nil, err
	}
	if len(text) > maxFileSize {
		return nil, fmt.Errorf("%s is longer than %d bytes: is it the right file?", path, maxFileSize)
	}
	return text, nil
}

// parseKeys returns the keys in text, which is that of the file at path.
func parseKeys(path string, text []byte) (keys []token.Secret, err error) {
	number := 0
	for line := range bytes.Lines(text) {
		number++
		line, _, _ = bytes.Cut(line, []byte("#"))
		if line = bytes.TrimSpace(line); len(line) == 0 {
			continue
		}
		// Of whatever is longer or shorter the decoder would skip line breaks.
		var key []byte
		if len(line) == base64.StdEncoding.EncodedLen(fileKey) {
			key, err = base64.StdEncoding.Strict().AppendDecode(nil, line)
		}
		switch {
		case err != nil || len(key) != fileKey:
			return nil, fmt.Errorf(`%s: line %d is not %d bytes in base64, as "openssl rand -base64 %d" prints them`, path, number, fileKey, fileKey)
		case len(keys) == maxKeys:
			return nil, fmt.Errorf("%s: line %d has one key more than the %d that there may be: remove the oldest", path, number, maxKeys)
		}
		keys = append(keys, token.NewSecret(string(key)))
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf(`%s has no key: write a line that "openssl rand -base64 %d" prints`, path, fileKey)
	}
	return keys, nil
}
