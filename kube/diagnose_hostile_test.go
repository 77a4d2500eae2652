package kube_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/tokenlife/tokenlife/kube"
	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/token"
)

var diagnosisPaths = []string{"/version", selfReviews, reviewsPath, accessPath, accountPath, podPath, secretPath, issuerPath, jwksPath, "/api"}

// answersTo are what may come instead of an answer.
var hostileAnswers = map[string]http.HandlerFunc{
	"nothing":     say(200, ""),
	"no JSON":     say(200, "\x1b[31mhunter2\n\x00<html>"),
	"null":        say(200, "null"),
	"an array":    say(201, "[]"),
	"other types": say(201, `{"kind":1,"gitVersion":[],"issuer":{},"keys":"x","metadata":[],"status":{"authenticated":"yes","error":{}}}`),
	"no kind":     say(201, `{"gitVersion":"","status":{"error":"service account token has expired"}}`),
	"deep":        say(200, strings.Repeat(`{"metadata":`, 200_000)),
	"10 MB":       say(200, `{"kind":"TokenReview","status":{"error":"`+strings.Repeat("hunter2 ", 10<<20/8)+`"}}`),
	"long words":  say(201, `{"kind":"TokenReview","issuer":"`+strings.Repeat("é\\n", 100_000)+`","status":{"error":"`+strings.Repeat("é\\n", 100_000)+`"}}`),
	"a redirect":  http.RedirectHandler("https://elsewhere.example/?token=hunter2", http.StatusTemporaryRedirect).ServeHTTP,
	"unknown":     fails(418, "hunter\n2", "\x1b]0;hunter\n2"),
	"trouble":     say(503, "hunter2"),
	"busy":        say(429, "hunter2"),
	"no page":     say(404, "hunter2"),
	"gone":        say(410, "hunter2"),
	"a login":     say(401, "hunter2"),
	"a refusal":   say(403, "hunter2"),
	"no status":   func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(999) },
	"a bad Date": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Date", "Fri, 31 Dec 9999 23:59:59 GMT")
		io.WriteString(w, `{"gitVersion":"v1"}`)
	},
	"silence": func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
}

// Whatever answers, and whatever it is: a diagnosis ends, and can be read; a token
// that nothing is wrong with is not blamed for certain; and nothing is sent elsewhere.
func TestDiagnoseHostileAnswers(t *testing.T) {
	t.Parallel()
	for name, answer := range hostileAnswers {
		for _, path := range append(diagnosisPaths, "all") {
			t.Run(name+strings.ReplaceAll(path, "/", " "), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					secret := appToken(boundTo("pod"))
					if path == secretPath {
						secret = legacyToken()
					}
					a := newFakeAPI(secret)
					for _, p := range diagnosisPaths {
						if p == path || path == "all" {
							a.answers[p] = answer
						}
					}
					began := time.Now()
					d := kube.Diagnose(context.Background(), kube.Suspect{Token: secret, Access: &kube.Access{Verb: "list", Resource: "pods"}}, a.config())
					if took := time.Since(began); took > time.Minute {
						t.Errorf("it took %v", took)
					}
					readable(t, d)
					for _, f := range d.Findings {
						if f.Certain && !strings.Contains(f.Cause, "the token was not ") && !strings.Contains(f.Cause, "clock is ahead") && f.Cause != "the token has expired" {
							t.Errorf("this is certain:\n%v", d)
						}
						if f.Certain && f.Cause == "the token has expired" && name != "a bad Date" {
							t.Errorf("this is certain:\n%v", d)
						}
					}
					if strings.Contains(d.String(), "hunter2") && !strings.Contains(name, "unknown") {
						t.Errorf("it repeats a page:\n%v", d)
					}
				})
			})
		}
	}
}

// Nobody is asked about what can be no token of an API server's, nor what a token that
// is refused may do.
func TestDiagnoseAsksNoMoreThanItMust(t *testing.T) {
	t.Parallel()
	for _, c := range diagnosisCases {
		switch c.name {
		case "empty", "blank", "a header", "quotes", "base64", "cut off", "too long", "unsigned", "a Dashboard session":
			secret := appToken()
			if c.make != nil {
				secret = c.make()
			}
			a := newFakeAPI(secret)
			if d := kube.Diagnose(t.Context(), kube.Suspect{Token: secret}, a.config()); len(a.requests()) > 0 || !settledIn(d) {
				t.Errorf("%s: asked for %q, and it is\n%v", c.name, a.requests(), d)
			}
		}
	}
	for _, do := range []func(a *fakeAPI){rejects("invalid bearer token"), at(selfReviews, accepts("somebody else", "")), at("/version", say(200, "a page"))} {
		a := newFakeAPI(appToken())
		do(a)
		kube.Diagnose(t.Context(), kube.Suspect{Token: a.suspect, Access: &kube.Access{Verb: "list", Resource: "pods"}}, a.config())
		if slices.ContainsFunc(a.requests(), func(r string) bool { return strings.Contains(r, accessPath) }) {
			t.Errorf("asked for %q", a.requests())
		}
	}
	a := newFakeAPI(appToken())
	kube.Diagnose(t.Context(), kube.Suspect{Token: a.suspect, Audiences: []string{"vault"}}, a.config())
	if slices.ContainsFunc(a.requests(), func(r string) bool { return strings.HasSuffix(r, ", as "+appUser) }) {
		t.Errorf("a token for others was presented: %q", a.requests())
	}
}

