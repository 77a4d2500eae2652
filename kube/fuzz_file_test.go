package kube

import (
	"bytes"
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tokenlife/tokenlife/token"
)

// aToken is a token as an API server signs it with ES256, but for the signature.
func aToken(signature int) string {
	e := base64.RawURLEncoding.EncodeToString
	return e([]byte(`{"alg":"ES256","kid":"k"}`)) + "." + e([]byte(`{"sub":"system:serviceaccount:ci:builder","exp":1795353318}`)) + "." + e(make([]byte, signature))
}

// Whatever a file holds, what is read of it can be sent, and no beginning of it is
// read as well.
func FuzzProjected(f *testing.F) {
	whole := aToken(64)
	for _, text := range []string{
		"", "\n", whole, " " + whole + "\n", whole[:len(whole)-1], aToken(256), strings.Replace(aToken(256), "ES", "RS", 1),
		whole + whole, "{}", "e30.e30.", "a.b.c", whole + "\x00", "\ufeff" + whole,
	} {
		f.Add([]byte(text))
	}
	path := filepath.Join(f.TempDir(), "token")
	f.Fuzz(func(t *testing.T, text []byte) {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		p := &projected{path: path}
		tok, err := p.read(t.Context())
		if err != nil {
			if !tok.IsZero() || errors.Is(err, token.ErrInvalid) || !strings.Contains(err.Error(), path) {
				t.Errorf("%v, %v", tok, err)
			}
			if trimmed := bytes.TrimSpace(text); len(trimmed) > 40 && strings.Contains(err.Error(), string(trimmed)) {
				t.Errorf("the error repeats the file: %v", err)
			}
			return
		}
		value := tok.Value.Reveal()
		if value != string(bytes.TrimSpace(text)) || strings.Count(value, ".") != 2 {
			t.Fatalf("%q was read of %q", value, text)
		}
		p.last.Store(&tok.Value)
		info, err := token.Inspect(tok.Value)
		if err != nil {
			t.Fatal(err)
		}
		for n := range len(value) {
			// Of an RSA signature this holds for keys that have a name.
			if p.check(token.NewSecret(value[:n])) == nil && (info.KeyID != "" || strings.HasPrefix(info.Algorithm, "E")) {
				t.Errorf("%d of %d bytes were taken for a token", n, len(value))
			}
		}
	})
}

// Whatever a Secret holds, its token is whole, or there is an error of ours.
func FuzzLegacy(f *testing.F) {
	f.Add(string(corev1.SecretTypeServiceAccountToken), []byte(aToken(64)), "builder", "2026-11-26", "")
	f.Add(string(corev1.SecretTypeServiceAccountToken), []byte(aToken(64)), "builder", "x", "2026-11-26")
	f.Add(string(corev1.SecretTypeServiceAccountToken), []byte(aToken(64)), "", "", "0001-01-01")
	f.Add("Opaque", []byte{}, "", "", "")
	f.Fuzz(func(t *testing.T, kind string, data []byte, account, used, invalid string) {
		l := &Legacy{Secret: "builder-token"}
		got, err := l.parse(&corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{
				Annotations: map[string]string{corev1.ServiceAccountNameKey: account},
				Labels:      map[string]string{labelLastUsed: used, labelInvalidSince: invalid},
			},
			Type: corev1.SecretType(kind),
			Data: map[string][]byte{corev1.ServiceAccountTokenKey: data},
		})
		if err != nil {
			e, ok := errors.AsType[*Error](err)
			if !ok || e.Reason == "" || errors.Is(err, token.ErrInvalid) || len(err.Error()) > 4096 || strings.ContainsAny(err.Error(), "\r\n") {
				t.Errorf("%v", err)
			}
			return
		}
		if got.Token.Value.Reveal() != string(data) || kind != string(corev1.SecretTypeServiceAccountToken) {
			t.Errorf("%q was read of a Secret of type %q with %q", got.Token.Value.Reveal(), kind, data)
		}
		if invalid != "" && got.InvalidSince.IsZero() {
			t.Errorf("marked as invalid since %q, it is good", invalid)
		}
	})
}
