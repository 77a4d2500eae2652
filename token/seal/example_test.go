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

// Keys in a file, one a line, of which the first seals. To replace one, add the
// new one as the second line everywhere, and after 5 minutes move it to the first.
func ExampleFile() {
	ring := &seal.Keyring{
		Load: seal.File("/var/run/secrets/seal/keys"),
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