// An endless body is an answer that never ends, to whoever reads on.
type endless struct{ read int }

func (e *endless) Read(p []byte) (int, error) {
	if e.read += len(p); e.read > 4<<20 {
		return 0, errors.New("the whole of it was read")
	}
	return len(p), nil
}

func (e *endless) Close() error { return nil }

// No more is read of an answer than one can have.
func TestDiagnoseEndlessAnswer(t *testing.T) {
	t.Parallel()
	for _, path := range diagnosisPaths {
		a := newFakeAPI(appToken())
		cfg := a.config()
		cfg.Transport = roundTripper(func(r *http.Request) (*http.Response, error) {
			resp, err := a.roundTrip(r)
			if r.URL.Path == path {
				resp.Body = new(endless)
			}
			return resp, err
		})
		if d := kube.Diagnose(t.Context(), kube.Suspect{Token: a.suspect}, cfg); strings.Contains(d.String(), "the whole of it was read") {
			t.Errorf("%s: %v", path, d)
		}
	}
}

// A server may repeat what it was sent, wherever anything can be repeated.
func TestDiagnoseRepeatsNoSecret(t *testing.T) {
	t.Parallel()
	suspect := appToken(boundTo("pod"))
	text := suspect.Reveal()
	legacy := legacyToken()
	for name, echo := range map[string]string{
		"the token": text, "a part of it": text[200:230], "its signature": text[strings.LastIndexByte(text, '.')+1:], "the asker's": askerText, "a part of the asker's": askerText[4:18],
	} {
		for _, refuse := range []bool{false, true} {
			for _, secret := range []token.Secret{suspect, legacy} {
				a := newFakeAPI(secret)
				say := strings.ReplaceAll(echo, text, secret.Reveal())
				a.answers["/version"] = give(200, object{"gitVersion": say})
				a.answers[selfReviews] = accepts(say, say)
				a.answers[reviewsPath] = refuses("service account UID (" + say + ") does not match claim (" + say + ")")
				a.answers[accountPath] = is(say, object{"deletionTimestamp": "2000-01-01T00:00:00Z"})
				a.answers[podPath] = is(say, nil)
				a.answers[secretPath] = secretOf(say, object{"labels": object{"kubernetes.io/legacy-token-invalid-since": say}})
				a.answers[issuerPath] = give(200, object{"issuer": say})
				a.answers[jwksPath] = give(200, object{"keys": []object{{"kid": say}}})
				a.answers[accessPath] = permits(false, say)
				if refuse {
					a.answers[selfReviews] = fails(403, "Forbidden", `x is forbidden: User "`+say+`" cannot create `+say)
					a.answers[reviewsPath] = fails(403, "Forbidden", `x is forbidden: User "`+say+`" cannot create `+say)
					a.answers[accountPath] = fails(500, "InternalError", say)
				}
				allows := newFakeAPI(secret)
				allows.answers[accessPath] = permits(false, say)
				if d := kube.Diagnose(t.Context(), kube.Suspect{Token: secret, Access: &kube.Access{Verb: say, Resource: say}}, allows.config()); strings.Contains(d.String(), say[:12]) || !settledIn(d) {
					t.Errorf("%s: it is repeated:\n%v", name, d)
				}
				err := apierrors.NewForbidden(schema.GroupResource{Resource: say}, say, errors.New(say))
				err.ErrStatus.Message = `pods "` + say + `" is forbidden: User "` + say + `" cannot get resource "` + say + `" in API group "` + say + `" in the namespace "` + say + `"`
				for _, cfg := range []*rest.Config{a.config(), nil} {
					for _, suspect := range []kube.Suspect{
						{Token: secret, Err: err}, {Token: secret, Err: fmt.Errorf("POST %s: %s", say, say)},
						{Token: secret, Access: &kube.Access{Verb: say, Resource: say, Name: say}}, {Token: secret, Audiences: []string{say}},
					} {
						if cfg == nil && strings.Contains(name, "asker") {
							continue // it is not known to be a secret
						}
						d := kube.Diagnose(t.Context(), suspect, cfg)
						readable(t, d)
						if said := fmt.Sprintf("%v %+v %#v", d, d, d); strings.Contains(said, say[:12]) || strings.Contains(said, say[len(say)-12:]) {
							t.Errorf("%s: it is repeated:\n%v", name, d)
						}
					}
				}
			}
		}
	}
}

