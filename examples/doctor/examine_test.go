package main

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode"

	"github.com/tokenlife/tokenlife/token"
)

// Whatever is pasted, there is something to say of it, which does nothing to a
// terminal and is not endless.
func FuzzExamine(f *testing.F) {
	for _, text := range []string{"", "abc", "Bearer abc", "token-7d9xk:" + strings.Repeat("b", 54), "%7B%22", `"{\"protected`, "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJhXHUwMDFiWzJKIiwiZXhwIjoxfQ.c2ln",
		`{"protected":"eyJhbGciOiJSU0EtT0FFUC0yNTYiLCJlbmMiOiJBMjU2R0NNIn0","aad":"eyJleHAiOiIyMDI2LTExLTIyVDEyOjE0OjUwWiIsImlhdCI6IjIwMjYtMTEtMjJUMTE6NTk6NTBaIn0","encrypted_key":"AAAA","iv":"AAAAAAAAAAAAAAAA","ciphertext":"AAAA","tag":"AAAAAAAAAAAAAAAAAAAAAA"}`} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r := asking{}.examine(t.Context(), token.NewSecret(text))
		var b strings.Builder
		r.write(&b, screen{width: 80})
		e, err := json.Marshal(r)
		if err != nil || b.Len() == 0 {
			t.Fatalf("%v: %q", err, b.String())
		}
		for _, out := range []string{b.String(), string(e)} {
			if strings.ContainsFunc(out, func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) }) {
				t.Errorf("%q", out)
			}
		}
	})
}
