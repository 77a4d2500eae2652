package dashboard

import (
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/token"
)

// get makes a request of a user's, and returns the status and what it says.
func get(t testing.TB, client *http.Client) (int, string) {
	t.Helper()
	resp, err := client.Get(doubleURL + "/api/v1/namespace")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

// user is a client as the package comment has it.
func user(s *Source) *http.Client {
	return &http.Client{Transport: &token.Transport{
		Source: refresh.New(s), Base: s.Client.Transport, Origin: doubleURL,
		Set: Set, Refused: Refused,
	}}
}

// Three hours of work with sessions of 15 minutes are one login, and as many
// refreshes as there must be; a session that has expired is never sent. A pause
// that outlasts the session costs a login, and nothing while it lasts.
func TestThreeHoursOfWork(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDouble()
		s := d.source(bearerSource("bearer-1"))
		told := record(s)
		client := user(s)
		work := func(d time.Duration) {
			for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(30 * time.Second) {
				if status, text := get(t, client); status != 200 || !strings.Contains(text, "default") {
					t.Fatalf("%d %s", status, text)
				}
			}
		}
		work(3 * time.Hour)
		synctest.Wait()
		if d.count(loginRequest) != 1 || d.dead != 0 {
			t.Errorf("%d logins, %d dead sessions sent", d.count(loginRequest), d.dead)
		}
		refreshes := d.count(refreshRequest)
		if refreshes < 12 || refreshes > 18 { // a session is replaced after some 11 to 12 minutes
			t.Errorf("%d refreshes", refreshes)
		}
		for _, what := range told()[1:] {
			if what != "refreshed 2.x" {
				t.Error(what)
			}
		}
		before := len(d.requests)
		time.Sleep(20 * time.Minute)
		if len(d.requests) != before {
			t.Errorf("while nobody was there: %v", d.requests[before:])
		}
		work(time.Minute)
		if d.count(loginRequest) != 2 || d.count(refreshRequest) != refreshes || d.dead != 0 {
			t.Errorf("%d logins, %d refreshes, %d dead sessions sent", d.count(loginRequest), d.count(refreshRequest)-refreshes, d.dead)
		}
	})
}

// An error in the middle costs no request: the session lasts until the Dashboard is
// back.
func TestOutageBetweenRefreshes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDouble()
		client := user(d.source(bearerSource("bearer-1")))
		get(t, client)
		d.do(func() {
			d.instead = func(w http.ResponseWriter, r *http.Request) bool {
				if strings.HasPrefix(r.URL.Path, "/api/v1/csrftoken/") {
					doubleText(w, 503, "away")
					return true
				}
				return false
			}
		})
		for range 14 {
			time.Sleep(time.Minute)
			if status, _ := get(t, client); status != 200 {
				t.Error(status)
			}
		}
		d.do(func() { d.instead = nil })
		time.Sleep(50 * time.Second)
		get(t, client)
		synctest.Wait()
		time.Sleep(5 * time.Minute)
		if status, _ := get(t, client); status != 200 || d.count(loginRequest) != 1 || d.dead != 0 {
			t.Errorf("%d, %d logins, %d dead", status, d.count(loginRequest), d.dead)
		}
	})
}

// Whatever the Dashboard says to a session that is no good any more, the user's
// request is sent again with a new one, and goes through.
func TestRefusedInUse(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(d *double){
		"another key": func(d *double) { d.key = otherKey() },
		"7.x by now":  func(d *double) { d.seven = true },
		"key changed": func(d *double) {
			d.instead = answers("GET /api/v1/namespace", 1, func(w http.ResponseWriter) { doubleText(w, 401, "MSG_ENCRYPTION_KEY_CHANGED") })
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				d := newDouble()
				s := d.source(bearerSource("bearer-1"))
				told := record(s)
				client := user(s)
				get(t, client)
				time.Sleep(time.Minute)
				d.do(func() { end(d) })
				if status, text := get(t, client); status != 200 {
					t.Errorf("%d %s", status, text)
				}
				want := []string{"logged in 2.x", "expired 2.x", "logged in " + s.Version().String()}
				if diff := cmp.Diff(want, told()); diff != "" || d.count(loginRequest) != 2 || d.count(refreshRequest) != 0 {
					t.Errorf("%s %v", diff, d.requests)
				}
			})
		})
	}
}

// A Dashboard 7.x that is replaced by a 2.x, and back: who it is shows in the
// answers, and the token goes where each wants it.
func TestVersionChanges(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDouble()
		s := d.source(bearerSource("bearer-1"))
		client := user(s)
		for _, want := range []Version{V2, V7, V2} {
			d.do(func() { d.seven = want == V7 })
			if status, text := get(t, client); status != 200 || s.Version() != want {
				t.Errorf("%d %s, %v, want %v", status, text, s.Version(), want)
			}
			time.Sleep(time.Minute)
		}
	})
}

// Many users of one client, among whom sessions are refused.
func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDouble()
		s := d.source(bearerSource("bearer-1"))
		s.OnEvent = func(Event) {}
		client := user(s)
		var wg sync.WaitGroup
		for i := range 8 {
			wg.Go(func() {
				for j := range 20 {
					switch {
					case i == 0 && j%5 == 4:
						d.do(func() {
							if d.key = otherKey(); j%2 == 0 {
								d.key = doubleKey()
							}
						})
					case i == 1:
						tok, err := s.Token(t.Context())
						if err == nil {
							s.Invalidate(tok)
						}
						s.Version()
					default:
						get(t, client)
					}
					time.Sleep(time.Minute)
				}
			})
		}
		wg.Wait()
	})
}

// However busy its users are, a Dashboard that refuses everything sees two logins a
// minute, and not one for each request.
func TestRefusesEverything(t *testing.T) {
	t.Parallel()
	for name, refuse := range map[string]struct {
		path  string
		seven bool
		with  func(w http.ResponseWriter)
	}{
		"logins":          {"/api/v1/login", false, func(w http.ResponseWriter) { doubleText(w, 401, "MSG_LOGIN_UNAUTHORIZED_ERROR") }},
		"sessions":        {"/api/v1/namespace", false, func(w http.ResponseWriter) { doubleText(w, 401, "MSG_TOKEN_EXPIRED_ERROR") }},
		"with a 500":      {"/api/v1/namespace", false, func(w http.ResponseWriter) { doubleText(w, 500, "square/go-jose: error in cryptographic primitive") }},
		"bearer tokens":   {"/api/v1/namespace", true, func(w http.ResponseWriter) { doubleJSON(w, 401, status7("MSG_LOGIN_UNAUTHORIZED_ERROR")) }},
		"no JWE in login": {"/api/v1/login", false, func(w http.ResponseWriter) { doubleJSON(w, 200, authResponse2{JWEToken: "abc", Errors: []any{}}) }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				d := newDouble()
				d.seven = refuse.seven
				d.instead = func(w http.ResponseWriter, r *http.Request) bool {
					if r.URL.Path != refuse.path {
						return false
					}
					refuse.with(w)
					return true
				}
				client := user(d.source(bearerSource("bearer-1")))
				for end := time.Now().Add(10 * time.Minute); time.Now().Before(end); time.Sleep(time.Second) {
					if resp, err := client.Get(doubleURL + "/api/v1/namespace"); err == nil {
						resp.Body.Close()
					}
				}
				if n := d.count(loginRequest); n < 10 || n > 25 {
					t.Errorf("%d logins in 10 minutes", n)
				}
			})
		})
	}
}
