package jwt_test

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	gojwt "github.com/golang-jwt/jwt/v5"

	"github.com/tokenlife/tokenlife/token"
	"github.com/tokenlife/tokenlife/token/jwt"
)

const siteURL = issuer + "/jwks.json"

// A site is a Client's Transport and the issuer behind it, without a network, so
// that it works in a bubble.
type site struct {
	latency time.Duration

	mu    sync.Mutex
	asked []time.Time // when each set was asked for
	reply func(*http.Request) (*http.Response, error)
}

// newSite returns a site that publishes the keys with the given IDs.
func newSite(ids ...string) *site {
	s := new(site)
	s.publish(ids...)
	return s
}

// remote returns a Remote whose URL is at s.
func (s *site) remote() *jwt.Remote { return &jwt.Remote{URL: siteURL, Client: s.client()} }

func (s *site) client() *http.Client { return &http.Client{Transport: s} }

func (s *site) RoundTrip(r *http.Request) (*http.Response, error) {
	s.mu.Lock()
	s.asked = append(s.asked, time.Now())
	reply := s.reply // as it is when the request arrives
	s.mu.Unlock()
	if s.latency > 0 {
		select {
		case <-time.After(s.latency):
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
	}
	return reply(r)
}

func (s *site) answer(reply func(*http.Request) (*http.Response, error)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reply = reply
}

// publish has s answer with keys, under the header that is given as lines.
func (s *site) publish(ids ...string) { s.publishWith(nil, ids...) }

func (s *site) publishWith(h http.Header, ids ...string) { s.say(200, h, jwks(ids...)) }

func (s *site) say(status int, h http.Header, body string) {
	s.answer(func(r *http.Request) (*http.Response, error) { return answer(r, status, h, body), nil })
}

// fetches returns how often s has been asked, and when.
func (s *site) fetches() []time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.asked)
}

func answer(r *http.Request, status int, h http.Header, body string) *http.Response {
	if h == nil {
		h = http.Header{}
	}
	return &http.Response{
		StatusCode: status, Status: fmt.Sprintf("%d the words of the server", status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: h, Body: io.NopCloser(strings.NewReader(body)), Request: r,
	}
}

// siteKey returns the private key with an ID.
func siteKey(id string) ed25519.PrivateKey {
	seed := sha256.Sum256([]byte(id))
	return ed25519.NewKeyFromSeed(seed[:])
}

// jwk returns the public key that is published with an ID. IDs that begin with
// a minus sign are not published with it.
func jwk(id string) string {
	kid := fmt.Sprintf(`"kid":%q,`, id)
	if strings.HasPrefix(id, "-") {
		kid = ""
	}
	public := siteKey(id).Public().(ed25519.PublicKey)
	return fmt.Sprintf(`{"kty":"OKP","crv":"Ed25519",%s"x":%q}`, kid, base64.RawURLEncoding.EncodeToString(public))
}

func jwks(ids ...string) string {
	var keys []string
	for _, id := range ids {
		keys = append(keys, jwk(id))
	}
	return `{"keys":[` + strings.Join(keys, ",") + `]}`
}

// siteToken returns a token signed with the key that has the ID, for an hour.
func siteToken(t testing.TB, id string) token.Secret {
	tok := gojwt.NewWithClaims(gojwt.SigningMethodEdDSA, gojwt.MapClaims{
		"iss": issuer, "sub": id, "aud": audience, "exp": time.Now().Add(time.Hour).Unix(),
	})
	tok.Header["kid"] = id
	text, err := tok.SignedString(siteKey(id))
	if err != nil {
		t.Fatal(err)
	}
	return token.NewSecret(text)
}

// ids returns what the found keys are called.
func ids(keys []jwt.Key) string {
	var ids []string
	for _, k := range keys {
		ids = append(ids, k.ID)
	}
	return strings.Join(ids, " ")
}

// find returns the IDs of the keys that r finds, and how long that took.
func find(t testing.TB, r *jwt.Remote, id string) (string, time.Duration, error) {
	t.Helper()
	began := time.Now()
	keys, err := r.Keys(t.Context(), id)
	if errors.Is(err, token.ErrInvalid) {
		t.Errorf("%v blames the token", err)
	}
	return ids(keys), time.Since(began), err
}

// wantFound fails the test unless r finds want for id at once.
func wantFound(t testing.TB, r *jwt.Remote, id, want string) {
	t.Helper()
	if got, took, err := find(t, r, id); got != want || took != 0 || err != nil {
		t.Errorf("%q: keys %q after %v, %v; want %q at once", id, got, took, err, want)
	}
}

func wantFetches(t testing.TB, s *site, want int) {
	t.Helper()
	if got := len(s.fetches()); got != want {
		t.Errorf("%d fetches, want %d", got, want)
	}
}

// outcomes are what OnFetch was told.
type outcomes struct {
	mu   sync.Mutex
	errs []error
}

func (o *outcomes) add(err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.errs = append(o.errs, err)
}

func (o *outcomes) all() []error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.errs)
}
