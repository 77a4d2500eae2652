package rancher

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"
)

// Why there is nothing to be had of the activity of a session: see
// [V3.Activity]. The first three are about who asks, the others about the
// session.
var (
	// ErrSessionUser: it is another user's.
	ErrSessionUser = errors.New("the session is another user's than the one who asks")

	// ErrSessionProvider: who asks has logged in by another provider.
	ErrSessionProvider = errors.New("the session is of another provider than the one who asks")

	// ErrSessionPrincipal: who asks has logged in as another principal of the
	// same user.
	ErrSessionPrincipal = errors.New("the session is of another principal than the one who asks")

	// ErrNoSession: the token is no login's. It has no idle limit, and there is
	// nothing to keep alive.
	ErrNoSession = errors.New("the token was not made by a login, and has no idle limit")

	// ErrSessionDisabled: the token is disabled. An administrator has to enable
	// it, or its user to log in again.
	ErrSessionDisabled = errors.New("the token of the session is disabled")

	// ErrSessionExpired: the token has expired, by auth-user-session-ttl-minutes.
	ErrSessionExpired = errors.New("the token of the session has expired")

	// ErrSessionIdle: nothing was recorded of the session for longer than
	// auth-user-session-idle-ttl-minutes.
	ErrSessionIdle = errors.New("the session has ended because nobody was active")
)

// A V3Activity is when somebody was last active in a session, that is, a token
// of a login. Only a UserActivity counts, as the web interface records it, and
// [V3.Touch]; requests do not.
type V3Activity struct {
	SeenAt    time.Time // zero if nothing was ever recorded
	ExpiresAt time.Time // when the session ends if nothing more is; zero if there is no such limit
}

// Activity returns when somebody was last active in the session whose token has
// a name, and changes nothing.
//
// If the session is dead, and another credential asks, of the same user and the
// same login, the server says why: the error matches [ErrSessionIdle],
// [ErrSessionExpired], [ErrSessionDisabled] or the like, and [ErrNotFound] if
// there is no such token, or if the server is of a version that keeps no
// activity, which it then says.
func (c *V3) Activity(ctx context.Context, name string) (V3Activity, error) {
	return c.activity(ctx, name, call{op: "read the activity", method: http.MethodGet})
}

// Touch records that somebody is active now in the session whose token has a
// name, and returns when it will end if nothing more is recorded. A session that
// has ended is not revived; see [V3.Activity] for the errors.
//
// The first Touch gives a session the limit that it did not have before.
func (c *V3) Touch(ctx context.Context, name string) (V3Activity, error) {
	return c.activity(ctx, name, call{op: "record activity", method: http.MethodPut})
}

func (c *V3) activity(ctx context.Context, name string, req call) (V3Activity, error) {
	name, err := extActivities.lookup(name)
	if err != nil {
		return V3Activity{}, req.fail(err)
	}
	req.op, req.path = req.op+" of session "+name, extActivities.path(name)
	if req.method == http.MethodPut {
		req.body = extBody("UserActivity", name, struct{}{}) // without a seenAt it is the server's now
	}
	a, err := c.ext(ctx, extActivities, req)
	if err != nil {
		return V3Activity{}, whyInactive(a, err)
	}
	act, err := parseActivity(a)
	if err != nil {
		return V3Activity{}, a.unreadable(err)
	}
	return act, nil
}

// inactive are the words by which a server says why, and what they mean.
var inactive = []struct {
	words  string
	means  error
	remedy string
}{
	{"users don't match", ErrSessionUser, "ask with a token of the session's own user"},
	{"auth providers don't match", ErrSessionProvider, "ask with a token that was made by a login at the session's provider, or by a token of one"},
	{"user principals don't match", ErrSessionPrincipal, "ask with a token that was made by the same login, or by another one as the same principal"},
	{"not a session token", ErrNoSession, "leave it as it is"},
	{"token is disabled", ErrSessionDisabled, "log in again, if the user may"},
	{"token is expired", ErrSessionExpired, "log in again; auth-user-session-ttl-minutes says how long a login is good for"},
	{"session idle timeout expired", ErrSessionIdle, "log in again, and record activity (KeepActive), or have an administrator raise auth-user-session-idle-ttl-minutes"},
}

// whyInactive returns err with the reason that the server gives. A is nil if
// nothing could be read.
func whyInactive(a *answer, err error) error {
	if a == nil {
		return err
	}
	message := read(a).message
	switch {
	case a.status == http.StatusForbidden:
		for _, why := range inactive {
			if strings.HasSuffix(message, " is forbidden: "+why.words) {
				return a.failed(why.means, why.remedy)
			}
		}
	case a.status == http.StatusBadRequest && strings.HasPrefix(message, "token not found "):
		return a.failed(ErrNotFound, "it was logged out or deleted, or has expired and was cleared away: log in again")
	}
	return err
}

// parseActivity reads a UserActivity of ext.cattle.io.
func parseActivity(a *answer) (V3Activity, error) {
	var act V3Activity
	var of string
	r := a.reader()
	for part := range r.Object() {
		switch {
		case part == "metadata":
			of = member(&r, "name")
		case part == "spec" && isObject(&r):
			for name := range r.Object() {
				if name == "seenAt" {
					act.SeenAt = instant(&r)
				}
			}
		case part == "status" && isObject(&r):
			for name := range r.Object() {
				if name == "expiresAt" {
					act.ExpiresAt = instant(&r)
				}
			}
		}
	}
	if err := r.End(); err != nil {
		return V3Activity{}, placed(err)
	}
	if !isName(of) {
		return V3Activity{}, errors.New("metadata.name: missing, or no name")
	}
	return act, nil
}
