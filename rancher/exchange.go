package rancher

import (
	"context"
	"net/http/httptrace"
	"sync/atomic"

	"github.com/tokenlife/tokenlife/internal/sent"
)

// An exchange is a request under way.
type exchange struct {
	body      *sent.Body
	connected atomic.Bool // the server may have said something
}

// trace returns ctx for the request of e.
func (e *exchange) trace(ctx context.Context) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { e.connected.Store(true) },
	})
}
