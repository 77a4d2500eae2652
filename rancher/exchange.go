package rancher

import (
	"context"
	"errors"
	"net/http/httptrace"
	"strings"
	"sync/atomic"
)

// An exchange is a request under way.
type exchange struct {
	body      body
	connected atomic.Bool // the server may have said something
}

// trace returns ctx for the request of e.
func (e *exchange) trace(ctx context.Context) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { e.connected.Store(true) },
	})
}

// A body is that of a request. Until somebody has begun to read it no server can
// have done what it asks for.
type body struct {
	text  *strings.Reader
	state atomic.Int32
}

const (
	untouched = iota
	begun
	stopped
)

// Read implements [io.Reader].
func (b *body) Read(p []byte) (int, error) {
	if !b.state.CompareAndSwap(untouched, begun) && b.state.Load() == stopped {
		return 0, errors.New("rancher: the call is over")
	}
	return b.text.Read(p)
}

// Close implements [io.Closer].
func (b *body) Close() error { return nil }

// stop reports whether nobody has begun to read b, and sees to it that nobody
// will.
func (b *body) stop() bool { return b.state.CompareAndSwap(untouched, stopped) }