// The token goes to the server and nowhere else, and to nobody who is not one; the
// first question has no credential at all, and those about the token have none but
// the asker's.
func TestDiagnoseSendsTheTokenNowhereElse(t *testing.T) {
	t.Parallel()
	secret := appToken(boundTo("pod"))
	elsewhere := http.RedirectHandler("https://elsewhere.example/", http.StatusTemporaryRedirect).ServeHTTP
	for _, path := range diagnosisPaths {
		a := newFakeAPI(secret)
		a.answers[path] = elsewhere
		cfg := a.config()
		var first string
		cfg.Transport = roundTripper(func(r *http.Request) (*http.Response, error) {
			if first == "" {
				first = r.URL.Path + " " + a.whoIs(r)
			}
			if r.URL.Host != "api.example" || r.URL.Scheme != "https" || strings.Contains(r.URL.String(), secret.Reveal()[:20]) {
				t.Errorf("%s: asked for %s", path, r.URL)
			}
			switch who := a.whoIs(r); r.URL.Path {
			case "/version":
				if who != "system:anonymous" {
					t.Errorf("the version is asked for as %s", who)
				}
			case selfReviews, accessPath, "/api":
				if who != appUser {
					t.Errorf("%s is asked for as %s", r.URL.Path, who)
				}
			default:
				if who != "admin" {
					t.Errorf("%s is asked for as %s", r.URL.Path, who)
				}
			}
			return a.roundTrip(r)
		})
		kube.Diagnose(t.Context(), kube.Suspect{Token: secret, Access: &kube.Access{Verb: "get", Path: "/x"}}, cfg)
		if first != "/version system:anonymous" {
			t.Errorf("asked first for %s", first)
		}
		if n := len(a.requests()); path == "/version" && n != 1 || n > 9 {
			t.Errorf("%s leads away, and there are %d requests", path, n)
		}
	}
}

// In the clear nothing is sent, unless to this machine itself and past every proxy.
func TestDiagnoseInTheClear(t *testing.T) {
	t.Parallel()
	proxied := func(*http.Request) (*url.URL, error) {
		return &url.URL{Scheme: "http", Host: "proxy.example:3128"}, nil
	}
	direct := func(*http.Request) (*url.URL, error) { return nil, nil }
	broken := func(*http.Request) (*url.URL, error) { return nil, errors.New("no proxy") }
	for _, test := range []struct {
		host  string
		proxy func(*http.Request) (*url.URL, error)
		sent  bool
	}{
		{"http://api.example", nil, false}, {"api.example:8080", nil, false}, {"http://localhost:8080", nil, false}, {"http://10.0.0.1", nil, false},
		{"http://127.0.0.1:8001", nil, true}, {"http://[::1]:8001", nil, true}, {"https://api.example", proxied, true},
		{"http://127.0.0.1:8001", proxied, false}, {"http://127.0.0.1:8001", direct, true}, {"http://127.0.0.1:8001", broken, false},
	} {
		secret := appToken()
		a := newFakeAPI(secret)
		cfg := a.config()
		cfg.Host = test.host
		cfg.Proxy = test.proxy
		d := kube.Diagnose(t.Context(), kube.Suspect{Token: secret}, cfg)
		if sent := len(a.requests()) > 0; sent != test.sent || sent == (len(d.Findings) > 0) {
			t.Errorf("%s: sent: %t\n%v", test.host, sent, d)
		}
	}
}

