package kube_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tokenlife/tokenlife/kube"
	"github.com/tokenlife/tokenlife/token"
)

// A signer signs the first two segments of a JWT.
type signer func(text string) []byte

func esSigner(curve elliptic.Curve, hash func(string) []byte) signer {
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		panic(err)
	}
	return func(text string) []byte {
		r, s, err := ecdsa.Sign(rand.Reader, key, hash(text))
		if err != nil {
			panic(err)
		}
		size := (curve.Params().BitSize + 7) / 8
		signature := make([]byte, 2*size)
		r.FillBytes(signature[:size])
		s.FillBytes(signature[size:])
		return signature
	}
}

func rsSigner(bits int) signer {
	key, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		panic(err)
	}
	return func(text string) []byte {
		sum := sha256.Sum256([]byte(text))
		signature, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
		if err != nil {
			panic(err)
		}
		return signature
	}
}

func sha256Of(text string) []byte { s := sha256.Sum256([]byte(text)); return s[:] }
func sha384Of(text string) []byte { s := sha512.Sum384([]byte(text)); return s[:] }
func sha512Of(text string) []byte { s := sha512.Sum512([]byte(text)); return s[:] }

// signed returns a JWT as the API server makes it.
func signed(alg, kid string, sign signer, claims map[string]any) string {
	body, err := json.Marshal(claims)
	if err != nil {
		panic(err)
	}
	e := base64.RawURLEncoding.EncodeToString
	text := e(fmt.Appendf(nil, `{"alg":%q,"kid":%q}`, alg, kid)) + "." + e(body)
	return text + "." + e(sign(text))
}

// podToken returns the claims of a pod's token number n, issued now.
func podToken(n int, life time.Duration) map[string]any {
	now := time.Now()
	return map[string]any{
		"iss": "https://kubernetes.default.svc", "sub": "system:serviceaccount:ci:builder", "aud": []string{"https://kubernetes.default.svc"},
		"iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(life).Unix(), "jti": fmt.Sprintf("%08d", n),
		"kubernetes.io": map[string]any{
			"namespace": "ci", "serviceaccount": map[string]any{"name": "builder", "uid": "u"},
			"pod": map[string]any{"name": "builder-0", "uid": "p"},
		},
	}
}

// segment returns text as it is in a JWT.
func segment(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// look reads path with a new Source, without waiting for real.
func look(t *testing.T, path string) (tok token.Token, err error) {
	synctest.Test(t, func(t *testing.T) { tok, err = kube.Projected(path).Token(t.Context()) })
	return tok, err
}

// Nothing that begins like a token and ends too early is one, wherever it ends.
func TestProjectedRefusesEveryBeginning(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"RS256": signed("RS256", "k", rsSigner(2048), podToken(1, time.Hour)),
		"ES256": signed("ES256", "k", esSigner(elliptic.P256(), sha256Of), podToken(1, time.Hour)),
		"ES384": signed("ES384", "k", esSigner(elliptic.P384(), sha384Of), podToken(1, time.Hour)),
		"ES512": signed("ES512", "k", esSigner(elliptic.P521(), sha512Of), podToken(1, time.Hour)),
	} {
		path := filepath.Join(t.TempDir(), "token")
		write(t, path, text+"\n")
		if tok, err := look(t, path); err != nil || tok.Value.Reveal() != text {
			t.Fatalf("%s: %v", name, err)
		}
		for n := range len(text) {
			write(t, path, text[:n])
			tok, err := look(t, path)
			if err == nil || !tok.IsZero() {
				t.Errorf("%s: %d of %d bytes were taken for a token", name, n, len(text))
				continue
			}
			if !strings.HasPrefix(err.Error(), "kube: ") || !strings.Contains(err.Error(), path) || n > 8 && strings.Contains(err.Error(), text[:n]) {
				t.Errorf("%s: %d of %d bytes: %v", name, n, len(text), err)
			}
			if errors.Is(err, token.ErrInvalid) || errors.Is(err, token.ErrRefused) {
				t.Errorf("%s: %d of %d bytes: the error blames a token that somebody used: %v", name, n, len(text), err)
			}
		}
		t.Logf("%s: %d beginnings refused", name, len(text))
	}
}

