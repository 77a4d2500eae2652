package dashboard

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tokenlife/tokenlife/internal/pipe"
	"github.com/tokenlife/tokenlife/token"
)

// statusOf answers login/status as a Dashboard does, which the double does not.
func statusOf(secure bool) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path != statusPath {
			return false
		}
		doubleJSON(w, 200, map[string]any{"tokenPresent": r.Header.Get("jweToken") != "", "headerPresent": r.Header.Get("Authorization") != "",
			"httpsMode": secure, "impersonationPresent": false, "impersonatedUser": ""})
		return true
	}
}

// newDouble2 is a 2.x that answers login/status.
func newDouble2() *double {
	d := newDouble()
	d.instead = statusOf(true)
	return d
}

// apiOf is a Server of ours, and an API behind it that has a list.
func apiOf(change func(*Server), secure bool) http.Handler {
	s, _ := newServer(change)
	mux := http.NewServeMux()
	s.Register(mux)
	mux.Handle("/api/v1/", s.Require(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		doubleJSON(w, 200, map[string]any{"namespaces": []string{"default"}, "errors": []any{}})
	})))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if secure {
			r.TLS = new(tls.ConnectionState) // as net.Pipe has none
		}
		mux.ServeHTTP(w, r)
	})
}

// diagnoserOf returns a Source without a Login, which a diagnosis does not need.
func diagnoserOf(h http.Handler) *Source {
	return &Source{URL: doubleURL, Client: pipe.Client("dashboard", func() string { return doubleURL }, h)}
}

// causes returns what was found, one cause a line, with how sure it is.
func causes(d token.Diagnosis) string {
	var lines []string
	for _, f := range d.Findings {
		how := "probably: "
		if f.Certain {
			how = "certain: "
		}
		lines = append(lines, how+f.Cause)
	}
	return strings.Join(lines, "\n")
}

// bearerJWT is a token of a service account that lives an hour from now.
func bearerJWT() string {
	b64 := base64.RawURLEncoding.EncodeToString
	now := time.Now().Unix()
	return b64([]byte(`{"alg":"RS256"}`)) + "." + b64(fmt.Appendf(nil, `{"iss":"https://kubernetes.default.svc","sub":"system:serviceaccount:ci:app","iat":%d,"exp":%d}`, now, now+3600)) + "." + b64([]byte("signature"))
}

// dropping takes a header off what comes to h.
func dropping(name string, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { r.Header.Del(name); h.ServeHTTP(w, r) })
}