// A kubeconfig says what to run for a credential. Nothing is run.
func TestDiagnoseRunsNothing(t *testing.T) {
	t.Parallel()
	secret := appToken()
	mark := filepath.Join(t.TempDir(), "mark")
	for name, change := range map[string]func(*rest.Config){
		"exec": func(c *rest.Config) {
			c.ExecProvider = &clientcmdapi.ExecConfig{Command: "touch", Args: []string{mark}, APIVersion: "client.authentication.k8s.io/v1", InteractiveMode: clientcmdapi.NeverExecInteractiveMode}
		},
		"auth-provider": func(c *rest.Config) { c.AuthProvider = &clientcmdapi.AuthProviderConfig{Name: "no-such-provider"} },
	} {
		a := newFakeAPI(secret)
		a.blind(mayNot(`x is forbidden: User "system:anonymous" cannot create resource "x"`))
		cfg := a.config()
		// With a Transport of the caller's client-go would refuse plugins by itself.
		cfg.Transport, cfg.BearerToken = nil, ""
		server := httptest.NewTLSServer(a)
		t.Cleanup(server.Close)
		cfg.Host, cfg.CAData = server.URL, caOf(server)
		change(cfg)
		d := kube.Diagnose(t.Context(), kube.Suspect{Token: secret}, cfg)
		if _, err := os.Stat(mark); err == nil {
			t.Errorf("%s: it was run", name)
		}
		if !strings.Contains(d.String(), "the asker's is a plugin, which is not run") || settledIn(d) {
			t.Errorf("%s:\n%v", name, d)
		}
	}
}

// What else authenticates in the rest.Config does not go with the token, and goes
// with the asker.
func TestDiagnoseCredentials(t *testing.T) {
	t.Parallel()
	secret := appToken()
	a := newFakeAPI(secret)
	cfg := a.config()
	cfg.Impersonate = rest.ImpersonationConfig{UserName: "jane"}
	cfg.Host = "https://user:password@api.example/prefix"
	var mu sync.Mutex
	var asJane []string
	cfg.Transport = roundTripper(func(r *http.Request) (*http.Response, error) {
		if !strings.HasPrefix(r.URL.Path, "/prefix/") {
			t.Errorf("asked for %s", r.URL.Path)
		}
		switch who := a.whoIs(r); {
		case strings.HasSuffix(r.URL.Path, "/version") && who != "system:anonymous", strings.Contains(r.URL.Path, "selfsubject") && who != appUser:
			t.Errorf("asked for %s with %s", r.URL.Path, r.Header.Get("Authorization"))
		}
		if r.Header.Get("Impersonate-User") == "jane" {
			mu.Lock()
			asJane = append(asJane, r.URL.Path)
			mu.Unlock()
		}
		r = r.Clone(r.Context())
		r.URL.Path = strings.TrimPrefix(r.URL.Path, "/prefix")
		return a.roundTrip(r)
	})
	if d := kube.Diagnose(t.Context(), kube.Suspect{Token: secret}, cfg); len(d.Findings) != 0 {
		t.Errorf("%v", d)
	}
	slices.Sort(asJane)
	if want := []string{"/prefix" + issuerPath, "/prefix" + accountPath, "/prefix" + reviewsPath, "/prefix" + jwksPath}; !slices.Equal(asJane, want) {
		t.Errorf("asked as jane for %q", asJane)
	}

	// What kube.Config has made keeps its own token off the suspect's requests.
	a = newFakeAPI(secret)
	cfg = kube.Config(a.config(), refresh.New(token.Static(token.New(token.NewSecret(askerText)))))
	if d := kube.Diagnose(t.Context(), kube.Suspect{Token: secret}, cfg); len(d.Findings) != 0 {
		t.Errorf("%v", d)
	}
	for _, r := range a.requests() {
		if path, who, _ := strings.Cut(r, ", as "); strings.Contains(path, "selfsubject") != (who == appUser) {
			t.Errorf("asked to %s", r)
		}
	}
}

// Nobody has to set a limit.
func TestDiagnoseEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for _, from := range []int{0, 1, len(diagnosisPaths)} {
			a := newFakeAPI(appToken())
			for _, path := range diagnosisPaths[from:] {
				a.answers[path] = hostileAnswers["silence"]
			}
			began := time.Now()
			d := kube.Diagnose(context.Background(), kube.Suspect{Token: a.suspect}, a.config())
			if took := time.Since(began); took != 10*time.Second && from < len(diagnosisPaths) {
				t.Errorf("it took %v", took)
			}
			if from < len(diagnosisPaths) && (len(d.Findings) == 0 || d.Findings[0].Cause != "the API server does not answer, and the token was not looked at") {
				t.Errorf("%v", d)
			}
		}
		ctx, cancel := context.WithCancel(context.Background())
		time.AfterFunc(time.Second, cancel)
		a := newFakeAPI(appToken())
		a.answers["/version"] = hostileAnswers["silence"]
		if d := kube.Diagnose(ctx, kube.Suspect{Token: a.suspect}, a.config()); len(d.Findings) != 1 || d.Findings[0].Cause != "the diagnosis was broken off before the server had answered" {
			t.Errorf("%v", d)
		}
	})
}

