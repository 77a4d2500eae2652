package kubeconfig

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/token"
)

// OIDC is a [token.Source] of the ID tokens of a user whose kubeconfig has the
// auth-provider oidc. It goes on with the login that is there: it exchanges the refresh
// token when the ID token is due, and writes the new pair back, so that kubectl finds it.
//
//	src := refresh.New(&kubeconfig.OIDC{User: "alice"})
//
// Any number of programs may do so at once: the pair is first kept in Dir, by a
// [refresh.Rotator], and durably; the kubeconfig comes second. A kubeconfig that cannot
// be written costs nothing. It is told to OnEvent, and tried again. Nor does one that is
// behind, as it is when it comes out of a backup, have a refresh token spent twice. A
// login that somebody else has put there is taken over by the next call of Token, and
// one whose refresh token was cleared is over. What is kept is of one kubeconfig: two
// copies of one are two logins with one refresh token, which both would spend.
//
// # kubectl
//
// kubectl itself exchanges the refresh token without a lock, when it finds that the ID
// token has expired. If it does so in the same moment, one of the two presents a token
// that is spent, and an issuer that watches for that ends the login. A program that
// refreshes early, as [refresh.Source] does, leaves it no reason while it runs. The cure
// is to have kubectl itself use an exec plugin, such as the kubectl-login of this module's
// examples, and no auth-provider.
//
// Set the fields before first use; an OIDC must not be copied afterwards. It caches
// nothing: each call of Token reads the kubeconfig.
type OIDC struct {
	// Files are the kubeconfig files; nil means [Default].
	Files Files

	// User is the user; empty means that of the current context, whichever that is at
	// each call.
	User string

	// Dir is the folder that keeps the pair, before the kubeconfig gets it; empty means
	// tokenlife/kubeconfig in [os.UserConfigDir]. Programs that use one kubeconfig use
	// one Dir. See [refresh.Dir].
	Dir string

	// Client asks the issuer. Its Transport must not send a request again by itself.
	// Nil means one that trusts the authority in the kubeconfig, if there is one,
	// as kubectl does; a relative path of it is relative to the kubeconfig's folder.
	Client *http.Client

	// OnEvent, if not nil, is told what became of the kubeconfig. It must not block.
	OnEvent func(Event)

	store refresh.Store // in the place of Dir; for tests

	mu      sync.Mutex // guards what follows; never held across a wait
	login   *oidcLogin // of the last call; nil before
	refused token.Token
}

// An Event is what an OIDC tells its OnEvent. It holds no secret.
type Event struct {
	// File is the kubeconfig.
	File string

	// Err is nil if it was given a new pair. Otherwise it says why it could not be
	// read or written, or why what it has was handed out and nothing was refreshed.
	Err error
}

// String returns e in one line for a log.
func (e Event) String() string {
	if e.Err != nil {
		return e.Err.Error()
	}
	return e.File + " was given the new tokens"
}

// leastLeft is how long an ID token must have left to be handed out, where there is
// no other; it is what kubectl has.
const leastLeft = 10 * time.Second

// Token implements [token.Source]. It returns the ID token that is kept, or that a new
// exchange brought. Where the kubeconfig has no refresh token, it is the ID token in
// there, as long as that is good by this machine's clock.
//
// If there is no login, or it is over, the error matches [token.ErrRefused]: log in
// again. Any other error means that a later call may work.
func (o *OIDC) Token(ctx context.Context) (token.Token, error) {
	if err := ctx.Err(); err != nil {
		return token.Token{}, fmt.Errorf("kubeconfig: no token was asked for: %w", context.Cause(ctx))
	}
	p, err := o.files().provider(o.User)
	var s *oidcSettings
	if err == nil {
		s, err = readSettings(p)
	}
	l := o.last()
	switch {
	case err != nil && (l == nil || p.User != "" && p.User != l.settings.Load().user):
		return token.Token{}, err
	case err != nil: // it was there, and the login is still good
		o.tell(l.settings.Load(), err)
		return l.token(ctx)
	case s.refresh.IsZero():
		return s.only()
	}
	if l, err = o.enter(ctx, s); err != nil {
		return o.without(s, err)
	}
	t, err := l.token(ctx)
	if err == nil && another(t, s.idToken) {
		return token.Token{}, s.failed(token.Refused(errors.New("its refresh-token was used before, and the login that is kept since then is another person's than its id-token: log in again")))
	}
	if behind := o.keepUp(ctx, l, s); behind && (t.RefreshIn == 0 || t.RefreshIn > writePause) {
		t.RefreshIn = writePause // so that the kubeconfig is tried again soon
	}
	if err != nil {
		return o.without(s, err)
	}
	return t, nil
}

