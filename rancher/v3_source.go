package rancher

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/tokenlife/tokenlife/internal/panics"
	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/token"
)

// A V3Source renews a token of Rancher 2.x: before it expires it makes the next
// with it, tries that, goes over to it, and deletes the one before the last. It
// is a [token.Source]; wrap it in refresh.New.
//
//	src := refresh.New(&rancher.V3Source{
//		Client: &rancher.V3{Server: server},
//		First:  token.Static(token.New(apiKey)),
//		Store:  &refresh.Dir{Path: dir}, Key: "ci",
//	})
//
// # The chain
//
// What it hands out are tokens of its own, and never that of First, which only
// makes the first of them. So each is as narrow as the fields say, and how long
// it lives is known. A renewal never widens: the next token speaks for the same
// user, is for the same cluster, and is asked to live no longer than the one
// before. A longer Lifetime counts once the chain begins with another token, or
// under another Key.
//
// If the token in use is refused, also when it is asked about once more, the
// chain goes on with First's. First is told if that is refused as well and it is a
// [token.Invalidator]. Rancher refuses good tokens too while it cannot read what
// it knows of them, so that both are tried again, after a minute at first and each
// ten minutes in the end: the chain goes on by itself when the server does.
//
// # Crashes
//
// All that several holders of the chain have to agree on is in the Store, where
// a [refresh.Rotator] sees to it that one of them renews at a time. The token is
// under "pair/rancher/" and Key, and "@" and Cluster if there is one. Beside it,
// without the "pair/", is what has no secret in it: the description of each token
// before it is made, with 128 random bits at its end. What is found at the server
// with such a description, was made with another token, and is neither the one in
// use nor the one before it, was left over by somebody who died, and is deleted.
// Nothing else ever is.
//
// Set its fields before first use; it must not be copied afterwards.
type V3Source struct {
	Client *V3 // required; its Source is not used

	// First supplies the token that the chain begins with: token.Static of an
	// API key, or a login. It is asked when there is no token to go on with.
	// Its token is never deleted. Required, unless the Store has a token. One of
	// ext.cattle.io can make others from 2.15 on.
	First token.Source

	// Lifetime is how long each token should live, from a minute on; 0 means 24
	// hours. AnyLifetime takes tokens that live as long as the server lets them
	// and Until does: for ever, if it has no maximum and Until is negative.
	// Lifetime must be 0 then.
	Lifetime    time.Duration
	AnyLifetime bool

	// Until is how long after it began the chain ends; 0 means 90 days,
	// negative means never. No token lives longer: a Lifetime that goes beyond
	// is cut to what is left, of which V3Created tells, and V3Clamped does not.
	// At the end First is asked again. Another token begins another chain; the
	// same one begins none, also after a restart.
	Until time.Duration

	// Cluster confines the tokens to a cluster, by its id, such as "c-m-abcde".
	// Rancher takes no such token for making others, so that each is made with
	// First's, which must then live as long as the chain: an API key, or another
	// V3Source. The chain of each cluster is one of its own, in the Store too:
	// Close what is not wanted any more.
	Cluster string

	// Description is what administrators see beside the tokens, of up to 64
	// bytes; empty means "tokenlife". A nonce is put behind it.
	Description string

	// Store keeps the token under Key, which names the server and the user, with
	// what is needed to clear up after a crash. What is kept there goes on, also
	// with another First: use another Key for another user. A nil Store keeps it
	// in memory, where a crash leaves up to three tokens behind, to the end of
	// their lives.
	Store refresh.Store
	Key   string

	// OnEvent, if not nil, is told what happens, at times from several
	// goroutines. It must not block.
	OnEvent func(V3Event)

	once       sync.Once // guards what follows
	rotator    *refresh.Rotator
	memory     refresh.Memory  // in the place of a Store
	reviving   chan struct{}   // has one element while somebody revives the chain
	background context.Context // done once s is closed
	close      context.CancelFunc

	// mu guards what follows. It is never held across a wait.
	mu      sync.Mutex
	refused error         // why the last renewal found no token to go on with; nil if it did
	wait    time.Duration // how long First is left alone after credentials were refused
	spent   clearing      // what is to be deleted once the last renewal is in the Store
	left    token.Secret  // the token of a Close that could not delete all
}

const (
	defaultUntil  = 90 * 24 * time.Hour
	shortestLife  = time.Minute
	mostDescribed = 64

	// renewTimeout bounds one renewal, which is a handful of requests.
	renewTimeout = 30 * time.Second
	renewLease   = 40 * time.Second
)

// beginning is the refresh token of a pair whose chain has yet to begin. It is the
// same for all holders, so that one of them alone begins it.
var beginning = token.New(token.NewSecret("first"))