// Each cause is named as what it is, at the Dashboard as it is and at ours.
func TestDiagnose(t *testing.T) {
	t.Parallel()
	const (
		unopened = "certain: no key of the Dashboard opens the session: its key was replaced since, or the session is another Dashboard's, or it was changed on the way"
		expired  = "certain: the session has expired 1s ago"
	)
	ours := func() http.Handler { return apiOf(nil, true) }
	theirs := func() http.Handler { return newDouble2() }
	for _, test := range []struct {
		name   string
		h      func() http.Handler
		token  func(t *testing.T, session string) string
		after  time.Duration
		causes string
	}{
		{"good", theirs, flawless, 0, ""},
		{"good, ours", ours, flawless, 0, ""},
		{"good to the end", theirs, flawless, 15 * time.Minute, ""},
		{"expired", theirs, flawless, 15*time.Minute + time.Second, expired},
		{"expired, ours", ours, flawless, 15*time.Minute + time.Second, expired},
		{"no end", theirs, withoutDates, 0, "certain: the session has no end, and the Dashboard wants sessions that have one: it was made when --token-ttl was 0, or its dates were changed"},
		{"another key", theirs, otherKeys, 0, unopened},
		{"another key, ours", ours, otherKeys, 0, unopened},
		{"tampered dates", theirs, tamperedAAD, 0, unopened},
		{"broken tag", theirs, brokenTag, 0, unopened},
		{"the credential inside", func() http.Handler { d := newDouble2(); d.good = nil; return d }, flawless, 0,
			"certain: the session is good, and the API server refuses the credential that it was made of: it has expired, was revoked, or is none of this cluster's"},
		{"expired before its end", func() http.Handler {
			return apiOf(func(s *Server) { s.MaxAge = time.Minute; s.TTL = time.Hour }, true)
		}, flawless, time.Minute + time.Second, "probably: the Dashboard calls the session expired before the end that it says itself: what it was made of has ended, or it is as old as the Dashboard lets any become, or the clocks of its replicas differ"},
		{"no rights", func() http.Handler {
			d := newDouble2()
			d.instead = either(d.instead, answers("GET /api/v1/namespace", 1, func(w http.ResponseWriter) {
				doubleJSON(w, 200, map[string]any{"errors": []any{map[string]any{"ErrStatus": map[string]any{"code": 403, "message": "namespaces is forbidden"}}}})
			}))
			return d
		}, flawless, 0, "probably: the session is good, and its user may not list namespaces: of what may not be seen the Dashboard shows an empty list"},
		{"plain HTTP", func() http.Handler { d := newDouble2(); d.instead = statusOf(false); return d }, flawless, 0,
			"certain: the Dashboard takes nobody's token over this way, which is not TLS where it ends: it acts with its own rights, or refuses"},
		{"plain HTTP, ours", func() http.Handler {
			return apiOf(nil, false)
		}, flawless, 0, "certain: the Dashboard takes nobody's token over this way, which is not TLS where it ends: it acts with its own rights, or refuses"},
		{"the header is taken off", func() http.Handler { return dropping("jweToken", newDouble2()) }, flawless, 0,
			"certain: the session does not arrive: something on the way takes the header jweToken off"},
		{"Authorization is added", func() http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				r.Header.Set("Authorization", "Basic cHJveHk6cHJveHk=")
				newDouble2().ServeHTTP(w, r)
			})
		}, flawless, 0, "certain: something on the way adds a header Authorization, and the Dashboard goes by that instead of the session"},
		{"a session at 7.x", func() http.Handler { d := newDouble(); d.seven = true; return d }, flawless, 0,
			"certain: the Dashboard is 7.x, which has no sessions: it takes the bearer token itself"},
		{"a bearer token at 7.x", func() http.Handler { d := newDouble(); d.seven = true; return d }, bearerOf("bearer-1"), 0, ""},
		{"a bearer token that 7.x refuses", func() http.Handler { d := newDouble(); d.seven = true; return d }, bearerOf("bearer-2"), 0,
			"probably: the API server behind the Dashboard refuses the token, which has not expired as far as it says itself; or no token arrives there, of which a Dashboard says the same"},
		{"a bearer token that has expired at 7.x", func() http.Handler { d := newDouble(); d.seven = true; return d }, jwtBearer, time.Hour + 61*time.Second,
			"certain: the token has expired 1m1s ago"},
		{"a bearer token that has just expired", func() http.Handler { d := newDouble(); d.seven = true; return d }, jwtBearer, time.Hour + time.Second,
			"probably: the token has expired 1s ago"},
		{"a bearer token that does not arrive", func() http.Handler { return dropping("Authorization", newDouble2()) }, bearerOf("bearer-1"), 0,
			"certain: the token does not arrive: something on the way takes the header Authorization off"},
		{"a bearer token at ours", ours, bearerOf("bearer-1"), 0, ""},
		{"the Dashboard's clock is ahead", func() http.Handler { return dated(time.Hour, newDouble2()) }, flawless, 0,
			"probably: this machine's clock is behind the Dashboard's, so whoever compares the dates of a session with it is wrong"},
		{"the Dashboard's clock is behind", func() http.Handler { return dated(-time.Hour, newDouble2()) }, flawless, 0,
			"probably: this machine's clock is ahead of the Dashboard's, so whoever compares the dates of a session with it is wrong"},
		{"a Date of a cache", func() http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Age", "3600")
				dated(-time.Hour, newDouble2()).ServeHTTP(w, r)
			})
		}, flawless, 0, ""},
		{"a refusal in plain words, of what has login/status", func() http.Handler {
			d := newDouble2()
			d.instead = either(d.instead, answers("GET /api/v1/namespace", 1, func(w http.ResponseWriter) { w.WriteHeader(401) }))
			return d
		}, bearerOf("bearer-1"), 0, "probably: something refuses, and not in the words of a Dashboard: perhaps a proxy before it that wants a login of its own"},
		{"a bearer token that the API server refuses", theirs, bearerOf("bearer-2"), 0, "certain: the API server behind the Dashboard refuses the token, which has not expired as far as it says itself"},
		{"a refusal in the words of 2.x", refusing("MSG_LOGIN_UNAUTHORIZED_ERROR\n"), bearerOf("bearer-1"), 0, "probably: the API server behind the Dashboard refuses the token, which has not expired as far as it says itself; or no token arrives there, of which a Dashboard says the same"},
		{"a refusal in the form of 7.x", refusing(`{"ErrStatus":{"code":401,"message":"Unauthorized"}}`), bearerOf("bearer-1"), 0, "probably: the API server behind the Dashboard refuses the token, which has not expired as far as it says itself; or no token arrives there, of which a Dashboard says the same"},
		{"no Dashboard", func() http.Handler { return http.NotFoundHandler() }, flawless, 0, "probably: what answers there is perhaps no Dashboard"},
		{"another API", func() http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(400) })
		}, flawless, 0, "probably: the Dashboard has said nothing of the token: it is perhaps none"},
		{"a login page", func() http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "<html>log in") })
		}, flawless, 0, "probably: what answers is perhaps not the Dashboard, or something on the way changes what it answers"},
		{"a login page that refuses", func() http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.WriteHeader(http.StatusUnauthorized)
				io.WriteString(w, "<html>log in")
			})
		}, flawless, 0, "probably: what answers is perhaps not the Dashboard, or something on the way changes what it answers"},
		{"a status that is not all there", func() http.Handler { return statusAs(`{"httpsMode":false}`) }, flawless, 0, ""},
		{"a status that says two things", func() http.Handler {
			return statusAs(`{"tokenPresent":true,"headerPresent":false,"httpsMode":false}{}`)
		}, flawless, 0, ""},
		{"clocks as they are among machines", func() http.Handler { return dated(20*time.Second, newDouble2()) }, flawless, 0, ""},
		{"a redirect", func() http.Handler { return http.RedirectHandler("https://login.example/", http.StatusFound) }, flawless, 0,
			"certain: the request is redirected, perhaps to a login of a proxy's"},
		{"away", func() http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(503) })
		}, flawless, 15*time.Minute + time.Second, "certain: the Dashboard, or a proxy before it, cannot answer now\nprobably: the session has expired 1s ago"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				session := newDouble().seal("bearer-1")
				suspect := token.NewSecret(test.token(t, session))
				time.Sleep(test.after)
				d := diagnoserOf(test.h()).Diagnose(t.Context(), suspect)
				if diff := cmp.Diff(test.causes, causes(d)); diff != "" {
					t.Errorf("(-want +got)\n%s\n%v", diff, d)
				}
				for _, f := range d.Findings {
					if f.Remedy == "" || len(f.Evidence) == 0 {
						t.Errorf("%s: nothing to do about it, or nothing that speaks for it", f.Cause)
					}
				}
			})
		})
	}
}

