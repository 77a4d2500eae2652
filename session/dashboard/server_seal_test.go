package dashboard_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/tokenlife/tokenlife/session/dashboard"
	"github.com/tokenlife/tokenlife/token"
	"github.com/tokenlife/tokenlife/token/jwt"
)

const minute = time.Minute

// A session ends with TTL, with its credential and with MaxAge, whichever comes
// first.
func TestSessionEnds(t *testing.T) {
	t.Parallel()
	exp := func(d time.Duration) string {
		return jwtWith(fmt.Sprintf(`{"exp":%d}`, noon.Add(d).Unix()))
	}
	for _, test := range []struct {
		name        string
		ttl, maxAge time.Duration
		bearer      string
		want        time.Duration // of exp, from noon; 0: none
	}{
		{"default", 0, 0, "good", 15 * minute},
		{"TTL", 5 * minute, 0, "good", 5 * minute},
		{"for ever", -1, 0, "good", 0},
		{"credential", 0, 0, exp(10 * minute), 10 * minute},
		{"credential that lasts longer", 0, 0, exp(20 * minute), 15 * minute},
		{"for ever, with a credential", -1, 0, exp(20 * minute), 20 * minute},
		{"MaxAge", 0, 7 * minute, "good", 7 * minute},
		{"for ever, with MaxAge", -1, 7 * minute, "good", 7 * minute},
		{"negative MaxAge", 0, -1, "good", 15 * minute},
		{"credential before MaxAge", 0, 7 * minute, exp(6 * minute), 6 * minute},
		{"MaxAge before credential", 0, 7 * minute, exp(8 * minute), 7 * minute},
		{"service account token, of which the soft end counts", 0, 0,
			jwtWith(fmt.Sprintf(`{"exp":%d,"kubernetes.io":{"namespace":"n","serviceaccount":{"name":"a","uid":"u"},"warnafter":%d}}`, noon.Add(time.Hour).Unix(), noon.Add(3*minute).Unix())), 3 * minute},
		{"what cannot be read", 0, 0, "eyJhbGciOiJSUzI1NiJ9.x", 15 * minute},
	} {
		d := newSite(func(s *dashboard.Server) { s.TTL, s.MaxAge = test.ttl, test.maxAge })
		session := sessionIn(t, d.login(`{"token":"`+test.bearer+`"}`))
		got := opened(t, keyA(), session, noon).Expiry
		var want time.Time
		if test.want != 0 {
			want = noon.Add(test.want)
		}
		same(t, test.name, want, got)
		if test.want == 0 {
			d.now = noon.AddDate(10, 0, 0)
			if got := d.use(session); got.Status != 200 {
				t.Errorf("%s: after 10 years: %v", test.name, got)
			}
			continue
		}
		d.now = want.Add(-1)
		if got := d.use(session); got.Status != 200 {
			t.Errorf("%s: before its end: %v", test.name, got)
		}
		d.now = want.Add(1)
		d.refusesWith(t, test.name, d.use(session), 401, "MSG_TOKEN_EXPIRED_ERROR", token.ErrExpired)
		d.refusesWith(t, test.name, d.refresh(session), 401, "MSG_TOKEN_EXPIRED_ERROR", token.ErrExpired)
	}
}

// However often it is refreshed, a session does not outlast MaxAge, counted from
// the login.
func TestMaxAge(t *testing.T) {
	t.Parallel()
	for _, ttl := range []time.Duration{0, -1} {
		d := newSite(func(s *dashboard.Server) { s.MaxAge, s.TTL = time.Hour, ttl })
		d.now = noon.Add(700 * time.Millisecond)
		session := sessionIn(t, d.login(`{"token":"good"}`))
		for d.now = noon; d.now.Before(noon.Add(time.Hour)); d.now = d.now.Add(10 * minute) {
			session = sessionIn(t, d.refresh(session))
			s := opened(t, keyA(), session, d.now)
			same(t, "credential", fmt.Sprintf(`{"LocationOfOrigin":"","token":"good","began":%d}`, noon.Unix()), s.Credential.Reveal())
			if s.Expiry.After(noon.Add(time.Hour)) {
				t.Errorf("at %v: until %v", d.now, s.Expiry)
			}
		}
		d.now = noon.Add(time.Hour)
		d.refusesWith(t, "use", d.use(session), 401, "MSG_TOKEN_EXPIRED_ERROR", token.ErrExpired)
		d.refusesWith(t, "refresh", d.refresh(session), 401, "MSG_TOKEN_EXPIRED_ERROR", token.ErrExpired)
	}
}

