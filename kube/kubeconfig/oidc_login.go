package kubeconfig

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/oauth2"

	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/token"
	"github.com/tokenlife/tokenlife/token/oauth2adapt"
)

const (
	// discoveryTimeout bounds the search for the token endpoint. What is left of
	// exchangeTimeout is for the exchange itself: one that is cut short leaves it open
	// what became of the refresh token.
	discoveryTimeout = 5 * time.Second
	exchangeTimeout  = 15 * time.Second
	exchangeLease    = 20 * time.Second
)

// An oidcLogin is one user's at one issuer. Its pair is in the Store.
type oidcLogin struct {
	key    string
	store  refresh.Store
	client *http.Client // OIDC.Client

	settings atomic.Pointer[oidcSettings] // as they were read last

	mu      sync.Mutex // guards what follows; never held across a wait
	rotator *refresh.Rotator
	judged  token.Token   // the refresh token that was last found in the kubeconfig, and looked at
	writing chan struct{} // of a write-back under way; nil if none is
	behind  bool          // the last write-back failed
	tried   time.Time     // when
}

// loginKey names the login of a user, of one kubeconfig, at an issuer: a kubeconfig that
// names another issuer gets nothing of it.
func (s *oidcSettings) loginKey() string {
	h := sha256.New()
	for _, part := range []string{s.issuer, s.client, s.user, s.real} {
		var n [8]byte
		binary.BigEndian.PutUint64(n[:], uint64(len(part)))
		h.Write(n[:])
		h.Write([]byte(part))
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// follow makes l go on with the login in the kubeconfig, which s is: with the pair in
// the Store, if that came of it, or else with the pair in the kubeconfig.
func (l *oidcLogin) follow(ctx context.Context, s *oidcSettings, refused token.Token) error {
	l.settings.Store(s)
	l.mu.Lock()
	same := l.rotator != nil && l.judged.Equal(s.refresh)
	l.mu.Unlock()
	if same {
		return nil
	}
	r := l.holder(refresh.Pair{})
	first, err := l.isNew(ctx, r, s.refresh, s.idToken)
	if err != nil {
		return err
	}
	if first {
		initial := refresh.Pair{Refresh: s.refresh}
		if !s.idToken.Expiry.IsZero() && !s.idToken.Equal(refused) { // without an end it would be good for ever
			initial.Access = s.idToken
		}
		r = l.holder(initial)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.rotator == nil || first {
		l.rotator = r
		r.Invalidate(refused)
	}
	l.judged = s.refresh
	return nil
}

func (l *oidcLogin) holder(initial refresh.Pair) *refresh.Rotator {
	return &refresh.Rotator{
		Exchanger: refresh.ExchangerFunc(l.exchange),
		Initial:   initial,
		Store:     l.store,
		Key:       l.key,
		Timeout:   exchangeTimeout,
		Lease:     exchangeLease,
	}
}

// isNew reports whether a refresh token that was found in a kubeconfig, with that ID
// token, is of a login that the Store does not know: kubectl has spent the one that was
// there, or somebody has logged in. Otherwise it is an old one, and most likely spent:
// it was written or taken over by this package, or came with an ID token that is older
// than the one in the Store.
func (l *oidcLogin) isNew(ctx context.Context, r *refresh.Rotator, found, idToken token.Token) (bool, error) {
	raw, err := l.store.Get(ctx, "pair/"+l.key)
	if err != nil {
		return false, fmt.Errorf("reading what is kept of the login: %w", err)
	}
	if raw == nil {
		return true, nil // whatever else is recorded
	}
	if wrote, err := l.wrote(ctx, found); err != nil || wrote {
		return false, err
	}
	kept, err := r.Stored(ctx)
	switch {
	case errors.Is(err, token.ErrRefused):
		return true, nil
	case err != nil:
		return false, err
	}
	return another(idToken, kept.Access) || !older(idToken, kept.Access), nil
}

// another reports whether t and u say that they are of different people.
func another(t, u token.Token) bool {
	a, b := subject(t), subject(u)
	return a != "" && b != "" && a != b
}

func subject(t token.Token) string {
	info, err := token.Inspect(t.Value)
	if err != nil {
		return ""
	}
	return info.Claims.Subject
}

// older reports whether t says that it was issued before u.
func older(t, u token.Token) bool {
	return !t.IssuedAt.IsZero() && !u.IssuedAt.IsZero() && t.IssuedAt.Before(u.IssuedAt)
}

// exchange is the [refresh.Exchanger] of l. Where the token endpoint is, it asks each
// time, as kubectl does.
func (l *oidcLogin) exchange(ctx context.Context, presented token.Secret) (refresh.Pair, error) {
	s := l.settings.Load()
	client, err := l.clientFor(s)
	var provider oauth2adapt.Provider
	if err == nil {
		short, cancel := context.WithTimeout(ctx, discoveryTimeout)
		defer cancel()
		provider, err = oauth2adapt.Discover(short, client, s.issuer)
	}
	if err != nil {
		return refresh.Pair{}, &refresh.ExchangeError{Outcome: refresh.Transient, Wait: token.RetryAfter(err), Err: err}
	}
	x := &oauth2adapt.Exchanger{
		Config:  &oauth2.Config{ClientID: s.client, ClientSecret: s.secret.Reveal(), Endpoint: provider.Endpoint},
		Client:  client,
		IDToken: true,
	}
	return x.Exchange(ctx, presented)
}

func (l *oidcLogin) clientFor(s *oidcSettings) (*http.Client, error) {
	if l.client != nil {
		return l.client, nil
	}
	t, err := s.transport()
	if err != nil || t == nil {
		return nil, err
	}
	return &http.Client{Transport: t}, nil
}