// refusing makes what answers everything with a 401 and a text.
func refusing(text string) func() http.Handler {
	return func() http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(401); io.WriteString(w, text) })
	}
}

func bearerOf(text string) func(*testing.T, string) string {
	return func(*testing.T, string) string { return text }
}

func jwtBearer(*testing.T, string) string { return bearerJWT() }

// either tries one answer after the other.
func either(all ...func(http.ResponseWriter, *http.Request) bool) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		for _, answer := range all {
			if answer(w, r) {
				return true
			}
		}
		return false
	}
}

// statusAs is a 2.x that answers login/status with a text.
func statusAs(text string) http.Handler {
	d := newDouble()
	d.instead = answers("GET "+statusPath, 1, func(w http.ResponseWriter) { io.WriteString(w, text) })
	return d
}

// dated has what h answers dated by a clock that is off.
func dated(off time.Duration, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Date", time.Now().Add(off).UTC().Format(http.TimeFormat))
		h.ServeHTTP(w, r)
	})
}

// What people take for the token, and what can be said without asking: nothing of
// it is sent anywhere.
func TestDiagnoseForm(t *testing.T) {
	t.Parallel()
	session := newDouble().seal("bearer-1")
	asked := false
	s := diagnoserOf(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked = true }))
	for name, test := range map[string]struct{ text, want string }{
		"nothing":          {"", "there is no token"},
		"a header":         {"Bearer abc", "this is a header or a cookie"},
		"another header":   {"jweToken: " + session, "this is a header or a cookie"},
		"a cookie":         {"jweToken=" + url.QueryEscape(session), "this is a header or a cookie"},
		"a cookie's value": {url.QueryEscape(session), "this is a session as a browser keeps it in its cookie"},
		"a text in JSON":   {fmt.Sprintf("%q", session), "this is a session as it stands in the answer to a login"},
		"quotes":           {"'" + session + "'", "there are quotation marks"},
		"a line break":     {session + "\n", "there is white space"},
		"spaces":           {"abc def", "there is white space"},
		"cut off":          {session[:300], "this begins as a token does"},
		"an answer":        {`{"kind":"ExecCredential","status":{"token":"abc"}}`, "this is JSON that may have a token in it"},
		"a login's answer": {fmt.Sprintf(`{"jweToken":%q,"errors":[]}`, session), "this is JSON that may have a token in it"},
		"of Rancher":       {"token-7d9xk:" + strings.Repeat("b", 54), "this is a Rancher 2.x token"},
		"too long":         {strings.Repeat("a", token.MaxSize+1), "this is no token: it is too long"},
		"compact":          {"eyJhbGciOiJSU0EtT0FFUC0yNTYiLCJlbmMiOiJBMjU2R0NNIn0.AAAA.AAAAAAAAAAAAAAAA.AAAA.AAAAAAAAAAAAAAAAAAAAAA", "this is an encrypted token, but no session"},
		"not dated":        {`{"protected":"eyJhbGciOiJSU0EtT0FFUC0yNTYiLCJlbmMiOiJBMjU2R0NNIn0","encrypted_key":"AAAA","iv":"AAAAAAAAAAAAAAAA","ciphertext":"AAAA","tag":"AAAAAAAAAAAAAAAAAAAAAA"}`, "this is an encrypted token that is not dated"},
	} {
		d := s.Diagnose(t.Context(), token.NewSecret(test.text))
		if len(d.Findings) != 1 || d.Findings[0].Certain == (name == "of Rancher") || !strings.HasPrefix(d.Findings[0].Cause, test.want) || asked {
			t.Errorf("%s: %v", name, d)
		}
	}
}

