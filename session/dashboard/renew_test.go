package dashboard

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tokenlife/tokenlife/token"
)

// A session that the Dashboard does not replace, for whatever reason it has, is
// followed by a login in the same call.
func TestRefreshRefused(t *testing.T) {
	t.Parallel()
	text := func(status int, text string) func(d *double) {
		return func(d *double) {
			d.instead = answers(refreshRequest, 1, func(w http.ResponseWriter) { doubleText(w, status, text) })
		}
	}
	for name, breakIt := range map[string]func(d *double){
		// As they come about.
		"another key":    func(d *double) { d.key = otherKey() },
		"7.x by now":     func(d *double) { d.seven = true },
		"expired":        text(401, "MSG_TOKEN_EXPIRED_ERROR"),
		"key changed":    text(401, "MSG_ENCRYPTION_KEY_CHANGED"),
		"unauthorized":   text(401, "Unauthorized"),
		"go-jose":        text(500, "square/go-jose: compact JWE format must have five parts"),
		"go-jose of now": text(500, "go-jose/go-jose: error in cryptographic primitive"),
		"no AAD":         text(500, "Token validation error. Could not unmarshal AAD."),
		"404":            text(404, "404 page not found"),
		"405":            text(405, "Method Not Allowed"),
		"an error with a 200": func(d *double) {
			d.instead = answers(refreshRequest, 1, func(w http.ResponseWriter) {
				doubleJSON(w, 200, authResponse2{Errors: []any{status7("MSG_TOKEN_EXPIRED_ERROR")}})
			})
		},
		"no CSRF tokens for it": func(d *double) {
			d.instead = answers("GET /api/v1/csrftoken/token", 1, func(w http.ResponseWriter) { doubleText(w, 404, "404 page not found") })
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				d := newDouble()
				s := d.source(bearerSource("bearer-1"))
				told := record(s)
				mustToken(t, t.Context(), s)
				d.do(func() { breakIt(d) })
				mustToken(t, t.Context(), s)
				if d.count(loginRequest) != 2 {
					t.Error(d.requests)
				}
				want := []string{"logged in 2.x", "expired 2.x", "logged in " + s.Version().String()}
				if diff := cmp.Diff(want, told()); diff != "" || d.seven != (s.Version() == V7) {
					t.Error(diff)
				}
			})
		})
	}
}

// What says nothing of the session is an error, and the next call refreshes.
func TestRefreshFailed(t *testing.T) {
	t.Parallel()
	for name, breakIt := range map[string]func(w http.ResponseWriter){
		"500": func(w http.ResponseWriter) {
			doubleText(w, 500, "the server was unable to return a response in the time allotted")
		},
		"500, quoting": func(w http.ResponseWriter) {
			doubleText(w, 500, "it said: square/go-jose: error in cryptographic primitive")
		},
		"no token": func(w http.ResponseWriter) { doubleText(w, 500, "Can not refresh token. No token provided.") },
		"502":      func(w http.ResponseWriter) { doubleText(w, 502, "<html>nginx") },
		"503":      func(w http.ResponseWriter) { doubleText(w, 503, "away") },
		"503, as of a session": func(w http.ResponseWriter) {
			doubleText(w, 503, "square/go-jose: error in cryptographic primitive")
		},
		"429": func(w http.ResponseWriter) { doubleText(w, 429, "slow down") },
		"403": func(w http.ResponseWriter) { doubleText(w, 403, "WAF") },
		"a login page": func(w http.ResponseWriter) {
			w.Header().Set("Content-Type", "text/html")
			w.WriteHeader(401)
			io.WriteString(w, "<html>log in")
		},
		"redirect":   func(w http.ResponseWriter) { w.Header().Set("Location", "https://evil.example/"); w.WriteHeader(307) },
		"cut off":    func(w http.ResponseWriter) { w.Header().Set("Content-Length", "100"); io.WriteString(w, "{") },
		"gone":       func(http.ResponseWriter) { panic(http.ErrAbortHandler) },
		"no JSON":    func(w http.ResponseWriter) { io.WriteString(w, "OK") },
		"no session": func(w http.ResponseWriter) { doubleJSON(w, 200, authResponse2{Errors: []any{}}) },
		"another error": func(w http.ResponseWriter) {
			doubleJSON(w, 200, authResponse2{Errors: []any{map[string]any{"ErrStatus": map[string]any{"code": 500}}}})
		},
		"no JWE":       func(w http.ResponseWriter) { doubleJSON(w, 200, authResponse2{JWEToken: "s3cret"}) },
		"two readings": func(w http.ResponseWriter) { io.WriteString(w, `{"jweToken":"a","JWETOKEN":"b"}`) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				d := newDouble()
				s := d.source(bearerSource("bearer-1"))
				told := record(s)
				mustToken(t, t.Context(), s)
				d.do(func() { d.instead = answers(refreshRequest, 1, breakIt) })
				_, err := s.Token(t.Context())
				if err == nil || errors.Is(err, token.ErrRefused) || errors.Is(err, token.ErrInvalid) || strings.Contains(err.Error(), "s3cret") {
					t.Errorf("%v", err)
				}
				mustToken(t, t.Context(), s)
				if d.count(loginRequest) != 1 || d.count(refreshRequest) != 2 {
					t.Error(d.requests)
				}
				if diff := cmp.Diff([]string{"logged in 2.x", "failed 2.x", "refreshed 2.x"}, told()); diff != "" {
					t.Error(diff)
				}
			})
		})
	}
}

