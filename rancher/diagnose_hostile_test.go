package rancher

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tokenlife/tokenlife/internal/pipe"
	"github.com/tokenlife/tokenlife/rancher/ranchertest"
	"github.com/tokenlife/tokenlife/token"
)

// A server that repeats what it was sent, wherever anything can be repeated.
func TestDiagnoseRepeatsNoSecret(t *testing.T) {
	t.Parallel()
	const url = "https://rancher.example"
	second := "token-other:" + strings.Repeat("7xzw", 13) + "bb"
	for _, of := range []string{v3Text, second, v2betaWhole} {
		_, key, ok := strings.Cut(of, ":")
		if !ok {
			key = of
		}
		echo := strings.NewReplacer("KEY", key, "PART", key[:20])
		server := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("X-Api-Cattle-Auth", key[:10])
			own := strings.HasSuffix(r.Header.Get("Authorization"), second)
			body := ""
			switch {
			case strings.HasPrefix(r.URL.Path, "/v2-beta/token"):
				body = `{"type":"collection","data":[{"type":"token","jwt":null,"security":true,"authProvider":"KEY"}]}`
			case strings.HasPrefix(r.URL.Path, "/v2-beta/settings/"):
				body = `{"type":"setting","name":"` + strings.TrimPrefix(r.URL.Path, "/v2-beta/settings/") + `","activeValue":"KEY","source":"PART"}`
			case r.URL.Path == "/rancherversion":
				body = `{"Version":"v2.13 KEY","GitCommit":"x"}`
			case strings.HasSuffix(strings.ToLower(r.URL.Path), "authproviders"):
				body = `{"data":[{"id":"KEY","type":"githubProvider"},{"id":"PART","type":"githubProvider"}]}`
			case !own:
				w.WriteHeader(401)
				body = `{"type":"error","status":"401","code":"KEY","message":"KEY"}`
			case strings.HasPrefix(r.URL.Path, "/v3/tokens/"):
				body = `{"id":"token-7d9xk","type":"token","authProvider":"PART","clusterId":"KEY","userId":"PART","enabled":false,"created":"2026-01-01T00:00:00Z","ttl":1000}`
			case strings.HasPrefix(r.URL.Path, "/v3/settings/"):
				body = `{"id":"` + strings.TrimPrefix(r.URL.Path, "/v3/settings/") + `","value":"KEY","source":"PART","default":"KEY"}`
			default:
				body = `{"type":"collection","data":[{"id":"KEY","type":"user","enabled":false}]}`
			}
			io.WriteString(w, echo.Replace(body))
		})
		s := &Server{URL: url, HTTP: pipe.Client("test", func() string { return url }, server)}
		v3 := &V3{Server: s, Source: token.Static(token.Token{Value: token.NewSecret(second)})}
		v2beta := &V2Beta{Server: s, Source: token.Static(token.Token{Value: token.NewSecret(second)})}
		// Neither client sends the other's token.
		var all []token.Diagnosis
		if of != v2betaWhole {
			all = append(all, v3.Diagnose(t.Context(), Suspect{Token: token.NewSecret(v3Text), Asked: time.Hour, Created: time.Now().Add(-2 * time.Hour)}))
		}
		if of != v3Text {
			all = append(all, v2beta.Diagnose(t.Context(), Suspect{Token: token.NewSecret(v2betaWhole), Created: time.Now().Add(-20 * time.Hour)}))
		}
		for _, d := range all {
			if len(d.Findings) == 0 {
				t.Error("nothing was found")
			}
			if said := fmt.Sprintf("%v %+v", d, d); strings.Contains(said, key[:8]) {
				t.Errorf("it repeats a secret:\n%v", d)
			}
		}
	}
}

// Whatever panics, there is a diagnosis.
func TestDiagnosePanics(t *testing.T) {
	t.Parallel()
	bad := &Server{URL: "https://rancher.example", HTTP: &http.Client{Transport: roundTrip(func(*http.Request) (*http.Response, error) { panic("hunter2") }), Jar: badJar{}}}
	for name, c := range map[string]API{
		"a transport": &V3{Server: bad}, "a transport of 1.6": &V2Beta{Server: bad},
		"no client": (*V3)(nil), "no client of 1.6": (*V2Beta)(nil),
		"no server": &V3{}, "no server of 1.6": &V2Beta{},
	} {
		for _, text := range []string{v3Text, v2betaWhole, ""} {
			d := c.Diagnose(t.Context(), Suspect{Token: token.NewSecret(text)})
			if len(d.Findings) == 0 || strings.Contains(d.String(), "hunter2") || strings.HasPrefix(d.String(), "the diagnosis itself has failed") {
				t.Errorf("%s: %v", name, d)
			}
		}
	}
	// A Jar is asked about a token that is live.
	fake := ranchertest.NewV2Beta()
	fake.AddUser("admin", "password", "admin")
	client := fake.Client()
	c := &V2Beta{Server: &Server{URL: fake.URL, HTTP: client}}
	login, err := c.Login(t.Context(), Credentials{Username: "admin", Password: token.NewSecret("password")})
	if err != nil {
		t.Fatal(err)
	}
	client.Jar = badJar{}
	if d := c.Diagnose(t.Context(), Suspect{Token: login.Token.Value}); len(d.Findings) != 1 || strings.Contains(d.String(), "hunter2") {
		t.Errorf("a jar: %v", d)
	}
}