// Without a URL the dates are all there is, by this machine's clock.
func TestDiagnoseOffline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		session, bearer := token.NewSecret(newDouble().seal("bearer-1")), token.NewSecret(bearerJWT())
		time.Sleep(15*time.Minute - time.Nanosecond)
		if d := causes(new(Source).Diagnose(t.Context(), session)) + causes(new(Source).Diagnose(t.Context(), bearer)); d != "" {
			t.Error(d)
		}
		time.Sleep(time.Nanosecond)
		time.Sleep(time.Hour)
		want := "probably: the session has expired 1h0m0s ago\nprobably: the token has expired 15m0s ago"
		if got := causes(new(Source).Diagnose(t.Context(), session)) + "\n" + causes(new(Source).Diagnose(t.Context(), bearer)); got != want {
			t.Error(got)
		}
	})
}

// A service account's token that is past the time by which it was to be replaced is
// good for a year.
func TestDiagnoseStale(t *testing.T) {
	t.Parallel()
	b64 := base64.RawURLEncoding.EncodeToString
	now := time.Now().Unix()
	stale := b64([]byte(`{"alg":"RS256"}`)) + "." + b64(fmt.Appendf(nil, `{"sub":"system:serviceaccount:ci:app","iat":%d,"exp":%d,"kubernetes.io":{"namespace":"ci","serviceaccount":{"name":"app","uid":"u"},"warnafter":%d}}`, now-7200, now+31536000, now-3593)) + ".c2ln"
	if d := new(Source).Diagnose(t.Context(), token.NewSecret(stale)); len(d.Findings) > 0 {
		t.Error(d)
	}
}

// Of what an error says nothing is repeated but what the Dashboard is known to say.
func TestDiagnoseForeignWords(t *testing.T) {
	t.Parallel()
	for status, text := range map[int]string{401: "owned\x1b[2J", 500: "square/go-jose: owned\x1b[2J", 403: `{"ErrStatus":{"code":403,"message":"MSG_owned"}}`, 200: `{"errors":[{"ErrStatus":{"code":40300000000,"message":"MSG_owned"}}]}`} {
		d := diagnoserOf(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(status)
			io.WriteString(w, text)
		})).Diagnose(t.Context(), token.NewSecret("bearer-1"))
		if said := d.String(); strings.Contains(said, "owned") || strings.Contains(said, "\x1b") || strings.Contains(said, "40300000000") {
			t.Errorf("%d: %s", status, said)
		}
	}
}

// A code is somebody's words too, unless it is one of HTTP.
func TestDiagnoseForeignCode(t *testing.T) {
	t.Parallel()
	d := diagnoserOf(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text := `{"errors":[{"ErrStatus":{"code":40300000000,"message":"MSG_owned"}}]}`
		if r.URL.Path == statusPath {
			text = `{"tokenPresent":false,"headerPresent":false,"httpsMode":true}`
		}
		io.WriteString(w, text)
	})).Diagnose(t.Context(), token.NewSecret("bearer-1"))
	if said := d.String(); !strings.Contains(said, "an error of unknown code") || strings.Contains(said, "40300000000") {
		t.Error(said)
	}
}