// Invalidate implements [token.Invalidator]: if t is the ID token that is kept, the
// next call of Token has another.
func (o *OIDC) Invalidate(t token.Token) {
	o.mu.Lock()
	o.refused = t
	l := o.login
	o.mu.Unlock()
	if l != nil {
		l.holding().Invalidate(t)
	}
}

// Format implements [fmt.Formatter]: what an OIDC holds is not printed.
func (o *OIDC) Format(f fmt.State, verb rune) { io.WriteString(f, "kubeconfig.OIDC") }

func (o *OIDC) files() Files {
	if o.Files == nil {
		return Default()
	}
	return o.Files
}

func (o *OIDC) last() *oidcLogin {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.login
}

// enter returns the login that s is of.
func (o *OIDC) enter(ctx context.Context, s *oidcSettings) (*oidcLogin, error) {
	l, key := o.last(), s.loginKey()
	if l == nil || l.key != key {
		store := o.store
		if store == nil {
			dir := o.Dir
			if dir == "" {
				base, err := os.UserConfigDir()
				if err != nil {
					return nil, s.failed(fmt.Errorf("there is no folder to keep the login in: %w: set OIDC.Dir", err))
				}
				dir = filepath.Join(base, "tokenlife", "kubeconfig")
			}
			store = &refresh.Dir{Path: dir}
		}
		l = &oidcLogin{key: key, store: store, client: o.Client}
	}
	o.mu.Lock()
	refused := o.refused
	o.mu.Unlock()
	if err := l.follow(ctx, s, refused); err != nil {
		return nil, s.failed(err)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.login != nil && o.login.key == key {
		return o.login, nil // another call was faster
	}
	o.login = l
	return l, nil
}

func (l *oidcLogin) holding() *refresh.Rotator {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.rotator
}

func (l *oidcLogin) token(ctx context.Context) (token.Token, error) {
	t, err := l.holding().Token(ctx)
	if err != nil {
		return token.Token{}, l.settings.Load().failed(err)
	}
	return t, nil
}

// without returns what there is to hand out although err keeps the pair from use: the
// ID token in the kubeconfig, if that is good and was not refused.
func (o *OIDC) without(s *oidcSettings, err error) (token.Token, error) {
	o.mu.Lock()
	refused := o.refused
	o.mu.Unlock()
	t, dead := s.only()
	if dead != nil || t.Equal(refused) || errors.Is(err, token.ErrRefused) {
		return token.Token{}, err
	}
	o.tell(s, err)
	return t, nil
}

// only returns the ID token in the kubeconfig.
func (s *oidcSettings) only() (token.Token, error) {
	left := time.Until(s.idToken.Expiry)
	why := ""
	switch {
	case s.idToken.IsZero():
		why = "it has no id-token"
	case s.idToken.Expiry.IsZero():
		why = "its id-token is no JWT, or does not say when it ends"
	case left <= leastLeft:
		why = fmt.Sprintf("its id-token ended at %s", stamp(s.idToken.Expiry))
	default:
		return s.idToken, nil
	}
	return token.Token{}, s.failed(token.Refused(fmt.Errorf("%s, and there is no refresh-token: log in again", why)))
}

// tell tells OnEvent, in which a panic must not cost a token.
func (o *OIDC) tell(s *oidcSettings, err error) {
	if o.OnEvent == nil {
		return
	}
	defer func() { _ = recover() }()
	o.OnEvent(Event{File: s.file, Err: err})
}