// An error that a caller brings may be bad at saying what it is.
type badError struct{}

func (badError) Error() string { panic("hunter2") }

// Is has the error be looked at closely.
func (badError) Is(target error) bool { return target == ErrForbidden }

func TestDiagnosePanicsOfAnError(t *testing.T) {
	t.Parallel()
	s := newV3Case(t, "v2.13.1")
	s.create(t, V3Request{})
	old := ranchertest.NewV2Beta()
	old.AddUser("admin", "password", "admin")
	c := &V2Beta{Server: &Server{URL: old.URL, HTTP: old.Client()}}
	login, err := c.Login(t.Context(), Credentials{Username: "admin", Password: token.NewSecret("password")})
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range []token.Diagnosis{
		s.c.Diagnose(t.Context(), Suspect{Token: s.suspect.Token, Err: badError{}}),
		c.Diagnose(t.Context(), Suspect{Token: login.Token.Value, Err: badError{}}),
	} {
		if len(d.Findings) != 1 || d.Findings[0].Certain || strings.Contains(d.String(), "hunter2") {
			t.Errorf("%v", d)
		}
	}
}

// What somebody takes for the id of a user goes into no path.
func TestDiagnoseOddUser(t *testing.T) {
	t.Parallel()
	s := newV3Case(t, "v2.13.1")
	s.fake.DeleteToken(s.create(t, V3Request{}).Name)
	s.suspect.User.ID = "Hunter2" // no id has capitals
	d := s.c.Diagnose(t.Context(), s.suspect)
	for _, r := range s.fake.Requests() {
		if strings.Contains(r, "Hunter2") {
			t.Errorf("it asked %s", r)
		}
	}
	if len(d.Findings) == 0 {
		t.Error("nothing was found")
	}
}

type badJar struct{ http.CookieJar }

// A diagnosis ends though the server does not answer, and nobody has set a
// limit.
func TestDiagnoseEnds(t *testing.T) {
	for _, product := range []string{"2.x", "1.6"} {
		t.Run(product, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				silent := &Server{URL: "https://rancher.example", Timeout: -1, HTTP: &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
					<-r.Context().Done()
					return nil, r.Context().Err()
				})}}
				var c API = &V3{Server: silent}
				suspect := Suspect{Token: token.NewSecret(v3Text)}
				if product == "1.6" {
					c, suspect.Token = &V2Beta{Server: silent}, token.NewSecret(v2betaWhole)
				}
				begin := time.Now()
				d := c.Diagnose(context.Background(), suspect)
				if took := time.Since(begin); took > diagnosisTime {
					t.Errorf("it took %v", took)
				}
				if len(d.Findings) != 1 || d.Findings[0].Cause != "no answer came in time" {
					t.Errorf("%v", d)
				}
			})
		})
	}
}

// Whoever calls can leave.
func TestDiagnoseBrokenOff(t *testing.T) {
	t.Parallel()
	s := newV3Case(t, "v2.13.1")
	s.create(t, V3Request{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	d := s.c.Diagnose(ctx, s.suspect)
	if len(d.Findings) != 1 || d.Findings[0].Cause != "the diagnosis was broken off before the server had answered" {
		t.Errorf("%v", d)
	}
}

// A token that is another's, or malformed, is not sent anywhere.
func TestDiagnoseSendsNothing(t *testing.T) {
	t.Parallel()
	server := &Server{URL: "https://rancher.example", HTTP: &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		t.Errorf("%s %s was sent", r.Method, r.URL)
		return nil, errors.New("no")
	})}}
	for _, text := range []string{"", jwtText(`{"iss":"https://idp.example"}`), "Hunter2", "AKIAIOSFODNN7EXAMPLE"} {
		(&V3{Server: server}).Diagnose(t.Context(), Suspect{Token: token.NewSecret(text)})
		(&V2Beta{Server: server}).Diagnose(t.Context(), Suspect{Token: token.NewSecret(text)})
	}
}
