package refresh_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/token"
	"github.com/tokenlife/tokenlife/token/seal"
)

// A command-line tool keeps what it has between runs, and shares it with others
// of its kind that run at the same time.
func ExampleDir() {
	home, err := os.MkdirTemp("", "")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(home)
	ctx := context.Background()

	store := &refresh.Dir{Path: filepath.Join(home, ".config", "mytool")}
	ok, err := store.Swap(ctx, "greeting", nil, []byte("hello"), time.Time{})
	fmt.Println(ok, err)

	again := &refresh.Dir{Path: filepath.Join(home, ".config", "mytool")}
	value, err := again.Get(ctx, "greeting")
	fmt.Printf("%s %v\n", value, err)
	// Output:
	// true <nil>
	// hello <nil>
}

// Who can read the Store, or a backup of it, cannot read what is in it.
func ExampleSealed() {
	ctx := context.Background()
	key := make([]byte, 32)
	rand.Read(key)
	keys := &seal.Keyring{Keys: []token.Secret{token.NewSecret(string(key))}}

	inner := new(refresh.Memory)
	store := refresh.Sealed(inner, keys)
	ok, err := store.Swap(ctx, "greeting", nil, []byte("hello"), time.Time{})
	fmt.Println(ok, err)

	value, err := store.Get(ctx, "greeting")
	fmt.Printf("%s %v\n", value, err)
	kept, err := inner.Get(ctx, "greeting")
	fmt.Printf("%s... %v\n", kept[:3], err)
	// Output:
	// true <nil>
	// hello <nil>
	// eyJ... <nil>
}
