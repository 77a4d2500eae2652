package ranchertest_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tokenlife/tokenlife/rancher/ranchertest"
)

// post logs in, with a client that follows nothing.
func post(s *ranchertest.V2Beta) (status int, header http.Header, body string, err error) {
	client := s.Client()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	resp, err := client.Post(s.URL+"/v2-beta/token", "application/json", strings.NewReader(`{"code":"bob:pa:ss"}`))
	if err != nil {
		return 0, nil, "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return resp.StatusCode, resp.Header, string(text), err
}

// What is seen of each fault, and whether what was asked for is done.
func TestFaults(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		fault  ranchertest.Fault
		status int // 0 for no answer
		body   string
		length int // at least
		broken bool
		done   bool
	}{
		{"none", nil, 201, `{"id":null,"type":"token"`, 0, false, true},
		{"Status", ranchertest.Status(503), 503, "Service Unavailable\n", 0, false, false},
		{"Answer", ranchertest.Answer(200, `{"type":"error"}`), 200, `{"type":"error"}`, 0, false, false},
		{"Page", ranchertest.Page, 200, "<!DOCTYPE html>", 0, false, false},
		{"Redirect", ranchertest.Redirect("https://elsewhere.example/"), 307, "", 0, false, false},
		{"Drop", ranchertest.Drop, 0, "", 0, true, false},
		{"DropAfter", ranchertest.DropAfter, 0, "", 0, true, true},
		{"Cut", ranchertest.Cut, 201, `{"id":null,`, 0, true, true},
		{"Truncate", ranchertest.Truncate, 201, `{"id":null,`, 0, false, true},
		{"Endless", ranchertest.Endless, 201, `{"id":null,`, 10 << 20, false, true},
		{"First", ranchertest.First(1, ranchertest.Drop), 0, "", 0, true, false},
		{"On another", ranchertest.On("GET /v2-beta/token", ranchertest.Drop), 201, `{"id":null,`, 0, false, true},
		{"On", ranchertest.On("POST /v2-beta/token", ranchertest.Drop), 0, "", 0, true, false},
		{"Some, none", ranchertest.Some(0, 1, ranchertest.Drop), 201, `{"id":null,`, 0, false, true},
		{"Some, all", ranchertest.Some(100, 1, ranchertest.Drop), 0, "", 0, true, false},
		{"Faults", ranchertest.Faults(ranchertest.On("GET /", ranchertest.Drop), ranchertest.Status(502), ranchertest.Drop), 502, "Bad Gateway\n", 0, false, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := newV2Beta()
			s.SetFault(tt.fault)
			status, header, body, err := post(s)
			if status != tt.status || !strings.HasPrefix(body, tt.body) || len(body) < tt.length || (err != nil) != tt.broken {
				t.Errorf("%d, %d bytes, %v", status, len(body), err)
			}
			if tt.name == "Redirect" && header.Get("Location") != "https://elsewhere.example/" {
				t.Errorf("to %s", header.Get("Location"))
			}
			if want := map[string]string{"Page": "text/html; charset=utf-8", "Answer": "application/json"}[tt.name]; want != "" && header.Get("Content-Type") != want {
				t.Errorf("said to be %s", header.Get("Content-Type"))
			}
			if done := s.Live("bob") == 1; done != tt.done {
				t.Errorf("done: %t", done)
			}
			if got := s.Requests(); !slices.Equal(got, []string{"POST /v2-beta/token"}) {
				t.Errorf("requests %q", got)
			}
			s.SetFault(ranchertest.Status(418))
			if status, _, _, _ := post(s); status != 418 {
				t.Errorf("with another fault: %d", status)
			}
			s.SetFault(nil)
			if status, _, _, err := post(s); status != 201 || err != nil {
				t.Errorf("after the fault: %d, %v", status, err)
			}
		})
	}
}

// First counts what comes to it, and Some is the same each time.
func TestFaultCounts(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		fault func() ranchertest.Fault
		least int
		most  int
	}{
		{"First", func() ranchertest.Fault { return ranchertest.First(3, ranchertest.Status(500)) }, 3, 3},
		{"Some", func() ranchertest.Fault { return ranchertest.Some(20, 7, ranchertest.Status(500)) }, 20, 60},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var runs [2][]int
			for run := range runs {
				s := newV2Beta()
				s.SetFault(tt.fault())
				for i := range 200 {
					if status, _, _, _ := post(s); status == 500 {
						runs[run] = append(runs[run], i)
					}
				}
			}
			if n := len(runs[0]); n < tt.least || n > tt.most || !slices.Equal(runs[0], runs[1]) {
				t.Errorf("struck %v, and then %v", runs[0], runs[1])
			}
		})
	}
}

