package kube

import (
	"context"
	"slices"
	"sync"

	"k8s.io/client-go/rest"
)

// Warnings is a rest.WarningHandlerWithContext for the configuration that a
// Client is made from: it gives what the API server says of a token to the Source
// that asked for it, and the rest to Next.
//
//	cfg.WarningHandlerWithContext = kube.Warnings{}
//	cs, err := kubernetes.NewForConfig(cfg)
type Warnings struct {
	// Next handles the warnings of other requests, and those of a Source without
	// OnEvent; nil means [rest.WarningLogger], which logs them, and is client-go's
	// own default.
	Next rest.WarningHandlerWithContext
}

// HandleWarningHeaderWithContext implements [rest.WarningHandlerWithContext].
func (w Warnings) HandleWarningHeaderWithContext(ctx context.Context, code int, agent, text string) {
	const miscellaneous = 299 // the only one that API servers send
	c, ok := ctx.Value(collecting{}).(*collector)
	switch {
	case ok && code == miscellaneous && text != "":
		c.add(text)
	case w.Next != nil:
		w.Next.HandleWarningHeaderWithContext(ctx, code, agent, text)
	default:
		rest.WarningLogger{}.HandleWarningHeaderWithContext(ctx, code, agent, text)
	}
}

// A collector keeps the warnings that come with one token: it rides in the context
// of the request, which is all that client-go gives a handler to know it by.
type collector struct {
	mu    sync.Mutex
	texts []string
}

// collecting is the key of a collector in a context.
type collecting struct{}

// collect returns ctx with a collector in it.
func collect(ctx context.Context) (context.Context, *collector) {
	c := new(collector)
	return context.WithValue(ctx, collecting{}, c), c
}

func (c *collector) add(text string) {
	const most, length = 10, 300
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.texts) < most {
		c.texts = append(c.texts, brief(text, length))
	}
}

// all returns what has come so far.
func (c *collector) all() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.texts)
}
