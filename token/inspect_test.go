package token_test

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/google/go-cmp/cmp"

	"github.com/tokenlife/tokenlife/token"
)

var update = flag.Bool("update", false, "rewrite what testdata/inspect expects")

// Each file in testdata/inspect has a sentence, a token and what Inspect makes
// of it.
func TestInspectGolden(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/inspect/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no files: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			t.Parallel()
			content, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			text := strings.ReplaceAll(string(content), "\r\n", "\n")
			head, want, ok := strings.Cut(text, "\n-- info --\n")
			about, value, ok2 := strings.Cut(head, "\n-- token --\n")
			if !ok || !ok2 || about == "" {
				t.Fatal("not of the form of the other files")
			}
			got := describe(token.Inspect(token.NewSecret(value)))
			if *update {
				if err := os.WriteFile(file, []byte(head+"\n-- info --\n"+got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", about, diff)
			}
		})
	}
}

// describe prints what Inspect returned, a line for all that is not empty.
func describe(info token.Info, err error) string {
	if err != nil {
		if !errors.Is(err, token.ErrMalformed) || !reflect.ValueOf(info).IsZero() {
			return fmt.Sprintf("WRONG: %+v, %v\n", info, err)
		}
		return fmt.Sprintf("error: %v\n", err)
	}
	var b strings.Builder
	line := func(name, value string) {
		if value != "" {
			fmt.Fprintf(&b, "%s: %s\n", name, value)
		}
	}
	date := func(name string, d time.Time) {
		if !d.IsZero() {
			line(name, d.Format(time.RFC3339Nano))
		}
	}
	object := func(name string, o token.Object) {
		line(name, strings.TrimSpace(o.Name+" "+o.UID))
	}
	line("format", info.Format.String())
	line("kind", info.Kind.String())
	line("name", info.Name)
	line("algorithm", info.Algorithm)
	line("encryption", info.Encryption)
	line("key id", info.KeyID)
	line("type", info.Type)
	date("issued at", info.IssuedAt)
	date("expiry", info.Expiry)

	a := info.ServiceAccount
	line("namespace", a.Namespace)
	object("service account", token.Object{Name: a.Name, UID: a.UID})
	object("pod", a.Pod)
	object("secret", a.Secret)
	object("node", a.Node)
	date("warn after", a.WarnAfter)

	c := info.Claims
	line("claim iss", c.Issuer)
	line("claim sub", c.Subject)
	line("claim aud", strings.Join(c.Audience, ", "))
	line("claim jti", c.ID)
	date("claim iat", c.IssuedAt)
	date("claim nbf", c.NotBefore)
	date("claim exp", c.Expiry)
	var all map[string]any
	if err := c.Decode(&all); err == nil {
		line("number of claims", fmt.Sprint(len(all)))
	}
	return b.String()
}

// What a token is called must not keep its secret in memory.
func TestInfoKeepsNoPartOfTheToken(t *testing.T) {
	t.Parallel()
	rancher := "token-x7k2p:bzrxt7m5c4kqvdjg9wx2lh8n6pbzrxt7m5c4kqvdjg9wx2lh8n6pbz"
	jwe := `{"ciphertext":"Y3Q","tag":"dGFn","header":{"alg":"dir","kid":"7","typ":"x"},"unprotected":{"enc":"A256GCM"}}`
	for _, text := range []string{rancher, "ext/" + rancher, jwe, podToken.Reveal()} {
		start := uintptr(unsafe.Pointer(unsafe.StringData(text)))
		info, err := token.Inspect(token.NewSecret(text))
		if err != nil {
			t.Fatal(err)
		}
		walk(reflect.ValueOf(info), map[visit]bool{}, func(s string) {
			if p := uintptr(unsafe.Pointer(unsafe.StringData(s))); s != "" && start <= p && p < start+uintptr(len(text)) {
				t.Errorf("%q is a part of the token", s)
			}
		})
	}
}

func TestKindAndFormatString(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for k := token.KindUnknown; k <= token.KindRancherExt; k++ {
		if s := k.String(); s == "" || seen[s] {
			t.Errorf("Kind %d is %q", k, s)
		} else {
			seen[s] = true
		}
	}
	if got := (token.KindRancherExt + 1).String(); got != "unknown" {
		t.Errorf("a kind that does not exist is %q", got)
	}
	if got := fmt.Sprint(token.Opaque, token.JWT, token.JWE, token.Format(7)); got != "opaque JWT JWE opaque" {
		t.Error(got)
	}
}
