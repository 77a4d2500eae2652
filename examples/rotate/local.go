package main

import (
	"context"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"time"

	gojwt "github.com/golang-jwt/jwt/v5"

	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/token"
	"github.com/tokenlife/tokenlife/token/jwt"
	"github.com/tokenlife/tokenlife/token/seal"
)

// What the issuer in this program calls its only client, and itself, and the API
// beside it. It has no name that leads to it, since each run has its own port.
const (
	localClient = "rotate"
	localIssuer = "https://issuer.example"
	localAPI    = "https://api.example"
)

// lifetime is that of its access tokens.
const lifetime = 5 * time.Minute

// A local is an issuer and an API in this program. All that it knows, but for
// logins that are under way, is in a folder, so that each run of the program has
// the same one on another port.
type local struct {
	url      string
	stop     func() error
	issuer   *refresh.Issuer
	endpoint *refresh.Endpoint
	signing  token.Secret // key of the access tokens
	devices  devices
}

// startLocal starts it on a port of this machine that nobody else can reach.
func startLocal(ctx context.Context, dir string) (*local, error) {
	store := &refresh.Dir{Path: dir}
	secret, err := sharedSecret(ctx, store)
	if err != nil {
		return nil, err
	}
	signing, err := hkdf.Key(sha256.New, []byte(secret.Reveal()), nil, "access tokens", 32)
	if err != nil {
		return nil, err
	}
	l := &local{signing: token.NewSecret(string(signing))}
	l.issuer = &refresh.Issuer{
		Mint:  l.mint,
		Keys:  &seal.Keyring{Keys: []token.Secret{secret}},
		Store: store,
	}
	l.endpoint = &refresh.Endpoint{Issuer: l.issuer}

	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("a port of 127.0.0.1 is needed: %w", err)
	}
	l.url = "http://" + listener.Addr().String()
	server := &http.Server{Handler: l.handler(), ReadHeaderTimeout: 10 * time.Second}
	l.stop = server.Close
	go server.Serve(listener)
	return l, nil
}

// sharedSecret returns the secret that store has, and makes it if there is none.
// If several do so at once, one of theirs is that of all.
func sharedSecret(ctx context.Context, store refresh.Store) (token.Secret, error) {
	fresh := make([]byte, 32)
	rand.Read(fresh)
	if _, err := store.Swap(ctx, "secret", nil, fresh, time.Time{}); err != nil {
		return token.Secret{}, err
	}
	secret, err := store.Get(ctx, "secret")
	return token.NewSecret(string(secret)), err
}

// remote returns how a client reaches it.
func (l *local) remote() remote {
	return remote{
		deviceEndpoint:     l.url + "/device_authorization",
		tokenEndpoint:      l.url + "/token",
		revocationEndpoint: l.url + "/revoke",
		client:             localClient,
		scope:              "hello",
		api:                l.url + "/hello",
	}
}

func (l *local) handler() http.Handler {
	api := &jwt.Policy{
		Issuer:   localIssuer,
		Audience: []string{localAPI},
		Keys:     jwt.Keys{{ID: "1", Algorithm: "HS256", Shared: l.signing}},
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /device_authorization", l.authorizeDevice)
	mux.HandleFunc("POST /device", l.confirmDevice)
	mux.HandleFunc("POST /token", l.token)
	mux.HandleFunc("POST /revoke", l.endpoint.Revoke)
	mux.Handle("GET /hello", token.Require(api, token.RequireScope("hello", http.HandlerFunc(hello))))
	return mux
}

// token is the token endpoint.
func (l *local) token(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
	if r.PostFormValue("grant_type") == deviceGrant {
		l.grantDevice(w, r)
		return
	}
	l.endpoint.Token(w, r)
}

// mint makes an access token.
func (l *local) mint(_ context.Context, g refresh.Grant) (token.Token, error) {
	now := time.Now()
	t := gojwt.NewWithClaims(gojwt.SigningMethodHS256, gojwt.MapClaims{
		"iss": localIssuer, "sub": g.Subject, "aud": localAPI, "scope": g.Scope, "sid": g.Session,
		"iat": now.Unix(), "exp": now.Add(lifetime).Unix(), "jti": rand.Text(), // no two are the same
	})
	t.Header["kid"] = "1"
	text, err := t.SignedString([]byte(l.signing.Reveal()))
	return token.Token{Value: token.NewSecret(text), ExpiresIn: lifetime}, err
}

// hello is the API.
func hello(w http.ResponseWriter, r *http.Request) {
	claims, _ := token.FromContext(r.Context())
	fmt.Fprintf(w, "hello, %s\n", claims.Subject)
}

// answer writes v as JSON that nobody may keep.
func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(v)
}

// refuse answers with an error of RFC 6749, section 5.2.
func refuse(w http.ResponseWriter, code string) {
	answer(w, http.StatusBadRequest, map[string]string{"error": code})
}