// Of a session that a Dashboard made, iat is the beginning: it says no other. What
// it says stays when it is refreshed here, also by a replica without MaxAge.
func TestMaxAgeOfDashboard(t *testing.T) {
	t.Parallel()
	const credential = `{"LocationOfOrigin":"","token":"good"}`
	limited := newSite(func(s *dashboard.Server) { s.MaxAge = 20 * minute })
	unlimited := newSite(nil)
	old := sealed(t, keyA(), credential, time.Hour, noon.Add(-21*minute))
	limited.refusesWith(t, "old", limited.use(old), 401, "MSG_TOKEN_EXPIRED_ERROR", token.ErrExpired)
	limited.refusesWith(t, "old", limited.refresh(old), 401, "MSG_TOKEN_EXPIRED_ERROR", token.ErrExpired)
	if got := unlimited.use(old); got.Status != 200 {
		t.Error(got)
	}
	same(t, "without MaxAge", credential, opened(t, keyA(), sessionIn(t, unlimited.refresh(old)), noon).Credential.Reveal())

	session := sealed(t, keyA(), credential, time.Hour, noon.Add(-5*minute))
	want := fmt.Sprintf(`{"LocationOfOrigin":"","token":"good","began":%d}`, noon.Add(-5*minute).Unix())
	for range 3 {
		session = sessionIn(t, limited.refresh(session))
		same(t, "with MaxAge", want, opened(t, keyA(), session, noon).Credential.Reveal())
		session = sessionIn(t, unlimited.refresh(session))
		same(t, "and then without", want, opened(t, keyA(), session, noon).Credential.Reveal())
	}
}

// What the client is told of the end does not depend on how long the keys took.
func TestSessionEndsSlowKeys(t *testing.T) {
	t.Parallel()
	d := newSite(nil)
	d.Keys = keySetFunc(func() ([]jwt.Key, error) {
		d.now = d.now.Add(10 * time.Second)
		return keyA(), nil
	})
	session := sessionIn(t, d.login(`{"token":"`+jwtWith(fmt.Sprintf(`{"exp":%d}`, noon.Add(10*minute).Unix()))+`"}`))
	same(t, "exp", noon.Add(10*minute), opened(t, keyA(), session, noon).Expiry)
}

// What says that it will begin later began when it was made: a replica whose clock
// is ahead may have been the one before.
func TestMaxAgeAhead(t *testing.T) {
	t.Parallel()
	d := newSite(func(s *dashboard.Server) { s.MaxAge = 20 * minute })
	for _, ahead := range []time.Duration{5 * time.Second, 24 * time.Hour} {
		d.now = noon
		session := sealed(t, keyA(), fmt.Sprintf(`{"token":"good","began":%d}`, noon.Add(ahead).Unix()), time.Hour, noon)
		session = sessionIn(t, d.refresh(session))
		same(t, "credential", fmt.Sprintf(`{"LocationOfOrigin":"","token":"good","began":%d}`, noon.Unix()), opened(t, keyA(), session, noon).Credential.Reveal())
		d.now = noon.Add(20 * minute)
		d.refusesWith(t, "at its end", d.use(session), 401, "MSG_TOKEN_EXPIRED_ERROR", token.ErrExpired)
	}
}

// A session that a login could not have made, or whose rights would not be the
// ones that it says, is none.
func TestSealedCredential(t *testing.T) {
	t.Parallel()
	for text, status := range map[string]int{
		`{"token":"good"}`: 200,
		`{"LocationOfOrigin":"/x","token":"good","client-key":"x","extensions":{"a":1},"act":1}`: 200,
		`{"token":"good","username":null,"password":null}`:                                       200,
		`{"token":"good","username":"mira"}`:                                                     200,
		`{"token":"","username":"mira","password":"sesame"}`:                                     200,
		`{"token":"good","began":1795348800}`:                                                    200,
		`{"token":"good","began":1795348801}`:                                                    200,
		`{"token":"good","began":"1795348800"}`:                                                  401,
		`{"token":"good","began":0}`:                                                             401,
		`{"token":"good","began":-1}`:                                                            401,
		`{"token":"good","began":1.5}`:                                                           401,
		`{"token":"good","began":99999999999999999999}`:                                          401,
		`{"token":"good","began":9999999999999}`:                                                 401,
		`{"TOKEN":"good"}`:                                                                       401, // case counts
		`{"token":"good","Token":"bad"}`:                                                         401,
		`{"token":"good","act-as":"admin"}`:                                                      401,
		`{"token":"good","act-as-groups":["x"]}`:                                                 401,
		`{"token":5}`:                                                                            401,
		`{"token":"a b"}`:                                                                        401,
		`{"token":"a\r\nX: y"}`:                                                                  401,
		`{"username":"mira"}`:                                                                    401,
		`{"password":"sesame"}`:                                                                  401,
		`{"username":"mi:ra","password":"x"}`:                                                    401,
		`{"LocationOfOrigin":"","tokenFile":"/x"}`:                                               401,
		`{}`: 401, `[]`: 401, `null`: 401, `"good"`: 401, `{`: 401, `{"token":"good"} x`: 401,
	} {
		d := newSite(nil)
		session := sealed(t, keyA(), text, 0, noon)
		for _, got := range []reply{d.use(session), d.refresh(session)} {
			if got.Status != status {
				t.Errorf("%s: %v", text, got)
			}
			if status == 401 {
				d.refusesWith(t, text, got, 401, "MSG_ENCRYPTION_KEY_CHANGED", token.ErrMalformed)
			}
		}
	}
}
