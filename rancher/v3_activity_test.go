package rancher

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tokenlife/tokenlife/rancher/ranchertest"
	"github.com/tokenlife/tokenlife/token"
)

// What is sent, and what is read of the answer.
func TestActivityExchange(t *testing.T) {
	t.Parallel()
	const path = "/ext/apis/ext.cattle.io/v1/useractivities/token-7d9xk"
	seen := time.Date(2026, 8, 19, 17, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		name, answer string
		want         V3Activity
	}{
		{"recorded", `{"metadata":{"name":"token-7d9xk"},"spec":{"seenAt":"2026-08-19T17:00:00Z"},"status":{"expiresAt":"2026-08-20T09:00:00Z"}}`,
			V3Activity{seen, seen.Add(16 * time.Hour)}},
		{"never", `{"metadata":{"name":"token-7d9xk"},"spec":{},"status":{"expiresAt":""}}`, V3Activity{}},
		{"null", `{"metadata":{"name":"token-7d9xk"},"spec":{"seenAt":null},"status":{"expiresAt":""}}`, V3Activity{}},
		{"no spec", `{"metadata":{"name":"token-7d9xk"},"spec":null,"status":null}`, V3Activity{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c, server := script(t, map[string]http.HandlerFunc{"GET " + path: says(200, "true", tt.answer), "PUT " + path: says(200, "true", tt.answer)})
			c.Source = token.Static(token.Token{Value: v3Secret})
			got, err := c.Activity(t.Context(), "token-7d9xk")
			if diff := cmp.Diff(tt.want, got); err != nil || diff != "" {
				t.Errorf("%v\n%s", err, diff)
			}
			got, err = c.Touch(t.Context(), "ext/token-7d9xk")
			if diff := cmp.Diff(tt.want, got); err != nil || diff != "" {
				t.Errorf("%v\n%s", err, diff)
			}
			const body = `{"apiVersion":"ext.cattle.io/v1","kind":"UserActivity","metadata":{"name":"token-7d9xk"},"spec":{}}`
			if diff := cmp.Diff(body, server.body()); diff != "" {
				t.Error(diff)
			}
		})
	}
	for _, body := range []string{`{}`, `[]`, `{"metadata":{"name":"token-7d9xk"}`, `{"metadata":{"name":""}}`} {
		c, _ := script(t, map[string]http.HandlerFunc{"GET " + path: says(200, "true", body)})
		c.Source = token.Static(token.Token{Value: v3Secret})
		_, err := c.Activity(t.Context(), "token-7d9xk")
		checkV3Error(t, err, ErrNotRancher, 200, "cannot be read")
	}
}

// Each of the words by which a server says why has an error of its own.
func TestActivityReasons(t *testing.T) {
	t.Parallel()
	idle := func(fake *ranchertest.V3) { fake.Set("auth-user-session-idle-ttl-minutes", "30") }
	for _, tt := range []struct {
		row     string
		happens func(t *testing.T, fake *ranchertest.V3, c *V3, session string) (about string)
		want    error
	}{
		{"users don't match", func(t *testing.T, fake *ranchertest.V3, c *V3, session string) string {
			fake.AddUser("alice", "hunter2")
			login, err := c.Login(t.Context(), Credentials{Username: "alice", Password: token.NewSecret("hunter2")})
			if err != nil {
				t.Fatal(err)
			}
			c.Source = token.Static(login.Token)
			return session
		}, ErrSessionUser},
		{"auth providers don't match", func(t *testing.T, fake *ranchertest.V3, c *V3, session string) string {
			fake.SetLogin(session, "openldap", "")
			return session
		}, ErrSessionProvider},
		{"user principals don't match", func(t *testing.T, fake *ranchertest.V3, c *V3, session string) string {
			fake.SetLogin(session, "", "local://another")
			return session
		}, ErrSessionPrincipal},
		{"not a session token", func(t *testing.T, fake *ranchertest.V3, c *V3, session string) string {
			_, made, err := c.Create(t.Context(), V3Request{})
			if err != nil {
				t.Fatal(err)
			}
			return made.Name
		}, ErrNoSession},
		{"token is disabled", func(t *testing.T, fake *ranchertest.V3, c *V3, session string) string {
			fake.DisableToken(session)
			return session
		}, ErrSessionDisabled},
		{"token is expired", func(t *testing.T, fake *ranchertest.V3, c *V3, session string) string {
			time.Sleep(16 * time.Hour)
			loginV3(t, c)
			return session
		}, ErrSessionExpired},
		{"session idle timeout expired", func(t *testing.T, fake *ranchertest.V3, c *V3, session string) string {
			idle(fake)
			if _, err := c.Touch(t.Context(), session); err != nil {
				t.Fatal(err)
			}
			time.Sleep(30*time.Minute + time.Second)
			loginV3(t, c)
			return session
		}, ErrSessionIdle},
		{"token not found", func(t *testing.T, fake *ranchertest.V3, c *V3, session string) string {
			fake.DeleteToken(session)
			return session
		}, ErrNotFound},
	} {
		t.Run("B.8 UserActivity: "+tt.row, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				fake, c := newV3("v2.13.1")
				session := loginV3(t, c).Name
				loginV3(t, c) // a second one, which asks
				about := tt.happens(t, fake, c, session)
				for range 2 {
					act, err := c.Activity(t.Context(), about)
					if !errors.Is(err, tt.want) || act != (V3Activity{}) {
						t.Errorf("Activity: %v, %+v", err, act)
					}
					_, err = c.Touch(t.Context(), about)
					if !errors.Is(err, tt.want) || errors.Is(err, ErrForbidden) || errors.Is(err, token.ErrRefused) {
						t.Errorf("Touch: %v", err)
					}
				}
			})
		})
	}
	t.Run("B.8 UserActivity: other words are no reason", func(t *testing.T) {
		t.Parallel()
		for _, message := range []string{"token is expired", "useractivities.ext.cattle.io is forbidden: token is expired hunter2", "x is forbidden: not-a session token"} {
			c, _ := script(t, map[string]http.HandlerFunc{"GET /ext/apis/ext.cattle.io/v1/useractivities/token-7d9xk": says(403, "true",
				`{"kind":"Status","status":"Failure","message":"`+message+`","reason":"Forbidden","code":403}`)})
			c.Source = token.Static(token.Token{Value: v3Secret})
			_, err := c.Activity(t.Context(), "token-7d9xk")
			checkV3Error(t, err, ErrForbidden, 403, "")
		}
	})
}

