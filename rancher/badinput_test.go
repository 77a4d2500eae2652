package rancher

import (
	"context"
	"errors"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tokenlife/tokenlife/rancher/ranchertest"
	"github.com/tokenlife/tokenlife/token"
)

// Every call to a server that answers as no Rancher does ends with an error that
// says what was seen, and with none that blames the token.
func TestBadInput(t *testing.T) {
	t.Parallel()
	long := `{"type":"token","data":"` + strings.Repeat("0123456789", 1<<20) + `"}`
	for name, test := range map[string]struct {
		h   http.HandlerFunc
		saw string
		odd error
	}{
		"an HTML login page from a proxy": {reply(200, "text/html", "<html>Sign in</html>"), "a page for people", ErrNotRancher},
		"such a page with 401":            {reply(401, "text/html", "<html>Sign in</html>"), "a page for people", ErrNotRancher},
		"truncated JSON":                  {reply(200, "application/json", `{"type":"token","id":"token-5lwps","jwt":"V1dMyP`), "200 OK", ErrNotRancher},
		"truncated JSON of what was made": {reply(201, "application/json", `{"type":"token","id":"token-5lwps","jwt":"V1dMyP`), "201 Created", ErrNotRancher},
		"an array":                        {reply(200, "application/json", `[]`), "200 OK", ErrNotRancher},
		"a member twice":                  {reply(201, "application/json", `{"token":"token-a:b","token":"token-a:c","jwt":"a","jwt":"b"}`), "201 Created", ErrNotRancher},
		"a 200 with an error body":        {reply(200, "application/json", `{"type":"error","status":401,"code":"Unauthorized","message":"Unauthorized"}`), "an error, with the status of a success", ErrNotRancher},
		"one with a string for status":    {reply(200, "application/json", `{"type":"error","status":"401","message":"must authenticate"}`), "an error, with the status of a success", ErrNotRancher},
		"a redirect to another host": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://sso.example/", http.StatusFound)
		}, "it redirects to https://sso.example", ErrNotRancher},
		"a 10 MB answer":          {reply(200, "application/json", long), "the answer is too long", ErrNotRancher},
		"an answer cut off":       {raw("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{\"type\":"), "the answer breaks off", ErrUnavailable},
		"a server that is away":   {reply(503, "text/plain", "no"), "503 Service Unavailable", ErrUnavailable},
		"one that has had enough": {reply(429, "text/plain", "no"), "429 Too Many Requests", ErrUnavailable},
		"nothing but an end":      {raw(""), "the connection ended", ErrUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c := &caller{t: t, where: name, source: token.Static(token.New(v3Secret)), name: "token-5lwps"}
				for who, client := range c.clients(at("https://rancher.example", test.h)) {
					v := reflect.ValueOf(client)
					for i := range v.NumMethod() {
						m := v.Type().Method(i)
						if !takes(m.Type, reflect.TypeFor[context.Context]()) || m.Name == "Diagnose" || m.Name == "Close" {
							continue
						}
						ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
						defer cancel()
						var args []reflect.Value
						for j := 1; j < m.Type.NumIn(); j++ {
							tok := v3Secret
							if who == "V2Beta" {
								tok = oldSecret
							}
							args = append(args, c.argument(ctx, m.Type.In(j), tok))
						}
						out := c.call(who+"."+m.Name, v.Method(i), args)
						if len(out) == 0 {
							continue
						}
						err, _ := out[len(out)-1].Interface().(error)
						switch {
						case m.Name == "KeepActive" && errors.Is(err, context.DeadlineExceeded):
							continue // it goes on trying
						case strings.HasPrefix(m.Name, "Delete") && err == nil && strings.HasPrefix(test.saw, "20"):
							continue // what is answered beside the status is of no importance
						}
						if !errors.Is(err, test.odd) || !strings.Contains(err.Error(), test.saw) {
							t.Errorf("%s.%s: %v", who, m.Name, err)
							continue
						}
						if errors.Is(err, token.ErrInvalid) || errors.Is(err, token.ErrRefused) {
							t.Errorf("%s.%s blames a token: %v", who, m.Name, err)
						}
					}
					if v, ok := client.(interface{ Close(context.Context) error }); ok {
						v.Close(t.Context())
					}
				}
			})
		})
	}
}

// A status is an integer or a string, and either is taken for what HTTP says.
func TestStatusOfEitherKind(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		`{"type":"error","status":401,"code":"Unauthorized","message":"Unauthorized"}`, `{"type":"error","status":"401","message":"Unauthorized 401: must authenticate"}`,
		`{"type":"error","status":200}`, `{"type":"error","status":null}`, `{"type":"error"}`,
	} {
		s := at("https://rancher.example", reply(401, "application/json", body))
		v3 := &V3{Server: s, Source: token.Static(token.New(v3Secret))}
		if _, err := v3.Get(t.Context(), "token-5lwps"); !errors.Is(err, ErrNotAuthenticated) || !errors.Is(err, token.ErrRefused) || errors.Is(err, token.ErrInvalid) {
			t.Errorf("%s: %v", body, err)
		}
		if p, err := v3.Probe(t.Context(), v3Secret); err != nil || p.Live {
			t.Errorf("%s: %+v, %v", body, p, err)
		}
		if _, err := v3.Login(t.Context(), Credentials{Username: "admin", Password: password}); !errors.Is(err, ErrCredentials) {
			t.Errorf("%s: %v", body, err)
		}
		v2 := &V2Beta{Server: s}
		if _, err := v2.Login(t.Context(), Credentials{Username: "admin", Password: password}); !errors.Is(err, ErrCredentials) {
			t.Errorf("%s: %v", body, err)
		}
	}
}

// The fakes are found to be what they are, of whatever version.
func TestDetectFakes(t *testing.T) {
	t.Parallel()
	old := ranchertest.NewV2Beta()
	if p, err := (&Server{URL: old.URL, HTTP: old.Client()}).Detect(t.Context()); err != nil || !p.V2Beta || p.Version != "v1.6.30" {
		t.Errorf("1.6: %+v, %v", p, err)
	}
	for _, version := range []string{"v2.0.0", "v2.4.6", "v2.6.0", "v2.8.0", "v2.12.0", "v2.13.1", "v2.15.0"} {
		fake := ranchertest.NewV3(version)
		p, err := (&Server{URL: fake.URL, HTTP: fake.Client()}).Detect(t.Context())
		if err != nil || p.V2Beta || p.Version != version && p.Version != "" {
			t.Errorf("%s: %+v, %v", version, p, err)
		}
		t.Logf("%s: %+v, by %q", version, p, fake.Requests())
	}
}