// An error that a caller brings may be bad at saying what it is.
type badError struct{}

func (badError) Error() string { panic("hunter2") }

// Whatever panics, there is a diagnosis.
func TestDiagnosePanics(t *testing.T) {
	t.Parallel()
	secret := appToken()
	a := newFakeAPI(secret)
	for name, test := range map[string]struct {
		s   kube.Suspect
		cfg *rest.Config
	}{
		"an error":    {kube.Suspect{Token: secret, Err: badError{}}, nil},
		"a Transport": {kube.Suspect{Token: secret}, &rest.Config{Host: apiHost, Transport: roundTripper(func(*http.Request) (*http.Response, error) { panic("hunter2") })}},
		"a later call": {kube.Suspect{Token: secret}, &rest.Config{Host: apiHost, Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			if r.URL.Path != "/version" {
				panic("hunter2")
			}
			return a.roundTrip(r)
		})}},
		"a wrapper": {kube.Suspect{Token: secret}, &rest.Config{Host: apiHost, WrapTransport: func(http.RoundTripper) http.RoundTripper { panic("hunter2") }}},
		"a Proxy":   {kube.Suspect{Token: secret}, &rest.Config{Host: "http://127.0.0.1:1", Proxy: func(*http.Request) (*url.URL, error) { panic("hunter2") }}},
	} {
		d := kube.Diagnose(t.Context(), test.s, test.cfg)
		readable(t, d)
		if len(d.Findings) == 0 || settledIn(d) && !strings.Contains(d.Findings[0].Cause, "was not ") || strings.Contains(d.String(), "hunter2") {
			t.Errorf("%s: %v", name, d)
		}
	}
}

// Names in a token, and in answers, go into no path, and into no command that is
// more than they are.
func TestDiagnoseOddNames(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"$(reboot)", "a;reboot", "../../secrets/x", "a b", "-f", "a'b", "a\nb", "`id`", "..", "a/b", "a&b", "a|b", "a>b", "A%2f", strings.Repeat("a", 301)} {
		odd := appToken(object{"kubernetes.io": object{"namespace": name, "serviceaccount": object{"name": name, "uid": appUID}, "pod": object{"name": name, "uid": podUID}}})
		bound := appToken(object{"kubernetes.io": object{"namespace": "ci", "serviceaccount": object{"name": "app", "uid": appUID}, "pod": object{"name": name, "uid": podUID}}})
		place := appToken(object{"kubernetes.io": object{"namespace": name, "serviceaccount": object{"name": "app", "uid": appUID}}})
		account := appToken(object{"kubernetes.io": object{"namespace": "ci", "serviceaccount": object{"name": name, "uid": appUID}}})
		message := fmt.Sprintf("pods is forbidden: User %q cannot %s resource %q in API group %q in the namespace %q", name, name, name, name, name)
		for _, secret := range []token.Secret{odd, place, account, bound, legacyFrom(name)} {
			for _, why := range []string{"service account token has expired", "service account token has been invalidated", `serviceaccounts "app" not found`, "Token does not match server's copy", "has been marked invalid", "invalid signature, no keys found", "token audiences [] is invalid for the target audiences []"} {
				a := newFakeAPI(secret)
				a.reject(why)
				err := apierrors.NewForbidden(schema.GroupResource{Resource: "pods"}, name, errors.New("x"))
				err.ErrStatus.Message = message
				for _, s := range []kube.Suspect{{Token: secret}, {Token: secret, Audiences: []string{name}}, {Token: secret, Err: err}, {Token: secret, Access: &kube.Access{Verb: name, Path: name}}} {
					for _, cfg := range []*rest.Config{a.config(), nil} {
						d := kube.Diagnose(t.Context(), s, cfg)
						readable(t, d)
						for _, f := range d.Findings {
							if (strings.ContainsAny(name, "$;' `&|>\n%") || len(name) > 300) && strings.Contains(f.Remedy, name) {
								t.Errorf("%q is in a command: %s", name, f.Remedy)
							}
							for _, word := range strings.Fields(f.Remedy) {
								if word == name {
									t.Errorf("%q is a word of a command: %s", name, f.Remedy)
								}
							}
						}
					}
				}
				for _, r := range a.requests() {
					if strings.Contains(r, "/"+name) && name != "-f" || strings.Contains(r, "%") || strings.Contains(r, "..") {
						t.Errorf("%q: asked to %s", name, r)
					}
				}
			}
		}
	}
}

func settledIn(d token.Diagnosis) bool {
	return slices.ContainsFunc(d.Findings, func(f token.Finding) bool { return f.Certain })
}
