package kube

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/token"
)

// Tokens keeps tokens fresh for many service accounts, audiences and pods, as a
// controller or a CSI driver needs them. It is what the kubelet's token manager is,
// for programs that are not a kubelet. See [refresh.Group] for how it behaves: one
// request at a time for each Request, at most 64 in all, renewals spread over a
// fifth of the life, no goroutine for each.
//
//	tokens := &kube.Tokens{Client: func(namespace string) kube.TokenCreator {
//		return cs.CoreV1().ServiceAccounts(namespace)
//	}}
//	t, err := tokens.Token(ctx, kube.Request{Namespace: "ci", ServiceAccount: "builder"})
//
// A clientset asks five times a second unless its configuration says otherwise:
// raise QPS and Burst there to what the API server can take, or a thousand first
// tokens take minutes, and those at the end of the queue exceed Timeout.
//
// A service account that is deleted and made again is another, whose tokens are not
// those of the first: a Request with its UID fails from then on, one without gets a
// token of the new account when the old token is due, or is refused and given to
// Invalidate.
//
// Set its fields before first use; it must not be copied afterwards.
type Tokens struct {
	// Client returns what asks for tokens in a namespace. Required. It is called for
	// each token.
	Client func(namespace string) TokenCreator

	// Timeout bounds each request; 0 means 30 seconds, negative no bound.
	Timeout time.Duration

	// Parallel is how many requests may be in flight; 0 means 64, negative no bound.
	Parallel int

	// Idle is how long a Request that nobody asks for is kept; 0 means an hour,
	// negative for ever.
	Idle time.Duration

	// OnEvent, if not nil, is told what the server did other than it was asked. It
	// must not block.
	OnEvent func(Event)

	// OnRefresh, if not nil, is told what happens to the token of each Request. It
	// must not block.
	OnRefresh func(Request, refresh.Event)

	once sync.Once
	kept refresh.Group[key] // made of the fields above at first use
}

// Token returns a token for r: the one at hand, or one that it waits for until ctx
// is done. What r points to may be changed afterwards.
//
// Its errors are of type [*Error], most of them in a refresh.Error that says when
// the server will be asked again. A Request that the server cannot be asked for is
// refused without being kept.
func (t *Tokens) Token(ctx context.Context, r Request) (token.Token, error) {
	if err := t.check(r); err != nil {
		return token.Token{}, err
	}
	return t.group().Token(ctx, r.key())
}

// check returns an error if there is no asking for the token of r.
func (t *Tokens) check(r Request) error {
	switch {
	case t.Client == nil:
		return misconfigured(r.op(), noClient)
	case r.Namespace == "":
		return misconfigured(r.op(), "Request.Namespace is empty: set it to that of the service account")
	}
	return r.check()
}

const noClient = "Tokens.Client is nil: set it to a function that returns clientset.CoreV1().ServiceAccounts(namespace)"

// group returns what keeps the tokens.
func (t *Tokens) group() *refresh.Group[key] {
	t.once.Do(func() {
		t.kept.Base = t.base
		t.kept.Timeout = t.Timeout
		t.kept.Parallel = t.Parallel
		t.kept.Idle = t.Idle
		if t.OnRefresh != nil {
			t.kept.OnEvent = func(k key, e refresh.Event) { t.OnRefresh(k.request(), e) }
		}
	})
	return &t.kept
}

// base returns what asks for the tokens of k. It is kept for as long as k is, so
// what can be made anew from k for each token is not part of it.
func (t *Tokens) base(k key) token.Source {
	return token.SourceFunc(func(ctx context.Context) (token.Token, error) {
		src := Source{Request: k.request(), OnEvent: t.OnEvent}
		if src.Client = t.Client(src.Namespace); src.Client == nil {
			return token.Token{}, misconfigured(src.op(), "Tokens.Client returned nil")
		}
		return src.Token(ctx)
	})
}

// Source returns a view of t for one Request: a [token.Invalidator], for
// token.Transport and [Config]. It does not keep the Request in t: it may be kept
// for as long as it is of use.
func (t *Tokens) Source(r Request) token.Invalidator { return &view{t, r.key(), t.check(r)} }

// A view is Tokens for one Request.
type view struct {
	tokens *Tokens
	key    key
	err    error // of check
}

// Token implements [token.Source].
func (v *view) Token(ctx context.Context) (token.Token, error) {
	if v.err != nil {
		return token.Token{}, v.err
	}
	return v.tokens.group().Token(ctx, v.key)
}

// Invalidate implements [token.Invalidator].
func (v *view) Invalidate(tok token.Token) { v.tokens.group().Invalidate(v.key, tok) }

// Invalidate gives up tok, if it is the token at hand for r.
func (t *Tokens) Invalidate(r Request, tok token.Token) { t.group().Invalidate(r.key(), tok) }

// Format implements [fmt.Formatter]: the tokens that are kept are not printed, and may
// change meanwhile.
func (t *Tokens) Format(f fmt.State, verb rune) { io.WriteString(f, "kube.Tokens") }

func (v *view) Format(f fmt.State, verb rune) { v.tokens.Format(f, verb) }

// Drop forgets the tokens whose Request match accepts, such as those bound to a
// pod that is gone. Audiences come to it sorted, and BoundTo may be nil.
//
//	tokens.Drop(func(r kube.Request) bool { return r.BoundTo != nil && r.BoundTo.UID == pod.UID })
func (t *Tokens) Drop(match func(Request) bool) {
	t.group().Drop(func(k key) bool { return match(k.request()) })
}

// Len returns how many Requests are kept.
func (t *Tokens) Len() int { return t.group().Len() }

// Run replaces tokens when they are due without anybody asking, until ctx is done;
// it returns the cause. Idle ones are dropped all the same.
func (t *Tokens) Run(ctx context.Context) error {
	if t.Client == nil {
		return misconfigured("tokens of service accounts", noClient)
	}
	return t.group().Run(ctx)
}
