package main

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"time"

	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/token"
	"github.com/tokenlife/tokenlife/token/seal"
)

// client is the only one, and public: an app on somebody's device.
const client = "app"

// A service hands out pairs, and serves the API that they are for.
type service struct {
	issuer   *refresh.Issuer
	endpoint *refresh.Endpoint
	access   accessTokens
	log      *slog.Logger
}

func newService(store refresh.Store, keys []token.Secret, log *slog.Logger) (*service, error) {
	access, err := newAccessTokens(keys)
	if err != nil {
		return nil, err
	}
	s := &service{access: access, log: log}
	s.issuer = &refresh.Issuer{
		Mint:     access.mint,
		Keys:     &seal.Keyring{Keys: keys},
		Store:    store,
		Subjects: true, // for logout everywhere
		OnAudit:  s.audit,
	}
	s.endpoint = &refresh.Endpoint{Issuer: s.issuer}
	return s, nil
}

func (s *service) handler() http.Handler {
	guard := &token.Guard{Verifier: s.access.policy(), OnRefusal: s.refusal}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /login", s.login)
	mux.HandleFunc("POST /token", s.endpoint.Token)
	mux.HandleFunc("POST /revoke", s.endpoint.Revoke)
	mux.Handle("POST /logout-everywhere", guard.Require(http.HandlerFunc(s.logoutEverywhere)))
	mux.Handle("GET /hello", guard.Require(http.HandlerFunc(s.hello)))
	return mux
}

// login begins a family for whoever knows the password.
func (s *service) login(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
	user, password := r.PostFormValue("username"), r.PostFormValue("password")
	if r.PostFormValue("client_id") != client || user == "" {
		http.Error(w, "username, password and client_id=app are needed", http.StatusBadRequest)
		return
	}
	// Before the password is checked: if it is changed while this goes on, and
	// all logins are ended for it, this one is among them.
	epoch, err := s.issuer.Epoch(r.Context(), user)
	if err != nil {
		s.unavailable(w, "login", err)
		return
	}
	if !checkPassword(user, password) {
		s.log.Warn("login refused")
		http.Error(w, "wrong username or password", http.StatusUnauthorized)
		return
	}
	pair, err := s.issuer.Begin(r.Context(), refresh.Grant{
		Subject:  user,
		Client:   client,
		Scope:    "hello",
		Audience: audience,
		Epoch:    epoch,
	})
	if err != nil {
		s.unavailable(w, "login", err)
		return
	}
	s.log.Info("login", "subject", user)
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	json.NewEncoder(w).Encode(map[string]any{
		"access_token":  pair.Access.Value.Reveal(),
		"token_type":    "Bearer",
		"expires_in":    int(pair.Access.ExpiresIn / time.Second),
		"refresh_token": pair.Refresh.Value.Reveal(),
	})
}

// logoutEverywhere ends all logins of whoever asks. Their access tokens are good
// until they expire.
func (s *service) logoutEverywhere(w http.ResponseWriter, r *http.Request) {
	claims, _ := token.FromContext(r.Context())
	if err := s.issuer.RevokeSubject(r.Context(), claims.Subject); err != nil {
		s.unavailable(w, "logout everywhere", err)
		return
	}
	s.log.Info("logout everywhere", "subject", claims.Subject)
	w.WriteHeader(http.StatusNoContent)
}

// hello is the API.
func (s *service) hello(w http.ResponseWriter, r *http.Request) {
	claims, _ := token.FromContext(r.Context())
	w.Write([]byte("hello, " + claims.Subject + "\n"))
}

// unavailable answers that it could not be told, which is not the client's fault.
func (s *service) unavailable(w http.ResponseWriter, what string, err error) {
	s.log.Error(what, "error", err)
	w.Header().Set("Retry-After", "1")
	http.Error(w, "try again later", http.StatusServiceUnavailable)
}

// refusal logs why a request was not let in.
func (s *service) refusal(r *http.Request, reason error) {
	s.log.Warn("not let in", "request", r.Method+" "+r.URL.EscapedPath(), "reason", reason)
}

// audit logs what the Issuer has to tell.
func (s *service) audit(ctx context.Context, a refresh.Audit) {
	s.log.LogAttrs(ctx, slog.LevelWarn, "audit", slog.Any("", a))
}