// A slow server is slow for each, and is not kept waiting by those who go. What
// was in flight at once is known, also behind a fault.
func TestSlow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newV2Beta()
		s.SetFault(ranchertest.Slow(3 * time.Second))
		began := time.Now()
		var all sync.WaitGroup
		for range 5 {
			all.Go(func() {
				if status, _, _, err := post(s); status != 201 {
					t.Errorf("%d, %v", status, err)
				}
			})
		}
		all.Wait()
		if took := time.Since(began); took != 3*time.Second {
			t.Errorf("took %v", took)
		}
		if got := s.AtOnce("POST /v2-beta/token"); got != 5 {
			t.Errorf("%d at once, want 5", got)
		}
		r, _ := http.NewRequestWithContext(t.Context(), "GET", s.URL+"/v2-beta/projects", nil)
		client := s.Client()
		client.Timeout = time.Second
		if _, err := client.Do(r); err == nil {
			t.Error("an answer in a second")
		}
		synctest.Wait()
		if got, want := s.AtOnce("GET /v2-beta/projects"), 1; got != want {
			t.Errorf("%d at once, want %d", got, want)
		}
	})
}

// A slow server sees that a client has gone, also one that sent a body.
func TestSlowGone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newV2Beta()
		s.SetFault(ranchertest.Slow(3 * time.Second))
		client := s.Client()
		client.Timeout = time.Second
		if _, err := client.Post(s.URL+"/v2-beta/token", "application/json", strings.NewReader(`{"code":"bob:pa:ss"}`)); err == nil {
			t.Error("an answer in a second")
		}
		time.Sleep(time.Minute)
		if n := s.Live("bob"); n != 0 {
			t.Errorf("%d live tokens of a client that has gone", n)
		}
	})
}

// A fault that does nothing lets the client send all that it has to, however
// much that is, and does not break the connection in the middle.
func TestFaultLongRequest(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]ranchertest.Fault{"Status": ranchertest.Status(503), "Page": ranchertest.Page, "Slow": ranchertest.Slow(0)} {
		body := strings.NewReader(strings.Repeat(" ", 1<<20))
		fault(http.NotFoundHandler()).ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("POST", "/", body))
		if body.Len() != 0 {
			t.Errorf("%s leaves %d bytes of the request", name, body.Len())
		}
	}
	s := newV2Beta()
	s.SetFault(ranchertest.Status(503))
	for range 50 {
		resp, err := s.Client().Post(s.URL+"/v2-beta/token", "application/json", strings.NewReader(strings.Repeat(" ", 1<<20)))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != 503 {
			t.Errorf("%d", resp.StatusCode)
		}
	}
}

// What has an action is another request.
func TestActions(t *testing.T) {
	t.Parallel()
	s := ranchertest.NewV3("v2.12.0")
	s.SetFault(ranchertest.On("POST /v3/tokens?action=logout", ranchertest.Status(503)))
	var statuses []int
	for _, query := range []string{"", "?action=logout", "?action=logout&other=1", "?other=1"} {
		resp, err := s.Client().Post(s.URL+"/v3/tokens"+query, "application/json", strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		statuses = append(statuses, resp.StatusCode)
	}
	if want := []int{401, 503, 503, 401}; !slices.Equal(statuses, want) {
		t.Errorf("answered %v, want %v", statuses, want)
	}
	resp, err := s.Client().Get(s.URL + "/v3/tokens?action=logout")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	const create, logout = "POST /v3/tokens", "POST /v3/tokens?action=logout"
	if got, want := s.Requests(), []string{create, logout, logout, create, "GET /v3/tokens"}; !slices.Equal(got, want) {
		t.Errorf("requests %q, want %q", got, want)
	}
	if a, b := s.AtOnce(create), s.AtOnce(logout); a != 1 || b != 1 {
		t.Errorf("at once %d and %d", a, b)
	}
}

// A Client reaches its server and no other.
func TestV2BetaClient(t *testing.T) {
	t.Parallel()
	s := newV2Beta()
	if _, err := s.Client().Get("https://another.example/"); err == nil || !strings.Contains(err.Error(), "ranchertest: this client reaches https://rancher.example and nothing else") {
		t.Errorf("%v", err)
	}
	s.SetFault(ranchertest.Drop)
	if _, _, _, err := post(s); !errors.Is(err, io.EOF) {
		t.Errorf("dropped: %v", err)
	}
}
