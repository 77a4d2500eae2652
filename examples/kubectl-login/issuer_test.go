package main

import (
	"cmp"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tokenlife/tokenlife/token/jwt/jwttest"
)

const (
	clientID = "kubernetes"
	subject  = "alice@example.com"
)

// An issuer is an OpenID Connect issuer on a loopback address, over TLS. It has the
// code flow and the device flow, gives each refresh token for one exchange, and ends
// the login whose refresh token comes twice.
type issuer struct {
	url, ca string // ca is a file
	signer  *jwttest.Issuer

	mu       sync.Mutex // guards what follows
	life     time.Duration
	claims   map[string]any // more of the ID token's, or other ones
	forged   bool           // ID tokens are signed by another key
	without  string         // member of the answer of the token endpoint
	moved    string         // where the token endpoint redirects to
	pace     int            // interval of the device flow, in seconds
	deny     string         // error of the next answers to authorizations
	answer   func(url.Values)
	device   bool            // there is a device flow
	codeless bool            // there is no authorization endpoint
	revokes  bool            // there is a revocation endpoint
	names    bool            // RFC 9207
	down     bool            // nothing but an error comes
	gate     <-chan struct{} // what comes to the token endpoint waits for it
	come     chan<- struct{} // closed when something does
	secret   string          // of the client
	codes    map[string]url.Values
	users    map[string]bool // device codes and whether somebody has entered them
	logins   map[string]*grant
	count    counts
}

// A grant is one login.
type grant struct {
	current string // refresh token
	ended   bool
}

// counts are of what the issuer has seen.
type counts struct {
	Authorizations, Logins, Exchanges, Reuses, Revocations int
}

