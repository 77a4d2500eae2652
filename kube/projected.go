package kube

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"sync/atomic"
	"time"

	"github.com/tokenlife/tokenlife/token"
)

// ServiceAccountToken is where a pod finds the token of its service account.
const ServiceAccountToken = "/var/run/secrets/kubernetes.io/serviceaccount/token"

// Projected returns a Source of the service account token in a file that the
// kubelet keeps fresh; an empty path means the pod's own, [ServiceAccountToken].
// Wrapped in refresh.New it is read again within a minute and after a 401; the last
// good token is kept while the file, or its folder, is missing, empty or being
// written. No file is watched.
//
//	src := refresh.New(kube.Projected("/var/run/secrets/tokens/vault"))
//
// A token that the API server has made valid for a year, for programs that never
// read the file again, counts until the kubelet was to have replaced it.
//
// A file that does not hold a whole JWT is an error: half of one has the look of a
// token, and would be sent. So is one signed in a way that no API server signs.
// [token.File] reads tokens of other kinds.
func Projected(path string) token.Source {
	if path == "" {
		path = ServiceAccountToken
	}
	return &projected{path: path}
}

type projected struct {
	path string
	last atomic.Pointer[token.Secret] // what Token returned; nil before
}

// moments are how long it takes each time until a file that is no good is looked at
// again, because it may be good a moment later: Windows has no link whenever the
// kubelet replaces it, and a writer that knows no better empties the file first.
// Whoever had a token refused just then would get an error for it.
var moments = [...]time.Duration{10 * time.Millisecond, 40 * time.Millisecond, 200 * time.Millisecond}

// Token implements [token.Source].
func (p *projected) Token(ctx context.Context) (token.Token, error) {
	t, err := p.look(ctx)
	for _, moment := range moments {
		if err == nil || !sleep(ctx, moment) {
			break
		}
		t, err = p.look(ctx)
	}
	switch {
	case err == nil:
		p.last.Store(&t.Value)
		return t, nil
	case ctx.Err() != nil && errors.Is(err, ctx.Err()):
		return token.Token{}, fmt.Errorf("kube: no time to look at %s: %w", p.path, err)
	case ctx.Err() != nil:
		return token.Token{}, fmt.Errorf("kube: no time to look again: %w: %w", ctx.Err(), err)
	}
	return token.Token{}, fmt.Errorf("kube: %w%s", err, p.remedy(err))
}

// settling is how long another token than before must stay in the file: where it is
// written in place, what is read may be half of the new one and half of the old, and
// look like a token.
const settling = 10 * time.Millisecond

// look returns the token in the file, if there is one and it stays.
func (p *projected) look(ctx context.Context) (token.Token, error) {
	t, err := p.read(ctx)
	if last := p.last.Load(); err != nil || last != nil && t.Value.Equal(*last) {
		return t, err
	}
	sleep(ctx, settling)
	again, err := p.read(ctx)
	if err == nil && !again.Equal(t) {
		err = fmt.Errorf("%s was another %v later: whoever writes it is not done", p.path, settling)
	}
	return again, err
}

// read returns the token in the file.
func (p *projected) read(ctx context.Context) (token.Token, error) {
	t, err := token.File(p.path).Token(ctx)
	if err != nil {
		return token.Token{}, err
	}
	if err := p.check(t.Value); err != nil {
		return token.Token{}, fmt.Errorf("%s does not hold a whole service account token: %w", p.path, err)
	}
	return t, nil
}

// sleep waits for d, and reports whether ctx was not done before.
func sleep(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}

// check reports what is wrong with what the file holds.
func (p *projected) check(value token.Secret) error {
	info, signature, err := wholeJWT(value)
	if err != nil {
		return err
	}
	// An RSA signature may be the beginning of a longer one. All of one key's are of
	// the same length.
	if last := p.last.Load(); last != nil && info.KeyID != "" {
		if before, length, _ := wholeJWT(*last); info.KeyID == before.KeyID && info.Algorithm == before.Algorithm && signature < length {
			return fmt.Errorf("segment 3 (signature): %d bytes, and one by the same key had %d: was it cut off?", signature, length)
		}
	}
	return nil
}

// remedy says what to do about err, where the error does not.
func (p *projected) remedy(err error) string {
	switch {
	case errors.Is(err, fs.ErrPermission):
		return "; set fsGroup in the securityContext of the pod: the kubelet makes its tokens readable to that group"
	case !errors.Is(err, fs.ErrNotExist):
		return ""
	case p.path == ServiceAccountToken:
		return "; does this run in a pod, and one that automountServiceAccountToken does not deny its token?"
	}
	return "; is the volume mounted, and the path that of its serviceAccountToken source?"
}
