package dashboard

import (
	"context"
	"crypto/rsa"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/tokenlife/tokenlife/internal/panics"
	"github.com/tokenlife/tokenlife/token/jwt"
)

const (
	// loadInterval is the least time between two calls of Load, since anybody can
	// present a session that no key opens. While there are no keys at all, nothing
	// works, and it is emptyInterval.
	loadInterval  = 10 * time.Second
	emptyInterval = time.Second

	loadTimeout = 10 * time.Second

	// loadOverrun is how much longer than loadTimeout Load may take to say itself
	// why it has no keys, before its callers go on without it.
	loadOverrun = 100 * time.Millisecond
)

// A load is one call of Load, which any number of callers wait for.
type load struct {
	began time.Time
	done  chan struct{}
	end   func() // closes done, once
}

// pause returns the least time between two calls of Load. The caller holds mu.
func (k *KeyHolder) pause() time.Duration {
	if k.keys == nil {
		return emptyInterval
	}
	return loadInterval
}

// begin returns the load under way, and begins one if that is allowed. It returns
// nil if there is nothing to wait for.
func (k *KeyHolder) begin(ctx context.Context) *load {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.load == nil && (k.tried.IsZero() || time.Since(k.tried) >= k.pause()) {
		k.tried = time.Now()
		done := make(chan struct{})
		k.load = &load{k.tried, done, sync.OnceFunc(func() { close(done) })}
		go k.run(context.WithoutCancel(ctx), k.load)
	}
	return k.load
}

// run makes the call of Load that is l, and ends it whatever happens.
func (k *KeyHolder) run(ctx context.Context, l *load) {
	var keys jwt.Keys
	err := errors.New("it called runtime.Goexit, and must return")
	defer func() {
		if value := recover(); value != nil {
			err = panics.Error("it", value)
		}
		k.settle(l, true, keys, err)
	}()
	defer time.AfterFunc(loadTimeout+loadOverrun, func() {
		k.settle(l, false, nil, fmt.Errorf("it ignores its context, and has not returned after %v", loadTimeout))
	}).Stop()
	ctx, cancel := context.WithTimeout(ctx, loadTimeout)
	defer cancel()
	text, loadErr := k.Load(ctx)
	if err = loadErr; err == nil {
		keys, err = parseHeld(text)
	}
}

// settle lets those go who wait for l, with keys or with the error of Load, if it
// has not ended. If that has not returned either, it stays under way: a Load that
// ignores its context is not called a second time beside the first.
func (k *KeyHolder) settle(l *load, returned bool, keys jwt.Keys, err error) {
	if err != nil {
		err = ours(fmt.Errorf("dashboard: no keys from KeyHolder.Load: %w", err))
	}
	k.mu.Lock()
	if k.load != l {
		k.mu.Unlock()
		return
	}
	if returned {
		k.load = nil
	}
	if k.err = err; err == nil {
		k.keys, k.loaded = keys, l.began
	}
	k.mu.Unlock()
	defer l.end()
	k.tell(err)
}

// tell calls OnLoad, in which a panic must not end anything.
func (k *KeyHolder) tell(err error) {
	if k.OnLoad == nil {
		return
	}
	defer func() { _ = recover() }()
	k.OnLoad(err)
}

// parseHeld reads keys, of which one at least must open sessions.
func parseHeld(text []byte) (jwt.Keys, error) {
	keys, err := jwt.ParseKeys(text)
	if err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(keys, func(k jwt.Key) bool { _, ok := k.Private.(*rsa.PrivateKey); return ok }) {
		return nil, errors.New("there is no private RSA key among them: is it the Secret's pub instead of its priv?")
	}
	return keys, nil
}
