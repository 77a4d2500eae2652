package seal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/tokenlife/tokenlife/token"
)

// File returns a function for Keyring.Load that reads the keys from a file, in the
// form that [ParseKeys] reads: a line that "openssl rand -base64 32" prints for each.
// The first seals.
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
		keys, err := ParseKeys(text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		return keys, nil
	}
}

func readFile(path string) ([]byte, error) {
	// Opening a pipe would wait for its other end, and no context ends that.
	if info, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w; is the path right? What \"openssl rand -base64 32\" prints is a file with one key", err)
	} else if err != nil {
		return nil, err
	} else if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file: name the file that holds the keys", path)
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return io.ReadAll(io.LimitReader(file, maxTextSize+1))
}