func newIssuer(t *testing.T) *issuer {
	t.Helper()
	i := &issuer{
		life: time.Hour, revokes: true, names: true,
		codes: make(map[string]url.Values), users: make(map[string]bool), logins: make(map[string]*grant),
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", i.discovery)
	mux.HandleFunc("GET /jwks", i.jwks)
	mux.HandleFunc("GET /authorize", i.authorize)
	mux.HandleFunc("POST /device", i.authorizeDevice)
	mux.HandleFunc("POST /token", i.token)
	mux.HandleFunc("POST /revoke", i.revoke)
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		i.mu.Lock()
		down := i.down
		i.mu.Unlock()
		if down {
			http.Error(w, "down", http.StatusServiceUnavailable)
			return
		}
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	i.mu.Lock() // the handlers run in goroutines that began before
	defer i.mu.Unlock()
	i.url = server.URL
	i.ca = filepath.Join(t.TempDir(), "ca.pem")
	raw := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(i.ca, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	i.signer = jwttest.NewIssuer(t)
	i.signer.URL = i.url
	return i
}

// counts returns what has been counted.
func (i *issuer) counts() counts {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.count
}

// set changes fields of i.
func (i *issuer) set(change func(*issuer)) {
	i.mu.Lock()
	defer i.mu.Unlock()
	change(i)
}

func (i *issuer) discovery(w http.ResponseWriter, r *http.Request) {
	i.mu.Lock()
	defer i.mu.Unlock()
	doc := map[string]any{
		"issuer": i.url, "jwks_uri": i.url + "/jwks",
		"authorization_endpoint": i.url + "/authorize", "token_endpoint": i.url + "/token",
		"token_endpoint_auth_methods_supported":          []string{"none", "client_secret_post"},
		"response_types_supported":                       []string{"code"},
		"subject_types_supported":                        []string{"public"},
		"id_token_signing_alg_values_supported":          []string{"ES256"},
		"authorization_response_iss_parameter_supported": i.names,
	}
	if i.codeless {
		delete(doc, "authorization_endpoint")
	}
	if i.device {
		doc["device_authorization_endpoint"] = i.url + "/device"
	}
	if i.revokes {
		doc["revocation_endpoint"] = i.url + "/revoke"
	}
	write(w, http.StatusOK, doc)
}

func (i *issuer) jwks(w http.ResponseWriter, r *http.Request) {
	i.mu.Lock()
	defer i.mu.Unlock()
	resp, err := i.signer.Client().Get(i.url + "/.well-known/openid-configuration")
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	var doc struct {
		URI string `json:"jwks_uri"`
	}
	err = json.NewDecoder(resp.Body).Decode(&doc)
	resp.Body.Close()
	if err == nil {
		resp, err = i.signer.Client().Get(doc.URI)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	defer resp.Body.Close()
	w.Header().Set("Content-Type", "application/json")
	io.Copy(w, resp.Body)
}

// authorize is where a browser logs in, which takes nothing but to come.
func (i *issuer) authorize(w http.ResponseWriter, r *http.Request) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.count.Authorizations++
	q := r.URL.Query()
	back, err := url.Parse(q.Get("redirect_uri"))
	switch {
	case err != nil || back.Hostname() != "127.0.0.1" || back.Path != "/callback" || back.Scheme != "http":
		http.Error(w, "redirect_uri", http.StatusBadRequest)
		return
	case q.Get("client_id") != clientID, q.Get("response_type") != "code", q.Get("code_challenge_method") != "S256",
		len(q.Get("code_challenge")) != 43, len(q.Get("state")) < 22, len(q.Get("nonce")) < 22,
		!strings.Contains(" "+q.Get("scope")+" ", " openid "):
		http.Error(w, "not the request that there should be", http.StatusBadRequest)
		return
	}
	answer := url.Values{"state": {q.Get("state")}}
	if i.names {
		answer.Set("iss", i.url)
	}
	if i.deny != "" {
		answer.Set("error", i.deny)
	} else {
		code := rand.Text()
		i.codes[code] = q
		answer.Set("code", code)
	}
	if i.answer != nil {
		i.answer(answer)
	}
	back.RawQuery = answer.Encode()
	http.Redirect(w, r, back.String(), http.StatusSeeOther)
}

func (i *issuer) authorizeDevice(w http.ResponseWriter, r *http.Request) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.count.Authorizations++
	code := rand.Text()
	i.users[code] = false
	write(w, http.StatusOK, map[string]any{
		"device_code": code, "user_code": "ABCD-EFGH", "verification_uri": i.url + "/enter", "expires_in": 60, "interval": cmp.Or(i.pace, 1),
	})
}

// enter is what users do who have been told a code.
func (i *issuer) enter() {
	i.mu.Lock()
	defer i.mu.Unlock()
	for code := range i.users {
		i.users[code] = true
	}
}

func (i *issuer) token(w http.ResponseWriter, r *http.Request) {
	i.mu.Lock()
	gate, come := i.gate, i.come
	i.come = nil
	i.mu.Unlock()
	if gate != nil {
		r.ParseForm()
		if come != nil {
			close(come)
		}
		select {
		case <-gate:
		case <-r.Context().Done(): // and so nothing is spent
			return
		}
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.moved != "" {
		http.Redirect(w, r, i.moved, http.StatusTemporaryRedirect)
		return
	}
	if i.secret != "" && r.PostFormValue("client_secret") != i.secret || r.PostFormValue("client_id") != clientID {
		refuse(w, "invalid_client")
		return
	}
	switch r.PostFormValue("grant_type") {
	case "authorization_code":
		q := i.codes[r.PostFormValue("code")]
		delete(i.codes, r.PostFormValue("code"))
		sum := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
		if q == nil || base64.RawURLEncoding.EncodeToString(sum[:]) != q.Get("code_challenge") || r.PostFormValue("redirect_uri") != q.Get("redirect_uri") {
			refuse(w, "invalid_grant")
			return
		}
		i.count.Logins++
		i.grant(w, new(grant), q.Get("nonce"))
	case "urn:ietf:params:oauth:grant-type:device_code":
		entered, ok := i.users[r.PostFormValue("device_code")]
		if !ok {
			refuse(w, "invalid_grant")
			return
		}
		if i.deny != "" {
			refuse(w, i.deny)
			return
		}
		if !entered {
			refuse(w, "authorization_pending")
			return
		}
		delete(i.users, r.PostFormValue("device_code"))
		i.count.Logins++
		i.grant(w, new(grant), "")
	case "refresh_token":
		presented := r.PostFormValue("refresh_token")
		g := i.logins[presented]
		switch {
		case g == nil || g.ended:
			refuse(w, "invalid_grant")
		case g.current != presented:
			i.count.Reuses++
			g.ended = true
			refuse(w, "invalid_grant")
		default:
			i.count.Exchanges++
			i.grant(w, g, "")
		}
	default:
		refuse(w, "unsupported_grant_type")
	}
}

// grant answers with the next pair of a login. The caller holds mu.
func (i *issuer) grant(w http.ResponseWriter, g *grant, nonce string) {
	g.current = "refresh-" + rand.Text()
	i.logins[g.current] = g
	now := time.Now()
	claims := map[string]any{
		"sub": "1", "email": subject, "aud": clientID, "jti": rand.Text(), "iat": now, "exp": now.Add(i.life),
	}
	if nonce != "" {
		claims["nonce"] = nonce
	}
	for name, value := range i.claims {
		claims[name] = value
	}
	idToken := i.signer.Mint(claims).Value.Reveal()
	if i.forged {
		at, other := strings.LastIndex(idToken, ".")+5, "A"
		if idToken[at] == other[0] {
			other = "B"
		}
		idToken = idToken[:at] + other + idToken[at+1:]
	}
	answer := map[string]any{
		"access_token": "access-" + rand.Text(), "token_type": "Bearer", "expires_in": 60,
		"refresh_token": g.current, "id_token": idToken,
	}
	delete(answer, i.without)
	write(w, http.StatusOK, answer)
}

func (i *issuer) revoke(w http.ResponseWriter, r *http.Request) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.count.Revocations++
	if g := i.logins[r.PostFormValue("token")]; g != nil {
		g.ended = true
	}
}

// endLogins is what an administrator does at the issuer.
func (i *issuer) endLogins() {
	i.mu.Lock()
	defer i.mu.Unlock()
	for _, g := range i.logins {
		g.ended = true
	}
}

func write(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(v)
}

func refuse(w http.ResponseWriter, code string) {
	write(w, http.StatusBadRequest, map[string]string{"error": cmp.Or(code, "invalid_request")})
}
