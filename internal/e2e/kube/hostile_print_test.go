package kube_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tokenlife/tokenlife/kube"
	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/token"
)

// panicky is a Source that panics with all it knows.
type panicky struct{}

func (panicky) Token(context.Context) (token.Token, error) { panic("hush: " + granted) }

type panickyReviewer struct{}

func (panickyReviewer) Create(_ context.Context, r *authenticationv1.TokenReview, _ metav1.CreateOptions) (*authenticationv1.TokenReview, error) {
	panic(r.Spec.Token)
}

// Whatever of package kube holds a live token can be printed.
func TestHostilePrinting(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	s := newSite(t)
	cs := s.client()
	s.mu.Lock()
	s.secrets["old-token"], s.secrets["session-keys"] = legacySecret(), keysSecret()
	s.mu.Unlock()

	src := kube.NewSource(cs.CoreV1().ServiceAccounts("ci"), "builder", "vault")
	cached := refresh.New(src)
	tok, err := cached.Token(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if !tok.Value.Equal(token.NewSecret(granted)) {
		t.Fatal("another token")
	}
	request := kube.Request{Namespace: "ci", ServiceAccount: "builder", Audiences: []string{"vault"}}
	tokens := &kube.Tokens{Client: func(ns string) kube.TokenCreator { return cs.CoreV1().ServiceAccounts(ns) }}
	if _, err := tokens.Token(ctx, request); err != nil {
		t.Fatal(err)
	}
	group := &refresh.Group[string]{Base: func(string) token.Source { return src }}
	if _, err := group.Token(ctx, "k"); err != nil {
		t.Fatal(err)
	}
	legacy := &kube.Legacy{Client: cs.CoreV1().Secrets("ci"), Secret: "old-token"}
	read, err := legacy.Read(ctx)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte(granted), 0o600); err != nil {
		t.Fatal(err)
	}
	projected := refresh.New(kube.Projected(file))
	if _, err := projected.Token(ctx); err != nil {
		t.Fatal(err)
	}
	reviewer := kube.NewReviewer(cs.AuthenticationV1().TokenReviews(), "api")
	both := &kube.Both{Online: reviewer, Offline: token.VerifierFunc(func(context.Context, token.Secret) (token.Claims, error) {
		return token.Claims{Subject: "system:serviceaccount:ci:caller", Expiry: time.Now().Add(time.Hour)}, nil
	})}
	claims, err := both.Verify(ctx, token.NewSecret(presented))
	if err != nil {
		t.Fatal(err)
	}
	st := store(s)
	if ok, err := st.Swap(ctx, storeKey, nil, []byte(keptValue), time.Time{}); !ok || err != nil {
		t.Fatal(ok, err)
	}
	keys, err := kube.Keys(cs.CoreV1().Secrets("ci"), "session-keys")(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for name, v := range map[string]any{
		"Source": src, "*Source": *src, "refresh.Source": cached, "Token": tok, "Tokens": tokens, "Group": group, "Group.Source": group.Source("k"), "Tokens.Source": tokens.Source(request),
		"Legacy": legacy, "LegacyToken": read, "Projected": projected, "Reviewer": reviewer, "Both": both, "claims": claims,
		"SecretStore": st, "keys": keys, "Config": s.config(), "Request": request, "clientset": cs,
	} {
		printable(t, name, v)
	}
}

// A panic in what package kube is given says where it was and nothing that was in it.
func TestHostilePanic(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	both := &kube.Both{
		Online:  kube.NewReviewer(panickyReviewer{}, "api"),
		Offline: token.VerifierFunc(func(context.Context, token.Secret) (token.Claims, error) { return token.Claims{}, nil }),
	}
	_, err := both.Verify(ctx, token.NewSecret(presented))
	if err == nil {
		t.Fatal("no error")
	}
	t.Logf("%v", err)
	printable(t, "Both", err)
	if errors.Is(err, token.ErrInvalid) {
		t.Errorf("it matches ErrInvalid: %v", err)
	}

	tokens := &kube.Tokens{Client: func(string) kube.TokenCreator { panic(granted) }}
	_, err = tokens.Token(ctx, kube.Request{Namespace: "ci", ServiceAccount: "builder"})
	if err == nil {
		t.Fatal("no error")
	}
	t.Logf("%v", err)
	printable(t, "Tokens", err)

	var seen bytes.Buffer
	group := &refresh.Group[string]{
		Base: func(string) token.Source { return panicky{} },
		OnEvent: func(k string, e refresh.Event) {
			slog.New(slog.NewJSONHandler(&seen, nil)).Info(k, "event", e, "text", fmt.Sprintf("%+v", e))
		},
	}
	_, err = group.Token(ctx, "k")
	if err == nil {
		t.Fatal("no error")
	}
	t.Logf("%v", err)
	printable(t, "Group", err)
	printable(t, "Group", group)
	printable(t, "events", seen.String())
}

// Each proper beginning of a token file, and each single spoilt byte, is an error
// that names the file, or the token itself.
func TestHostileTokenFile(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	read := func(text string) (string, error) {
		f, err := os.CreateTemp(folder, "token")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteString(text); err != nil {
			t.Error(err)
		}
		f.Close()
		defer os.Remove(f.Name())
		tok, err := kube.Projected(f.Name()).Token(t.Context())
		if err != nil {
			checkError(t, fmt.Sprintf("%.30q", text), err, f.Name())
			return "", err
		}
		return tok.Value.Reveal(), nil
	}
	var all sync.WaitGroup // each looks again for a while
	for n := range len(granted) {
		all.Go(func() {
			if got, err := read(granted[:n]); err == nil {
				t.Errorf("the first %d bytes are taken as a token of %d", n, len(got))
			}
		})
	}
	all.Wait()
	for _, text := range []string{granted, granted + "\n", "\n" + granted + "\r\n ", "\t" + granted} {
		if got, err := read(text); got != granted {
			t.Errorf("%.20q: %v", text, err)
		}
	}
	for name, text := range map[string]string{
		"BOM": "\ufeff" + granted, "NUL": granted + "\x00", "two": granted + "\n" + granted, "two in a row": granted + granted, "quoted": `"` + granted + `"`,
		"Bearer": "Bearer " + granted, "padded": granted + "=", "std base64": strings.NewReplacer("-", "+", "_", "/").Replace(granted) + "+/==",
		"NULs": strings.Repeat("\x00", len(granted)), "large": strings.Repeat("a", 10<<20), "JSON": `{"token":"` + granted + `"}`, "page": page,
		"no algorithm": unsigned(`{"alg":"none"}`) + base64.RawURLEncoding.EncodeToString(make([]byte, 64)), "unknown algorithm": unsigned(`{"alg":"XX512"}`) + "AAAA",
		"long signature": granted + "AAAA", "case folded": unsigned(`{"ALG":"ES256"}`) + base64.RawURLEncoding.EncodeToString(make([]byte, 64)),
		"array": base64.RawURLEncoding.EncodeToString([]byte(`[]`)) + ".W10." + base64.RawURLEncoding.EncodeToString(make([]byte, 64)),
		"deep":  base64.RawURLEncoding.EncodeToString([]byte(strings.Repeat("[", 20_000))) + ".e30.AAAA",
	} {
		_, err := read(text)
		if err == nil {
			t.Errorf("%s: it is taken", name)
			continue
		}
		t.Logf("%s: %v", name, err)
	}
	for name, bad := range map[string]string{"a folder": folder, "missing": filepath.Join(folder, "none"), "no name": filepath.Join(folder, "\x00"), "through a file": filepath.Join("/dev/null", "x"), "a device": "/dev/zero"} {
		_, err := kube.Projected(bad).Token(t.Context())
		if err == nil {
			t.Errorf("%s: no error", name)
			continue
		}
		t.Logf("%s: %v", name, err)
	}
}

func unsigned(header string) string {
	_, rest, _ := strings.Cut(granted, ".")
	claims, _, _ := strings.Cut(rest, ".")
	return base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + claims + "."
}
