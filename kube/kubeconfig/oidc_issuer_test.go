package kubeconfig

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/token"
	"github.com/tokenlife/tokenlife/token/seal"
)

// A provider is an OpenID Connect issuer that rotates refresh tokens, and ends a login
// at the first that is used twice. Its ID tokens are not signed.
type provider struct {
	url     string
	issuer  *refresh.Issuer
	client  string
	secret  string
	noID    atomic.Bool // its answers have no ID token
	down    atomic.Bool
	minted  atomic.Int64
	subject string                                            // of its ID tokens; empty means alice
	answers func(w http.ResponseWriter, r *http.Request) bool // true: it has answered in the place of the provider

	mu     sync.Mutex
	posts  int // of refresh tokens
	found  int // discoveries
	audits []refresh.Audit
}

// newProvider returns a provider that is good for the client kubectl. Its grace is for
// answers that get lost; negative means none.
func newProvider(url string, life, grace time.Duration) *provider {
	p := &provider{url: url, client: "kubectl"}
	p.issuer = &refresh.Issuer{
		Keys:  &seal.Keyring{Keys: []token.Secret{token.NewSecret(strings.Repeat("k", 32))}},
		Store: new(refresh.Memory),
		Grace: grace,
		Mint: func(_ context.Context, g refresh.Grant) (token.Token, error) {
			t := token.New(token.NewSecret(p.idToken(time.Now(), life)))
			t.ExpiresIn = life
			return t, nil
		},
		OnAudit: func(_ context.Context, a refresh.Audit) {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.audits = append(p.audits, a)
		},
	}
	return p
}

// idToken returns an ID token that was issued at iat. No two are the same.
func (p *provider) idToken(iat time.Time, life time.Duration) string {
	enc := base64.RawURLEncoding.EncodeToString
	claims := fmt.Sprintf(`{"iss":%q,"sub":%q,"aud":"kubectl","iat":%d,"exp":%d,"jti":"%d"}`, p.url, cmp.Or(p.subject, "alice"), iat.Unix(), iat.Add(life).Unix(), p.minted.Add(1))
	return enc([]byte(`{"alg":"RS256"}`)) + "." + enc([]byte(claims)) + "." + enc([]byte("signature"))
}

// login returns the first pair of a login.
func (p *provider) login(t *testing.T) refresh.Pair {
	t.Helper()
	pair, err := p.issuer.Begin(t.Context(), refresh.Grant{Subject: "alice", Client: p.client})
	if err != nil {
		t.Fatal(err)
	}
	return pair
}

// spend exchanges a refresh token as kubectl does, behind everybody's back.
func (p *provider) spend(t *testing.T, presented string) refresh.Pair {
	t.Helper()
	pair, err := p.issuer.Exchange(t.Context(), refresh.Request{Refresh: token.NewSecret(presented), Client: p.client})
	if err != nil {
		t.Fatal(err)
	}
	return pair
}

func (p *provider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case p.answers != nil && p.answers(w, r):
	case p.down.Load():
		http.Error(w, "down", http.StatusServiceUnavailable)
	case r.URL.Path == "/.well-known/openid-configuration":
		p.mu.Lock()
		p.found++
		p.mu.Unlock()
		fmt.Fprintf(w, `{"issuer":%q,"token_endpoint":%q}`, p.url, p.url+"/token")
	default:
		p.mu.Lock()
		p.posts++
		p.mu.Unlock()
		e := refresh.Endpoint{Issuer: p.issuer}
		if p.secret != "" {
			e.Client = func(r *http.Request) (string, string, error) {
				if id, secret, _ := r.BasicAuth(); id != p.client || secret != url.QueryEscape(p.secret) {
					return "", "", token.ErrRefused
				}
				return p.client, "", nil
			}
		}
		rec := httptest.NewRecorder()
		e.Token(rec, r)
		var answer map[string]any
		if err := json.Unmarshal(rec.Body.Bytes(), &answer); err == nil && rec.Code == http.StatusOK {
			if !p.noID.Load() {
				answer["id_token"] = answer["access_token"]
			}
			answer["access_token"] = "opaque"
			w.Header().Set("Content-Type", "application/json")
			json.NewEncoder(w).Encode(answer)
			return
		}
		w.WriteHeader(rec.Code)
		w.Write(rec.Body.Bytes())
	}
}

// RoundTrip makes p a transport that needs no network.
func (p *provider) RoundTrip(r *http.Request) (*http.Response, error) {
	rec := httptest.NewRecorder()
	p.ServeHTTP(rec, r)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	resp := rec.Result()
	resp.Request = r
	if r.Body != nil {
		r.Body.Close()
	}
	return resp, nil
}