// A signature of a large RSA key begins like that of a smaller one, which a Source
// can tell once it has seen one whole.
func TestProjectedRefusesEveryBeginningOfALargeKey(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for _, bits := range []int{3072, 4096} {
			random := func(string) []byte { b := make([]byte, bits/8); rand.Read(b); return b }
			path := filepath.Join(t.TempDir(), "token")
			src := kube.Projected(path)
			old := signed("RS256", "k", random, podToken(1, time.Hour))
			write(t, path, old)
			if _, err := src.Token(t.Context()); err != nil {
				t.Fatal(err)
			}
			text := signed("RS256", "k", random, podToken(2, time.Hour))
			for n := range len(text) {
				write(t, path, text[:n])
				if _, err := src.Token(t.Context()); err == nil {
					t.Errorf("%d bits: %d of %d bytes were taken for a token", bits, n, len(text))
				}
			}
			// Other keys may be smaller, also of the same name, and a token without a kid
			// by any.
			nameless := signed("ES256", "", func(string) []byte { return make([]byte, 64) }, podToken(4, time.Hour))
			sameKid := signed("ES256", "k", func(string) []byte { return make([]byte, 64) }, podToken(5, time.Hour))
			for _, text := range []string{text, sameKid, signed("ES256", "k2", func(string) []byte { return make([]byte, 64) }, podToken(3, time.Hour)),
				signed("RS256", "", random, podToken(3, time.Hour)), nameless} {
				write(t, path, text)
				if _, err := src.Token(t.Context()); err != nil {
					t.Errorf("%d bits: %v", bits, err)
				}
			}
		}
	})
}

// Each alg that an API server signs with has its length, and others are refused.
func TestProjectedSignatures(t *testing.T) {
	t.Parallel()
	rsa := []int{256, 320, 384, 512, 1024}
	for alg, lengths := range map[string][]int{
		"ES256": {64}, "ES384": {96}, "ES512": {132}, "EdDSA": {64},
		"RS256": rsa, "RS384": rsa, "RS512": rsa, "PS256": rsa, "PS384": rsa, "PS512": rsa,
		"none": nil, "HS256": nil, "ES256K": nil, "": nil,
	} {
		path := filepath.Join(t.TempDir(), "token")
		for _, n := range []int{1, 32, 48, 63, 64, 65, 96, 114, 128, 132, 192, 255, 256, 257, 288, 320, 384, 512, 1000, 1024} {
			write(t, path, signed(alg, "k", func(string) []byte { return make([]byte, n) }, podToken(1, time.Hour)))
			_, err := look(t, path)
			want := slices.Contains(lengths, n)
			if (err == nil) != want {
				t.Errorf("%s with %d bytes: %v", alg, n, err)
			}
		}
	}
}