// Whatever is answered, there is a diagnosis, in time, and the token is not in it.
func TestDiagnoseHostile(t *testing.T) {
	t.Parallel()
	session := newDouble().seal("bearer-1")
	bearer := bearerJWT()
	text := strings.ReplaceAll(session, `"`, `\"`)
	for name, answer := range map[string]http.HandlerFunc{
		"an echo": func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(401); io.WriteString(w, session+bearer) },
		"an echo in JSON": func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprintf(w, `{"errors":[{"ErrStatus":{"code":401,"message":"%s %s"}}]}`, text, bearer)
		},
		"an echo as a code": func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprintf(w, `{"errors":[{"ErrStatus":{"code":401,"message":"MSG_%s %s"}}]}`, text, bearer)
		},
		"an echo in a 500": func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(500)
			io.WriteString(w, "square/go-jose: "+session+bearer)
		},
		"an echo in headers": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", "/"+url.PathEscape(session)+bearer)
			w.WriteHeader(302)
		},
		"not JSON": func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, `{"errors":[`+bearer) },
		"no list":  func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, `{"errors":{"a":"`+bearer+`"}}`) },
		"a member twice": func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, `{"httpsMode":false,"httpsMode":true,"tokenPresent":true,"headerPresent":false}`)
		},
		"10 MB": func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, strings.Repeat("[", 10<<20)) },
		"depth": func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, `{"errors":`+strings.Repeat("[", 1<<19))
		},
		"nothing": func(w http.ResponseWriter, r *http.Request) { panic(http.ErrAbortHandler) },
		"half": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "100")
			io.WriteString(w, "{")
		},
		"a code": func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, `{"errors":[{"ErrStatus":{"code":-1e999,"message":"MSG_x"}}]}`)
		},
		"an odd status": func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(999) },
		"a Date": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Date", "Mon, 01 Jan 0001 00:00:00 GMT")
			w.WriteHeader(401)
		},
	} {
		for _, suspect := range []string{session, bearer} {
			d := diagnoserOf(answer).Diagnose(t.Context(), token.NewSecret(suspect))
			said := fmt.Sprintf("%v %+v %#v", d, d, d)
			for i := 0; i+12 <= len(suspect); i++ {
				if strings.Contains(said, suspect[i:i+12]) && !strings.Contains(`"protected":"`, suspect[i:i+12]) {
					t.Fatalf("%s: %q is in it:\n%v", name, suspect[i:i+12], d)
				}
			}
			if len(said) > 4000 {
				t.Errorf("%s: %d bytes", name, len(said))
			}
			if len(d.Findings) == 0 && name != "a member twice" {
				t.Errorf("%s: nothing is found", name)
			}
		}
	}
}

// A name in a certificate, or an address, may be what the other side was sent.
func TestDiagnoseWithout(t *testing.T) {
	t.Parallel()
	const secret = "hunter2-hunter3-hunter4"
	d := (&Source{URL: doubleURL, Client: &http.Client{Transport: tripper(func(r *http.Request) (*http.Response, error) {
		return nil, errors.New("x509: certificate is valid for " + r.Header.Get("Authorization"))
	})}}).Diagnose(t.Context(), token.NewSecret(secret))
	if len(d.Findings) != 1 || strings.Contains(d.String(), "hunter3") || !strings.Contains(d.String(), "[redacted") {
		t.Error(d)
	}
}

// Nothing is sent where others could read it, nor to where a redirect leads.
func TestDiagnoseSendsNothing(t *testing.T) {
	t.Parallel()
	sent := 0
	count := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { sent++ })
	s := diagnoserOf(count)
	s.URL = "http://dashboard.example"
	d := s.Diagnose(t.Context(), token.NewSecret("bearer-1"))
	if sent != 0 || len(d.Findings) != 1 || !strings.HasPrefix(d.Findings[0].Cause, "nothing was asked: nothing was sent to http://dashboard.example") {
		t.Errorf("%d requests: %v", sent, d)
	}
	elsewhere := httptest.NewServer(count)
	defer elsewhere.Close()
	redirects := httptest.NewServer(http.RedirectHandler(elsewhere.URL, http.StatusTemporaryRedirect))
	defer redirects.Close()
	d = (&Source{URL: redirects.URL}).Diagnose(t.Context(), token.NewSecret("bearer-1"))
	if sent != 0 || len(d.Findings) == 0 {
		t.Errorf("%d requests followed a redirect: %v", sent, d)
	}
}