// Reading the activity starts no limit, and recording it once does.
func TestActivityLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, c := newV3("v2.13.1")
		session := loginV3(t, c).Name
		if act, err := c.Activity(t.Context(), session); err != nil || act != (V3Activity{}) {
			t.Errorf("%+v, %v", act, err)
		}
		act, err := c.Touch(t.Context(), session)
		if err != nil || !act.SeenAt.Equal(time.Now()) || act.ExpiresAt.Sub(act.SeenAt) != 16*time.Hour {
			t.Errorf("%+v, %v", act, err)
		}
		time.Sleep(time.Hour)
		if again, err := c.Activity(t.Context(), session); err != nil || again != act {
			t.Errorf("%+v, %v", again, err)
		}
	})
}

// A session with an idle limit of ten minutes stays for as long as it is kept
// active, whatever the pauses that are asked for, and dies after that.
func TestKeepActive(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		every       time.Duration
		least, most int // beats in two hours
	}{
		"left to the limit": {0, 36, 38},
		"too seldom":        {time.Hour, 36, 38},
		"more often":        {time.Minute, 120, 122},
		"far too often":     {time.Nanosecond, 7200, 7202},
	} {
		t.Run("B.6 idle: kept active, "+name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				fake, c := newV3("v2.13.1")
				fake.Set("auth-user-session-idle-ttl-minutes", "10")
				session := loginV3(t, c).Name
				before := len(fake.Requests())
				ctx, cancel := context.WithTimeout(t.Context(), 2*time.Hour)
				defer cancel()
				if err := c.KeepActive(ctx, session, tt.every); !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("%v", err)
				}
				if n := len(fake.Requests()) - before; n < tt.least || n > tt.most {
					t.Errorf("%d beats", n)
				}
				if _, err := c.Get(t.Context(), session); err != nil {
					t.Errorf("it is dead: %v", err)
				}
				time.Sleep(10*time.Minute + time.Second)
				if _, err := c.Get(t.Context(), session); !errors.Is(err, ErrNotAuthenticated) {
					t.Errorf("nobody keeps it, and it lives: %v", err)
				}
			})
		})
	}
}

