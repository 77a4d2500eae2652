// Package sent tells whether any of a request can have been sent, for those who
// must know after a failure whether a server may have done what was asked.
package sent

import (
	"errors"
	"strings"
	"sync/atomic"
)

// A Body is that of a request. Until somebody has begun to read it no server can
// have got it, whatever has been dialed, negotiated or written.
//
// Set as the Body of a request without GetBody it is not sent twice: not when a
// connection breaks, and not for the sake of an Idempotency-Key.
type Body struct {
	text  *strings.Reader
	state atomic.Int32
}

const (
	untouched = iota
	begun
	stopped
)

// NewBody returns a Body with a text.
func NewBody(text string) *Body { return &Body{text: strings.NewReader(text)} }

// Size returns the length of the whole text in bytes.
func (b *Body) Size() int64 { return b.text.Size() }

// Read implements [io.Reader].
func (b *Body) Read(p []byte) (int, error) {
	if !b.state.CompareAndSwap(untouched, begun) && b.state.Load() == stopped {
		return 0, errors.New("sent: the request is over")
	}
	return b.text.Read(p)
}

// Close implements [io.Closer].
func (b *Body) Close() error { return nil }

// Stop reports whether nobody has begun to read b, and sees to it that nobody
// will: a transport may have a connection and return before it writes.
func (b *Body) Stop() bool { return b.state.CompareAndSwap(untouched, stopped) }
