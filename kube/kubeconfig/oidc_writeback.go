package kubeconfig

import (
	"context"
	"time"

	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/token"
)

const (
	// writeTimeout bounds a write-back, which outlives the call that began it.
	writeTimeout = 10 * time.Second

	// writePause is how long it is after a write-back that failed until the next.
	writePause = 10 * time.Second
)

// keepUp brings the kubeconfig up to date with the pair in the Store, and reports
// whether that is left to be done. It is done before a token is handed out, since until
// then kubectl would find a refresh token that is spent; but no caller stays longer
// for it than ctx, and none goes without a token because of it. The kubeconfig was
// found to be as s.
func (o *OIDC) keepUp(ctx context.Context, l *oidcLogin, s *oidcSettings) (behind bool) {
	l.mu.Lock()
	switch {
	case l.writing != nil: // by another call
	case !l.judged.Equal(s.refresh) || l.behind && time.Since(l.tried) < writePause:
		defer l.mu.Unlock()
		return l.behind
	default:
		l.writing = make(chan struct{})
		go o.writeBack(context.WithoutCancel(ctx), l, l.rotator, s, l.writing)
	}
	done := l.writing
	l.mu.Unlock()
	select {
	case <-done:
	case <-ctx.Done():
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.behind
}

// writeBack writes the pair in the Store into the kubeconfig, unless that has it
// already, and then closes done.
func (o *OIDC) writeBack(ctx context.Context, l *oidcLogin, r *refresh.Rotator, s *oidcSettings, done chan<- struct{}) {
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	behind := true
	defer func() { // also if OnEvent does not return
		l.mu.Lock()
		defer l.mu.Unlock()
		l.writing, l.behind, l.tried = nil, behind, time.Now()
		close(done)
	}()
	wrote, err := o.bring(ctx, l, r, s)
	behind = err != nil
	if err != nil || wrote {
		o.tell(s, err)
	}
}

// bring does what is needed for a write-back, and reports whether the kubeconfig was
// changed.
func (o *OIDC) bring(ctx context.Context, l *oidcLogin, r *refresh.Rotator, s *oidcSettings) (wrote bool, err error) {
	kept, err := r.Stored(ctx)
	if err != nil {
		return false, nil // Token says so, and there is nothing to be written
	}
	// What the kubeconfig has is in the Store by now, or what came of it is. And what it
	// is to have is recorded before: if that came second, and were lost, the kubeconfig
	// would have a refresh token that looks like somebody else's.
	if err := l.remember(ctx, s.refresh, kept.Refresh); err != nil {
		return false, err
	}
	if kept.Refresh.Equal(s.refresh) && !newer(kept.Access, s.idToken) {
		return false, nil
	}
	_, err = o.files().update(ctx, s.user, func(config map[string]string) (map[string]string, error) {
		changes, err := l.changes(ctx, r, s, config)
		wrote = changes != nil && err == nil
		return changes, err
	})
	return wrote && err == nil, err
}

// changes returns what to write into a kubeconfig that is locked and has this now; nil
// if there is nothing, or if it is somebody else's by now.
func (l *oidcLogin) changes(ctx context.Context, r *refresh.Rotator, s *oidcSettings, now map[string]string) (map[string]string, error) {
	kept, err := r.Stored(ctx) // another process may have been faster
	if err != nil {
		return nil, err
	}
	id := token.New(token.NewSecret(now[oidcIDToken]))
	changes := map[string]string{}
	if newer(kept.Access, id) {
		changes[oidcIDToken] = kept.Access.Value.Reveal()
	}
	found := token.Token{Value: token.NewSecret(now[oidcRefreshToken])}
	switch {
	case now[oidcIssuer] != s.issuer || now[oidcClientID] != s.client || found.IsZero() || another(id, kept.Access):
		return nil, nil // another login, or a logout
	case found.Equal(kept.Refresh):
	default:
		if theirs, err := l.isNew(ctx, r, found, id); err != nil || theirs {
			return nil, err // it is the next call's
		}
		if err := l.remember(ctx, kept.Refresh); err != nil {
			return nil, err
		}
		changes[oidcRefreshToken] = kept.Refresh.Value.Reveal()
	}
	if len(changes) == 0 {
		return nil, nil
	}
	return changes, nil
}

// newer reports whether t is another token than u, and no older one.
func newer(t, u token.Token) bool { return !t.IsZero() && !t.Equal(u) && !older(t, u) }