// count returns how many refresh tokens were presented, and of how many logins the end
// came because one was presented twice.
func (p *provider) count() (posts, ended int) {
	ended = p.audited(refresh.AuditReuse)
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.posts, ended
}

func (p *provider) audited(kind refresh.AuditKind) (n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, a := range p.audits {
		if a.Kind == kind {
			n++
		}
	}
	return n
}

// A desk is a kubeconfig with one user, alice, a folder for her pair, and her issuer.
type desk struct {
	*provider
	path  string
	store refresh.Store
}

func newDesk(t *testing.T, life, grace time.Duration) *desk {
	t.Helper()
	d := &desk{provider: newProvider("https://issuer.example", life, grace), path: filepath.Join(t.TempDir(), "config"), store: new(refresh.Memory)}
	d.write(t, d.login(t))
	return d
}

// write puts a pair into the kubeconfig, as a login does.
func (d *desk) write(t *testing.T, pair refresh.Pair) {
	t.Helper()
	text := fmt.Sprintf(`# mine
apiVersion: v1
kind: Config
current-context: here
contexts:
- {name: here, context: {cluster: c, user: alice}}
users:
- name: alice
  user:
    auth-provider:
      name: oidc
      config:
        client-id: %s # the public one
        client-secret: %q
        idp-issuer-url: %s
        id-token: %q
        refresh-token: %q
`, d.client, d.secret, d.url, pair.Access.Value.Reveal(), pair.Refresh.Value.Reveal())
	d.put(t, text)
}

func (d *desk) put(t *testing.T, text string) {
	t.Helper()
	if err := os.WriteFile(d.path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (d *desk) text(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(d.path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// has returns what the kubeconfig has of the pair.
func (d *desk) has(t *testing.T) (idToken, refreshToken string) {
	t.Helper()
	p, err := Files{d.path}.provider("alice")
	if err != nil {
		t.Fatal(err)
	}
	return p.Config[oidcIDToken], p.Config[oidcRefreshToken]
}

// source returns what a program has that is started now.
func (d *desk) source(events *journal) *OIDC {
	o := &OIDC{Files: Files{d.path}, User: "alice", Client: &http.Client{Transport: d.provider}, store: d.store}
	if events != nil {
		o.OnEvent = events.add
	}
	return o
}

// inStep fails the test unless the kubeconfig has the pair that is stored, and
// no login has ended.
func (d *desk) inStep(t *testing.T) {
	t.Helper()
	kept := d.kept(t)
	if id, r := d.has(t); id != kept.Access.Value.Reveal() || r != kept.Refresh.Value.Reveal() {
		t.Errorf("the kubeconfig has another pair than the Store: the same ID token: %t, refresh token: %t", id == kept.Access.Value.Reveal(), r == kept.Refresh.Value.Reveal())
	}
	if _, ended := d.count(); ended != 0 {
		t.Errorf("%d logins have ended", ended)
	}
}

// record returns the login of alice, with what is recorded of it.
func (d *desk) record(t *testing.T) *oidcLogin {
	t.Helper()
	p, err := Files{d.path}.provider("alice")
	if err != nil {
		t.Fatal(err)
	}
	s, err := readSettings(p)
	if err != nil {
		t.Fatal(err)
	}
	return &oidcLogin{key: s.loginKey(), store: d.store}
}

// kept returns the pair in the Store.
func (d *desk) kept(t *testing.T) refresh.Pair {
	t.Helper()
	r := &refresh.Rotator{Exchanger: refresh.ExchangerFunc(nil), Store: d.store, Key: d.record(t).key}
	pair, err := r.Stored(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return pair
}

// get returns the ID token that o hands out, which must be good.
func get(t *testing.T, o token.Source) token.Token {
	t.Helper()
	tok, err := o.Token(t.Context())
	if err != nil {
		t.Fatalf("Token: %v", err)
	}
	if left := time.Until(tok.Expiry); left <= 0 {
		t.Errorf("the token has ended %v ago", -left)
	}
	return tok
}

// renew returns another ID token than o has, for which it exchanges the refresh token.
func renew(t *testing.T, o *OIDC, refused token.Token) token.Token {
	t.Helper()
	o.Invalidate(refused)
	tok := get(t, o)
	if tok.Equal(refused) {
		t.Error("the refused token came again")
	}
	return tok
}

// A journal keeps events.
type journal struct {
	mu     sync.Mutex
	events []Event
}

func (j *journal) add(e Event) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.events = append(j.events, e)
}

func (j *journal) all() []Event {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.Clone(j.events)
}