// What is no token file is an error that names it, says what is wrong, and repeats
// nothing of it.
func TestProjectedBadFiles(t *testing.T) {
	t.Parallel()
	good := jwt(podToken(1, time.Hour))
	payload := good[strings.IndexByte(good, '.')+1 : strings.LastIndexByte(good, '.')]
	for name, test := range map[string]struct{ text, want string }{
		"empty":            {"", "is empty"},
		"blank":            {"\n\n", "is empty"},
		"two tokens":       {good + "\n" + good, "more than one line"},
		"joined":           {good + good, "segment 1"},
		"binary":           {"\x7fELF\x02\x01", "ASCII"},
		"NUL":              {good[:50] + strings.Repeat("\x00", len(good)-50), "ASCII"},
		"byte order mark":  {"\ufeff" + good, "ASCII"},
		"huge":             {strings.Repeat("x", token.MaxSize+1), "longer than a token can be"},
		"opaque":           {"abcdef.0123456789abcdef", "no JWT"},
		"word":             {"secret", "no JWT"},
		"JSON":             {`{"token":"secret"}`, "does not hold a whole service account token"},
		"alg none":         {segment(`{"alg":"none"}`) + "." + payload + ".", "segment 1 (header): its alg"},
		"alg HS256":        {segment(`{"alg":"HS256"}`) + "." + payload + "." + segment(strings.Repeat("x", 32)), "segment 1 (header): its alg"},
		"header no object": {segment(`["ES256"]`) + good[strings.IndexByte(good, '.'):], "no JWT: what stands before its first dot"},
		"JWE":              {segment(`{"alg":"dir","enc":"A256GCM"}`) + "..eHh4eHh4eHh4eHh4.eA.eHh4eHh4eHh4eHh4eHh4eA", "no JWT, but encrypted"},
		"quoted":           {`"` + good + `"`, "no JWT"},
		"Bearer":           {"Bearer " + good, "no JWT"},
		"signature twice":  {good + good[strings.LastIndexByte(good, '.')+1:], "signature"},
		"no signature":     {good[:strings.LastIndexByte(good, '.')+1], "segment 3 (signature): empty"},
		"claims no object": {strings.Replace(good, payload, "W10", 1), "segment 2 (payload)"},
		"padded":           {good + "==", "segment 3 (signature): padded"},
		"blank in it":      {good[:20] + " " + good[20:], "white space"},
	} {
		path := filepath.Join(t.TempDir(), "token")
		write(t, path, test.text)
		tok, err := look(t, path)
		if err == nil || !tok.IsZero() {
			t.Errorf("%s: it was taken for a token", name)
			continue
		}
		for _, want := range []string{"kube: ", path, test.want} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %q is not in: %v", name, want, err)
			}
		}
		if strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), payload[:30]) || len(err.Error()) > len(path)+300 {
			t.Errorf("%s: the error repeats what the file holds: %v", name, err)
		}
		if errors.Is(err, token.ErrInvalid) {
			t.Errorf("%s: the error blames a presented token: %v", name, err)
		}
		if !strings.Contains(test.want, "signature") && strings.Contains(err.Error(), "was it cut off?") && name != "joined" {
			t.Errorf("%s: it was not: %v", name, err)
		}
		t.Logf("%s: %v", name, strings.ReplaceAll(err.Error(), path, "PATH"))
	}
}

// What is no file is an error too, and nobody waits for a pipe.
func TestProjectedNoFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if _, err := look(t, dir); err == nil || !strings.Contains(err.Error(), dir+" is not a regular file") {
		t.Errorf("a folder: %v", err)
	}
	missing := filepath.Join(dir, "missing", "token")
	if _, err := look(t, missing); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), missing) || !strings.Contains(err.Error(), "is the volume mounted") {
		t.Errorf("missing: %v", err)
	}
	if _, err := os.Stat(kube.ServiceAccountToken); err != nil { // else this is a pod
		if _, err := look(t, ""); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), kube.ServiceAccountToken) || !strings.Contains(err.Error(), "automountServiceAccountToken") {
			t.Errorf("no path: %v", err)
		}
	}
}

func TestProjectedUnreadable(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "token")
	write(t, path, jwt(podToken(1, time.Hour)))
	if err := os.Chmod(path, 0); err != nil {
		t.Fatal(err)
	}
	_, err := look(t, path)
	if err == nil {
		t.Skip("whoever runs this can read anything")
	}
	if !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "fsGroup") {
		t.Errorf("unreadable: %v", err)
	}
}

