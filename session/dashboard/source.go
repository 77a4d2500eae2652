package dashboard

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"

	"github.com/tokenlife/tokenlife/internal/panics"
	"github.com/tokenlife/tokenlife/token"
)

// A Source is a [token.Source] of sessions of a Dashboard: it logs in, and from
// then on has each session replaced by the next. It does not cache: wrap it in a
// refresh.Source, and give [Set] and [Refused] to the token.Transport.
//
// A session ends with the credential that it was made of, if that says when it
// ends. Once it cannot outlast the one at hand there is a login with what Login
// supplies by then.
//
// Whoever asks while there is a login or a refresh under way gets its token too.
//
// Set its fields before first use; it must not be copied afterwards.
type Source struct {
	// URL is the Dashboard's, such as "https://dashboard.example", or with a path
	// if it is behind one. Required. The Dashboard ignores sessions that come over
	// plain HTTP, and acts with its own rights: http is an error unless the host
	// is a loopback address or Insecure is set.
	URL string

	// Login supplies the bearer token to log in with, such as one of a service
	// account. It is asked at each login. Required. If it is a token.Invalidator
	// it is told of a token that the Dashboard refuses, and asked for another.
	Login token.Source

	// Client makes the requests; nil means one with a timeout of 10 seconds, which
	// knows the CAs of this system, and so no certificate that a Dashboard made for
	// itself. Redirects are not followed. A login or a refresh is two requests, and
	// has 30 seconds in all.
	Client *http.Client

	// Insecure permits plain HTTP to hosts other than this one.
	Insecure bool

	// OnEvent, if not nil, is told what happens. It must not block.
	OnEvent func(Event)

	// mu guards what follows. It is never held across a wait.
	mu      sync.Mutex
	attempt *attempt // under way, or nil
	current *held    // the last token, or nil
	version Version
}

// Token implements [token.Source]: it has the session replaced, or logs in if
// there is none that can be. The token's ExpiresIn is what the Dashboard gives
// it, or what its credential has left if that is less; 0 if neither ends.
//
// Ctx bounds the wait and not the login or refresh, for which others may wait
// too. An error that matches [token.ErrRefused] says that the Dashboard does not
// accept what Login supplies.
func (s *Source) Token(ctx context.Context) (token.Token, error) {
	if _, err := s.place(); err != nil {
		return token.Token{}, fmt.Errorf("dashboard: %w", err)
	}
	if s.Login == nil {
		return token.Token{}, errors.New("dashboard: Source.Login is nil: set it to what supplies the bearer token to log in with")
	}
	if err := ctx.Err(); err != nil {
		return token.Token{}, fmt.Errorf("dashboard: no token: %w", err)
	}
	a := s.join(ctx)
	select {
	case <-a.done:
		return a.token, a.err
	case <-ctx.Done():
		return token.Token{}, fmt.Errorf("dashboard: no token yet: %w", ctx.Err())
	}
}

// Invalidate implements [token.Invalidator]: if t is the session at hand, the
// next call of Token logs in anew. The bearer token that Dashboard 7.x gives
// back is Login's own: a Login that is a token.Invalidator is told.
func (s *Source) Invalidate(t token.Token) {
	s.mu.Lock()
	h := s.current
	if h == nil || !h.token.Equal(t) {
		s.mu.Unlock()
		return
	}
	refused := *h
	refused.refused = true
	s.current = &refused
	s.mu.Unlock()
	if !h.slides {
		s.disown(t)
	}
}

// disown tells Login that a bearer token of its was refused.
func (s *Source) disown(t token.Token) {
	if login, ok := s.Login.(token.Invalidator); ok {
		// If it panics, the refusal says more.
		_ = panics.Call("Source.Login", func() error { login.Invalidate(t); return nil })
	}
}

// Format implements [fmt.Formatter]: the session that a Source holds is not
// printed.
func (s *Source) Format(f fmt.State, verb rune) { io.WriteString(f, "dashboard.Source") }