// All that is asked is a GET, and a long list is not asked for.
func TestDiagnoseAsks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDouble2()
		var queries []string
		h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			queries = append(queries, r.Method+" "+r.URL.RequestURI())
			d.ServeHTTP(w, r)
		})
		diagnoserOf(h).Diagnose(t.Context(), token.NewSecret(d.seal("bearer-1")))
		if diff := cmp.Diff([]string{"GET /api/v1/namespace?itemsPerPage=1&page=1", "GET /api/v1/login/status"}, queries); diff != "" {
			t.Error(diff)
		}
		// Who has not answered once is not asked again.
		queries = nil
		d.instead = func(w http.ResponseWriter, r *http.Request) bool { w.WriteHeader(503); return true }
		diagnoserOf(h).Diagnose(t.Context(), token.NewSecret(d.seal("bearer-1")))
		if len(queries) != 1 {
			t.Errorf("%q", queries)
		}
	})
}

// A diagnosis ends though nobody answers, whoever calls can leave, and a panic is
// its own.
func TestDiagnoseEnds(t *testing.T) {
	t.Parallel()
	silent := tripper(func(r *http.Request) (*http.Response, error) {
		<-r.Context().Done()
		return nil, r.Context().Err()
	})
	synctest.Test(t, func(t *testing.T) {
		s := &Source{URL: doubleURL, Client: &http.Client{Transport: silent}}
		began := time.Now()
		d := s.Diagnose(context.Background(), token.NewSecret("bearer-1"))
		if took := time.Since(began); took != diagnosisTime || causes(d) != "certain: there was no answer, or not all of one" {
			t.Errorf("%v: %v", took, d)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		const brokenOff = "certain: the diagnosis was broken off before the Dashboard had answered"
		if d := s.Diagnose(ctx, token.NewSecret("bearer-1")); causes(d) != brokenOff {
			t.Error(d)
		}
		// Also once there is a connection, of which nobody knows what was to come.
		left, leave := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, leave)
		hurried, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		connected := diagnoserOf(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
		for _, ctx := range []context.Context{left, hurried} {
			if d := connected.Diagnose(ctx, token.NewSecret("bearer-1")); causes(d) != brokenOff {
				t.Error(d)
			}
		}
	})
	if d := (*Source)(nil).Diagnose(t.Context(), token.Secret{}); !strings.HasPrefix(causes(d), "certain: there is no token") {
		t.Error(d)
	}
	for _, s := range []*Source{nil, {URL: doubleURL, Client: &http.Client{Transport: tripper(func(*http.Request) (*http.Response, error) { panic("hunter2") })}}} {
		d := s.Diagnose(t.Context(), token.NewSecret("bearer-1"))
		if len(d.Findings) != 1 || strings.Contains(d.String(), "hunter2") {
			t.Error(d)
		}
	}
}

// What a proxy refuses without a word of the Dashboard's is no certain fault of the
// token, and does not speak for it either.
func TestDiagnoseProxyRefuses(t *testing.T) {
	t.Parallel()
	const want = "probably: something refuses, and not in the words of a Dashboard: perhaps a proxy before it that wants a login of its own"
	session := newDouble().seal("bearer-1")
	for _, status := range []int{http.StatusUnauthorized, http.StatusForbidden} {
		for _, body := range []string{"", "{}", `{"error":"unauthorized"}`, "denied"} {
			for _, text := range []string{session, bearerJWT()} {
				d := diagnoserOf(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					w.Header().Set("Content-Type", "application/json")
					w.WriteHeader(status)
					io.WriteString(w, body)
				})).Diagnose(t.Context(), token.NewSecret(text))
				if got := causes(d); got != want {
					t.Errorf("%d, %s, %.10s: %s", status, body, text, got)
				}
			}
		}
	}
}

// An answer that takes long does not make a clock seem further off than it is.
func TestDiagnoseSlowAnswer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newDouble2()
		slow := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Date", time.Now().Add(-3*time.Second).UTC().Format(http.TimeFormat))
			time.Sleep(29 * time.Second)
			h.ServeHTTP(w, r)
		})
		if d := diagnoserOf(slow).Diagnose(t.Context(), token.NewSecret(newDouble().seal("bearer-1"))); len(d.Findings) > 0 {
			t.Error(d)
		}
	})
}
