package session

import (
	"context"
	"net/http"
	"time"

	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/token"
	"github.com/tokenlife/tokenlife/token/seal"
)

// A Manager starts sessions, finds them in requests and ends them. T is the
// application's data, which is kept as JSON: a [token.Secret] does not survive
// that, a [token.Record] does.
//
// Set its fields before first use. A Manager is then safe for concurrent use, and
// must not be copied. Two Managers in one service need different Names, or the
// sessions of one pass for those of the other; and neither may be the other with a
// number behind it, as a-1 is of a.
type Manager[T any] struct {
	// Keys seals the sessions. Required.
	Keys *seal.Keyring

	// Name is the cookie's; empty means "__Host-session", or "session" if
	// Insecure. Unless Insecure it must begin with "__Host-", which browsers take
	// from this host alone, over https. It has at most 128 letters.
	Name string

	// Idle is how long a session lasts without a request; 0 means 30 minutes,
	// negative as long as Lifetime. Lifetime is how long it lasts at most; 0
	// means 12 hours, and a negative one is an error: it could not be ended for
	// good. So is one of more than 10 years. A logout is kept for the Lifetime of
	// then: raise it with another Name, or copies of sessions that were ended may
	// be good again.
	Idle, Lifetime time.Duration

	// Until, if not nil, returns when the token that data carries expires, by
	// Now: the session ends no later. The zero time means never. If it panics the
	// session is over.
	Until func(data T) time.Time

	// SameSite is the cookie's; 0 means Lax. With None, which needs https, every
	// site can make requests with the session: CrossOrigin alone keeps them out,
	// and lets GET through, with which WebSockets begin too.
	SameSite http.SameSite

	// Insecure lets the cookie travel over plain HTTP, where others can read it.
	// Browsers need no Insecure for http://localhost and http://127.0.0.1.
	Insecure bool

	// Store, if not nil, keeps what a cookie cannot: which sessions were ended,
	// and the pairs of [Manager.Source]. Replicas share it. Managers of other
	// services may share it too, if their Names differ.
	Store refresh.Store

	// Grace is how long sessions that this process has seen good go on, read
	// only, while the Store is away; 0 means not at all.
	Grace time.Duration

	// LoginPath is where browsers are sent to log in; empty means "/login".
	// LogoutPath is where they log out; empty means "/logout". Nobody is sent
	// back to either. They begin with one "/", and are nothing but a path.
	LoginPath, LogoutPath string

	// CrossOrigin decides which requests of other sites [Manager.Handler] refuses,
	// and may say how; nil means all that [http.CrossOriginProtection] refuses. It
	// is set before Handler is called.
	CrossOrigin *http.CrossOriginProtection

	// CSRF says where CSRF tokens travel; see [Manager.CheckCSRF].
	CSRF CSRFNames

	// Exchanger exchanges the refresh tokens of [Manager.Source], which needs it
	// and the Store. Revoke, if not nil, tells their issuer of those that are no
	// longer wanted. OnRefresh, if not nil, is told what happens to them.
	Exchanger refresh.Exchanger
	Revoke    func(ctx context.Context, refresh token.Secret) error
	OnRefresh func(refresh.Event)

	// OnEvent, if not nil, is told what happens, at times from several
	// goroutines. It must not block. A panic in it is ignored.
	OnEvent func(Event)

	// Now tells the time; nil means [time.Now].
	Now func() time.Time

	deaf  deaf     // calls of the Store
	seen  seen     // for Grace
	pairs rotators // for Source
}

const (
	defaultIdle     = 30 * time.Minute
	defaultLifetime = 12 * time.Hour

	hostPrefix  = "__Host-"
	defaultName = "session"
)

func (m *Manager[T]) name() string {
	switch {
	case m.Name != "":
		return m.Name
	case m.Insecure:
		return defaultName
	}
	return hostPrefix + defaultName
}

// purpose returns what something of this Manager is sealed for.
func (m *Manager[T]) purpose(kind string) string { return kind + "/" + m.name() }

func (m *Manager[T]) now() time.Time {
	if m.Now != nil {
		return m.Now()
	}
	return time.Now()
}

// moment is now as it is sealed: in milliseconds.
func (m *Manager[T]) moment() time.Time { return time.UnixMilli(m.now().UnixMilli()) }

func (m *Manager[T]) idle() time.Duration {
	switch {
	case m.Idle == 0:
		return defaultIdle
	case m.Idle < 0:
		return m.lifetime()
	}
	return m.Idle
}

func (m *Manager[T]) lifetime() time.Duration {
	if m.Lifetime == 0 {
		return defaultLifetime
	}
	return m.Lifetime
}