// A file that is whole a moment later does not fail who asks now; one that is not
// fails soon, and at once if the caller goes away.
func TestProjectedLooksAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		good := jwt(podToken(1, time.Hour))
		for name, before := range map[string]func(path string) error{
			"missing": func(path string) error { return os.Remove(path) },
			"empty":   func(path string) error { return os.Truncate(path, 0) },
			"half":    func(path string) error { return os.Truncate(path, int64(len(good)/2)) },
			"folder":  func(path string) error { return errors.Join(os.Remove(path), os.Mkdir(path, 0o700)) },
		} {
			path := filepath.Join(t.TempDir(), "token")
			write(t, path, good)
			if err := before(path); err != nil {
				t.Fatal(err)
			}
			src := kube.Projected(path)
			began := time.Now()
			if _, err := src.Token(t.Context()); err == nil {
				t.Errorf("%s: no error", name)
			}
			if took := time.Since(began); took > 300*time.Millisecond {
				t.Errorf("%s: it took %v to say so", name, took)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
			began = time.Now()
			if _, err := src.Token(ctx); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), path) || time.Since(began) > 20*time.Millisecond {
				t.Errorf("%s: after %v for a caller who had 20 ms: %v", name, time.Since(began), err)
			}
			cancel()
			if _, err := src.Token(ctx); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), path) {
				t.Errorf("%s: for a caller who had gone: %v", name, err)
			}
			time.AfterFunc(100*time.Millisecond, func() {
				os.Remove(path)
				write(t, path, good)
			})
			if tok, err := src.Token(t.Context()); err != nil || tok.Value.Reveal() != good {
				t.Errorf("%s, and whole after 100 ms: %v", name, err)
			}
		}
	})
}

// A file that is written over in place, by one that is longer or shorter, gives one
// or the other whenever it is read: no mixture of the two, although that may have
// the look of a token.
func TestProjectedWrittenOver(t *testing.T) {
	t.Parallel()
	sign := esSigner(elliptic.P256(), sha256Of)
	longer := podToken(1, time.Hour)
	longer["iss"] = "https://oidc.example/" + strings.Repeat("x", 97)
	texts := []string{signed("ES256", "k", sign, podToken(2, time.Hour)), signed("ES256", "k", sign, longer), signed("ES256", "k", sign, podToken(3, time.Hour))}
	for _, next := range texts {
		for _, old := range texts {
			for wait := range 12 {
				synctest.Test(t, func(t *testing.T) {
					path := filepath.Join(t.TempDir(), "token")
					write(t, path, old)
					src := kube.Projected(path)
					if _, err := src.Token(t.Context()); err != nil {
						t.Fatal(err)
					}
					var writer sync.WaitGroup
					defer writer.Wait()
					writer.Go(func() { // 128 bytes in a millisecond
						for n := 0; n < len(next); n += 128 {
							mixed := next[:n] + old[min(n, len(old)):]
							write(t, path, mixed)
							time.Sleep(time.Millisecond)
						}
						write(t, path, next)
					})
					time.Sleep(time.Duration(wait) * time.Millisecond)
					tok, err := src.Token(t.Context())
					if err != nil {
						t.Errorf("read after %d ms: %v", wait, err)
					}
					if got := tok.Value.Reveal(); got != old && got != next {
						t.Fatalf("read after %d ms, something else was taken for a token", wait)
					}
				})
			}
		}
	}
}

// What was another at the first look is not taken at the second either.
func TestProjectedMoving(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		sign := esSigner(elliptic.P256(), sha256Of)
		path := filepath.Join(t.TempDir(), "token")
		old, next := signed("ES256", "k", sign, podToken(1, time.Hour)), signed("ES256", "k", sign, podToken(2, time.Hour))
		write(t, path, old)
		time.AfterFunc(5*time.Millisecond, func() { write(t, path, next[:len(next)/2]+old[len(old)/2:]) })
		time.AfterFunc(15*time.Millisecond, func() { write(t, path, next) })
		if tok, err := kube.Projected(path).Token(t.Context()); err != nil || tok.Value.Reveal() != next {
			t.Errorf("something else than the token that was written last was read: %v", err)
		}
	})
}