// Token implements [token.Source]. It returns the token in the Store if that is
// neither due nor refused, and otherwise a new one: see [refresh.Rotator.Token].
//
// The error matches [token.ErrRefused] if there is nothing to go on with: the
// token was refused and so was First's, the chain has come to its end (Until), or
// s is closed. It then matches the error of First as well.
func (s *V3Source) Token(ctx context.Context) (token.Token, error) {
	if err := s.configured(); err != nil {
		return token.Token{}, err
	}
	if s.background.Err() != nil {
		return token.Token{}, errClosed
	}
	tok, err := s.rotator.Token(ctx)
	if errors.Is(err, token.ErrRefused) { // it was closed by another holder
		if err = s.revive(ctx); err == nil {
			tok, err = s.rotator.Token(ctx)
		}
	}
	if err != nil {
		return token.Token{}, s.failure(err)
	}
	return tok, nil
}

// Invalidate implements [token.Invalidator].
func (s *V3Source) Invalidate(t token.Token) {
	if s.configured() == nil {
		s.rotator.Invalidate(t)
	}
}

// revive has the chain begin anew that somebody has closed.
func (s *V3Source) revive(ctx context.Context) error {
	select {
	case s.reviving <- struct{}{}:
		defer func() { <-s.reviving }()
	case <-ctx.Done():
		return fmt.Errorf("rancher: no token yet: %w", ctx.Err())
	}
	if _, err := s.rotator.Token(ctx); !errors.Is(err, token.ErrRefused) {
		return nil // somebody was faster
	}
	return s.rotator.Replace(ctx, refresh.Pair{Refresh: beginning})
}

// failure returns an error of the Rotator as callers get it.
func (s *V3Source) failure(err error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refused == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return &refusedError{err, s.refused}
}

// A refusedError is an error of the Rotator, which does not know that there is
// nothing to go on with.
type refusedError struct{ err, why error }

func (e *refusedError) Error() string   { return e.err.Error() }
func (e *refusedError) Unwrap() []error { return []error{e.err, e.why} }

// configured completes s at its first use, and returns an error if a field is
// missing or wrong.
func (s *V3Source) configured() error {
	switch {
	case s.Client == nil || s.Client.Server == nil:
		return errors.New("rancher: V3Source.Client is nil, or its Server is: set it to where Rancher is")
	case s.Store != nil && s.Key == "":
		return errors.New("rancher: V3Source.Key is empty: a Store needs a key to keep the token under")
	case s.AnyLifetime && s.Lifetime != 0:
		return errors.New("rancher: V3Source has a Lifetime and AnyLifetime: set one of them")
	case s.Lifetime < 0 || s.Lifetime > 0 && s.Lifetime < shortestLife:
		return fmt.Errorf("rancher: V3Source.Lifetime is %v: set at least %v, or AnyLifetime for tokens that live for ever", s.Lifetime, shortestLife)
	case !describes(s.Description):
		return fmt.Errorf("rancher: V3Source.Description is too long, or has characters in it that do not print: use at most %d bytes of text", mostDescribed)
	}
	if s.Cluster != "" {
		if err := checkName("cluster", s.Cluster); err != nil {
			return fmt.Errorf("rancher: V3Source.Cluster: %w", err)
		}
	}
	s.once.Do(func() {
		s.reviving = make(chan struct{}, 1)
		s.background, s.close = context.WithCancel(context.Background())
		s.rotator = &refresh.Rotator{
			Exchanger: refresh.ExchangerFunc(s.exchange),
			Initial:   refresh.Pair{Refresh: beginning},
			Timeout:   renewTimeout,
			Lease:     renewLease,
			Revoke:    s.revoke,
			OnEvent:   s.rotated,
		}
		if s.Store != nil {
			s.rotator.Store, s.rotator.Key = s.Store, s.recordKey()
		}
	})
	return nil
}

// describes reports whether s can be put before a nonce.
func describes(s string) bool {
	for _, r := range s {
		if !unicode.IsPrint(r) {
			return false
		}
	}
	return len(s) <= mostDescribed && utf8.ValidString(s)
}

// rotated is told what the Rotator does. Once it has stored the new token, the
// one before the last can go.
func (s *V3Source) rotated(e refresh.Event) {
	s.tell(V3Event{Kind: V3Rotation, Rotation: e})
	if e.Kind == refresh.Exchanged {
		s.mu.Lock()
		c := s.spent
		s.spent = clearing{}
		s.mu.Unlock()
		if c.m != nil {
			go s.clear(c)
		}
	}
}

func (s *V3Source) tell(e V3Event) {
	if s.OnEvent != nil {
		// A panic here must not cost the token.
		_ = panics.Call("OnEvent", func() error { s.OnEvent(e); return nil })
	}
}
