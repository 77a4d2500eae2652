package seal_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"

	"github.com/tokenlife/tokenlife/token"
	"github.com/tokenlife/tokenlife/token/seal"
)

func ExampleKeyring() {
	ctx := context.Background()
	key := make([]byte, 32)
	rand.Read(key)
	ring := &seal.Keyring{Keys: []token.Secret{token.NewSecret(string(key))}}

	sealed, err := ring.Seal(ctx, "cookie/session", "0", []byte("subject=mira"))
	if err != nil {
		fmt.Println(err)
		return
	}
	plaintext, err := ring.Open(ctx, "cookie/session", "0", sealed)
	fmt.Printf("%s, %v\n", plaintext, err)

	// It is good for nothing else.
	_, err = ring.Open(ctx, "csrf/session", "0", sealed)
	fmt.Println(errors.Is(err, token.ErrSignature), err)
	_, err = ring.Open(ctx, "cookie/session", "1", sealed)
	fmt.Println(errors.Is(err, token.ErrSignature), err)

	// Output:
	// subject=mira, <nil>
	// true token: invalid: signature not verified: it was changed, or sealed for another purpose
	// true token: invalid: signature not verified: it was sealed for another place
}

// Keys in files, which are read again when they may have changed: the newest
// first.
func ExampleKeyring_load() {
	ring := &seal.Keyring{Load: func(context.Context) ([]token.Secret, error) {
		var keys []token.Secret
		for _, name := range []string{"/var/run/secrets/seal/current", "/var/run/secrets/seal/previous"} {
			key, err := os.ReadFile(name)
			if err != nil {
				return nil, err
			}
			keys = append(keys, token.NewSecret(string(key)))
		}
		return keys, nil
	}}
	_, err := ring.Seal(context.Background(), "cookie/session", "0", nil)
	fmt.Println(errors.Is(err, os.ErrNotExist), errors.Is(err, token.ErrInvalid))

	// Output:
	// true false
}