// While a Dashboard is away altogether a proxy may say 404. The session is kept
// for when it is back.
func TestAbsentForAWhile(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDouble()
		s := d.source(bearerSource("bearer-1"))
		mustToken(t, t.Context(), s)
		d.do(func() {
			d.instead = func(w http.ResponseWriter, r *http.Request) bool { http.NotFound(w, r); return true }
		})
		if _, err := s.Token(t.Context()); err == nil || !strings.Contains(err.Error(), "nothing of that name") || errors.Is(err, token.ErrRefused) {
			t.Errorf("%v", err)
		}
		d.do(func() { d.instead = nil })
		mustToken(t, t.Context(), s)
		if d.count(loginRequest) != 1 || d.count(refreshRequest) != 1 {
			t.Error(d.requests)
		}
	})
}

// A session that was refused is not tried again if the login that is to follow does
// not work.
func TestRefusedSessionIsForgotten(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDouble()
		s := d.source(bearerSource("bearer-1"))
		mustToken(t, t.Context(), s)
		d.do(func() {
			d.key = otherKey()
			d.instead = answers(loginRequest, 1, func(w http.ResponseWriter) { doubleText(w, 503, "away") })
		})
		if _, err := s.Token(t.Context()); err == nil {
			t.Error("no error")
		}
		mustToken(t, t.Context(), s)
		if d.count(refreshRequest) != 1 {
			t.Error(d.requests)
		}
	})
}

// A credential that is refused: Login is told once, and its next is tried.
func TestLoginRefused(t *testing.T) {
	t.Parallel()
	for _, seven := range []bool{false, true} {
		for _, test := range []struct {
			name    string
			login   token.Source
			good    string
			refused []string
			want    string // in the error
			final   bool
		}{
			{"no Invalidator", bearerSource("bearer-0"), "bearer-1", nil, "does not accept the credential", true},
			{"the next is good", &turns{texts: []string{"bearer-0", "bearer-1"}}, "bearer-1", []string{"bearer-0"}, "", false},
			{"the next is not", &turns{texts: []string{"bearer-0", "bearer-1"}}, "bearer-2", []string{"bearer-0", "bearer-1"}, "does not accept the credential", true},
			{"there is no next", &turns{texts: []string{"bearer-0"}}, "bearer-1", []string{"bearer-0"}, "nothing left (the one before was refused", false},
		} {
			t.Run(test.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					d := newDouble()
					d.seven, d.good = seven, map[string]bool{test.good: true}
					login, _ := test.login.(*turns)
					if login != nil {
						login = &turns{texts: login.texts}
						test.login = login
					}
					s := d.source(test.login)
					_, err := s.Token(t.Context())
					if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
						t.Errorf("%v", err)
					}
					if errors.Is(err, token.ErrRefused) != test.final || errors.Is(err, token.ErrInvalid) {
						t.Errorf("matches ErrRefused: %t; %v", errors.Is(err, token.ErrRefused), err)
					}
					if err != nil && strings.Contains(err.Error(), "bearer-") {
						t.Errorf("it quotes: %v", err)
					}
					if login != nil {
						if diff := cmp.Diff(test.refused, login.refused); diff != "" {
							t.Error(diff)
						}
					}
				})
			})
		}
	}
}

// A stubborn Login supplies the same token whatever it is told.
type stubborn struct{ told int }

func (l *stubborn) Token(context.Context) (token.Token, error) {
	return token.Token{Value: token.NewSecret("bearer-0")}, nil
}
func (l *stubborn) Invalidate(token.Token) { l.told++ }

// The same credential is not sent a second time.
func TestLoginRefusedAndNoOther(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d, login := newDouble(), new(stubborn)
		if _, err := d.source(login).Token(t.Context()); !errors.Is(err, token.ErrRefused) {
			t.Errorf("%v", err)
		}
		if d.count(loginRequest) != 1 || login.told != 1 {
			t.Errorf("%v, told %d times", d.requests, login.told)
		}
	})
}

// A session that is shorter than the one before is the last: an end is near that no
// refresh moves. One that does not end any more is not.
func TestShorterAndLonger(t *testing.T) {
	t.Parallel()
	for ttl, logins := range map[time.Duration]int{14 * time.Minute: 2, 15 * time.Minute: 1, 16 * time.Minute: 1, 0: 1} {
		synctest.Test(t, func(t *testing.T) {
			d := newDouble()
			s := d.source(bearerSource("bearer-1"))
			mustToken(t, t.Context(), s)
			d.do(func() { d.ttl = ttl })
			mustToken(t, t.Context(), s)
			if d.count(loginRequest) != 1 {
				t.Errorf("%v: %v", ttl, d.requests)
			}
			mustToken(t, t.Context(), s)
			if d.count(loginRequest) != logins {
				t.Errorf("%v: %v", ttl, d.requests)
			}
		})
	}
}
