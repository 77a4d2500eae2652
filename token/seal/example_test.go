package seal_test

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"strings"

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

// Keys in a file, one a line, of which the first seals. Each is what "openssl
// rand -base64 32" prints. To replace one, add the new one as the second line
// everywhere, and after 5 minutes move it to the first.
func ExampleKeyring_load() {
	ring := &seal.Keyring{
		Load: func(context.Context) ([]token.Secret, error) {
			data, err := os.ReadFile("/var/run/secrets/seal/keys")
			if err != nil {
				return nil, err
			}
			var keys []token.Secret
			for line := range strings.Lines(string(data)) {
				key, err := base64.StdEncoding.DecodeString(strings.TrimSpace(line))
				if err != nil {
					return nil, errors.New("a line that is not base64") // and is not to be logged
				}
				keys = append(keys, token.NewSecret(string(key)))
			}
			return keys, nil
		},
		OnLoad: func(err error) {
			if err != nil {
				fmt.Println("logged:", errors.Is(err, os.ErrNotExist))
			}
		},
	}
	_, err := ring.Seal(context.Background(), "cookie/session", "0", nil)
	fmt.Println(errors.Is(err, os.ErrNotExist), errors.Is(err, token.ErrInvalid))

	// Output:
	// logged: true
	// true false
}