// What passes is waited out, and what does not ends it.
func TestKeepActiveFailures(t *testing.T) {
	t.Parallel()
	const put = "PUT /ext/apis/ext.cattle.io/v1/useractivities/"
	for name, tt := range map[string]struct {
		happens func(fake *ranchertest.V3, session string, later func(time.Duration, func()))
		want    error // nil: it goes on
	}{
		"a minute without a server": {func(fake *ranchertest.V3, _ string, later func(time.Duration, func())) {
			later(59*time.Second, func() { fake.SetFault(ranchertest.Drop) })
			later(4*time.Minute, func() { fake.SetFault(nil) })
		}, nil},
		"a proxy's page": {func(fake *ranchertest.V3, _ string, later func(time.Duration, func())) {
			later(59*time.Second, func() { fake.SetFault(ranchertest.Page) })
			later(4*time.Minute, func() { fake.SetFault(nil) })
		}, nil},
		"a proxy that knows no Rancher": {func(fake *ranchertest.V3, _ string, later func(time.Duration, func())) {
			later(59*time.Second, func() { fake.SetFault(ranchertest.Status(404)) })
			later(4*time.Minute, func() { fake.SetFault(nil) })
		}, nil},
		"no activities from the first": {func(fake *ranchertest.V3, _ string, later func(time.Duration, func())) {
			fake.SetFault(ranchertest.Status(404))
		}, ErrNotFound},
		"one refusal": {func(fake *ranchertest.V3, session string, later func(time.Duration, func())) {
			fake.SetFault(ranchertest.On(put+session, ranchertest.First(1, ranchertest.Answer(401, mustAuthenticate))))
		}, nil},
		"two refusals that are not in a row": {func(fake *ranchertest.V3, session string, later func(time.Duration, func())) {
			once := func() {
				fake.SetFault(ranchertest.On(put+session, ranchertest.First(1, ranchertest.Answer(401, mustAuthenticate))))
			}
			once()
			later(time.Hour, once)
		}, nil},
		"refused from the first": {func(fake *ranchertest.V3, session string, later func(time.Duration, func())) {
			fake.SetFault(ranchertest.Answer(401, mustAuthenticate))
		}, ErrNotAuthenticated},
		"disabled": {func(fake *ranchertest.V3, session string, later func(time.Duration, func())) {
			later(time.Hour, func() { fake.DisableToken(session) })
		}, ErrSessionDisabled},
		"logged out": {func(fake *ranchertest.V3, session string, later func(time.Duration, func())) {
			later(time.Hour, func() { fake.DeleteToken(session) })
		}, ErrNotFound},
		"away for longer than the limit": {func(fake *ranchertest.V3, session string, later func(time.Duration, func())) {
			later(time.Hour, func() { fake.SetFault(ranchertest.Status(503)) })
			later(2*time.Hour, func() { fake.SetFault(nil) })
		}, ErrSessionIdle},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				fake, c := newV3("v2.13.1")
				fake.Set("auth-user-session-idle-ttl-minutes", "10")
				session := loginV3(t, c).Name
				loginV3(t, c) // a second one, which asks
				ctx, cancel := context.WithTimeout(t.Context(), 8*time.Hour)
				defer cancel()
				tt.happens(fake, session, func(d time.Duration, do func()) {
					timer := time.AfterFunc(d, do)
					t.Cleanup(func() { timer.Stop() })
				})
				want := tt.want
				if want == nil {
					want = context.DeadlineExceeded
				}
				if err := c.KeepActive(ctx, session, time.Minute); !errors.Is(err, want) {
					t.Errorf("%v, want %v", err, want)
				}
			})
		})
	}
	t.Run("a Source that fails for an hour, and one that is refused", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			fake, c := newV3("v2.13.1")
			login := loginV3(t, c)
			var fails error
			began := time.Now()
			c.Source = token.SourceFunc(func(context.Context) (token.Token, error) {
				switch d := time.Since(began); {
				case d > time.Minute && d < time.Hour:
					return token.Token{}, errors.New("the vault is sealed")
				case d > 3*time.Hour:
					return token.Token{}, fails
				}
				return token.Token{Value: login.Token.Value}, nil
			})
			fails = token.ErrRefused
			if err := c.KeepActive(t.Context(), login.Name, time.Minute); !errors.Is(err, token.ErrRefused) || time.Since(began) < 3*time.Hour {
				t.Errorf("%v, after %v", err, time.Since(began))
			}
			if n := len(fake.Requests()); n < 120 {
				t.Errorf("%d requests", n)
			}
		})
	})
	t.Run("what is missing is said at once", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			for name, c := range map[string]*V3{"Source": {Server: &Server{URL: "https://rancher.example"}}, "Server": {Source: token.Static(token.Token{Value: v3Secret})}} {
				if err := c.KeepActive(t.Context(), "token-7d9xk", 0); err == nil {
					t.Errorf("without a %s: %v", name, err)
				}
			}
			fake, c := newV3("v2.13.1")
			session := loginV3(t, c).Name
			ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
			defer cancel()
			before := len(fake.Requests())
			if err := c.KeepActive(ctx, session, -1); err == nil || !strings.Contains(err.Error(), "every is negative") || len(fake.Requests()) != before {
				t.Errorf("every is negative: %v", err)
			}
			cancel()
			if err := c.KeepActive(ctx, session, 0); err != context.Canceled {
				t.Errorf("whoever called has gone: %v", err)
			}
		})
	})
}

// The pauses.
func TestKeepActivePause(t *testing.T) {
	t.Parallel()
	busy := &Error{Err: ErrUnavailable, retryAfter: 10 * time.Minute}
	for _, tt := range []struct {
		err          error
		every, limit time.Duration
		want         time.Duration
	}{
		{nil, 0, 0, 5 * time.Minute},
		{nil, time.Hour, 0, time.Hour},
		{nil, time.Hour, 9 * time.Hour, time.Hour},
		{nil, time.Hour, 30 * time.Minute, 10 * time.Minute},
		{nil, 0, 30 * time.Minute, 10 * time.Minute},
		{nil, 0, time.Minute, 20 * time.Second},
		{nil, 0, time.Second, time.Second},
		{nil, time.Nanosecond, 0, time.Second},
		{ErrUnavailable, time.Hour, 9 * time.Hour, time.Minute},
		{ErrUnavailable, 10 * time.Second, 9 * time.Hour, 10 * time.Second},
		{busy, time.Hour, 9 * time.Hour, 10 * time.Minute},
	} {
		if got := pause(tt.err, tt.every, tt.limit); got != tt.want {
			t.Errorf("pause(%v, %v, %v) = %v, want %v", tt.err, tt.every, tt.limit, got, tt.want)
		}
	}
}
