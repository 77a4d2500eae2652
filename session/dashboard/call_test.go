package dashboard

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tokenlife/tokenlife/internal/pipe"
	"github.com/tokenlife/tokenlife/token"
)

// What is sent is what the Dashboard's own pages send, also behind a path.
func TestOnTheWire(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"", "/", "/k8s/dash", "/k8s/dash/"} {
		synctest.Test(t, func(t *testing.T) {
			d := newDouble()
			var posted []string
			prefix := strings.TrimRight(path, "/")
			h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				text, _ := io.ReadAll(r.Body)
				r.Body = io.NopCloser(strings.NewReader(string(text)))
				for key := range r.Header {
					if key != "User-Agent" && key != "Accept-Encoding" && key != "Content-Length" && key != "Connection" {
						posted = append(posted, key+": "+r.Header.Get(key))
					}
				}
				posted = append(posted, string(text))
				http.StripPrefix(prefix, d).ServeHTTP(w, r)
			})
			s := d.source(bearerSource(`bearer-1`))
			s.URL = doubleURL + path
			s.Client = pipe.Client("dashboard", func() string { return doubleURL }, h)
			mustToken(t, t.Context(), s)
			csrf := doubleCSRF("login", time.Now().UnixMilli())
			for _, want := range []string{"Accept: application/json", "Content-Type: application/json", "X-Csrf-Token: " + csrf, `{"token":"bearer-1"}`} {
				if !strings.Contains(strings.Join(posted, "\n"), want) {
					t.Errorf("%s is not in %q", want, posted)
				}
			}
			posted = nil
			tok := mustToken(t, t.Context(), s)
			if len(posted) == 0 || strings.Contains(strings.Join(posted, "\n"), "bearer-1") || tok.IsZero() {
				t.Errorf("the refresh carries the credential: %q", posted)
			}
			want := []string{"GET /api/v1/csrftoken/login", loginRequest, "GET /api/v1/csrftoken/token", refreshRequest}
			if diff := cmp.Diff(want, d.requests); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A CSRF token that is refused is fetched anew once, whichever Dashboard it is.
func TestCSRFAnew(t *testing.T) {
	t.Parallel()
	for _, seven := range []bool{false, true} {
		for times, want := range []string{1: "", 2: "does not accept the CSRF token"} {
			if times == 0 {
				continue
			}
			synctest.Test(t, func(t *testing.T) {
				d := newDouble()
				d.seven = seven
				d.instead = answers(loginRequest, times, func(w http.ResponseWriter) {
					if seven {
						doubleJSON(w, 401, status7("MSG_CSRF_VALIDATION_ERROR"))
						return
					}
					doubleText(w, 401, "CSRF validation failed")
				})
				login := new(stubborn)
				d.good["bearer-0"] = true
				_, err := d.source(login).Token(t.Context())
				if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
					t.Error(err)
				}
				if errors.Is(err, token.ErrRefused) || login.told != 0 {
					t.Errorf("the credential is blamed: %v", err)
				}
				if d.count("GET /api/v1/csrftoken/login") != 2 || d.count(loginRequest) != 2 {
					t.Error(d.requests)
				}
			})
		}
	}
	synctest.Test(t, func(t *testing.T) {
		d := newDouble()
		d.instead = answers(loginRequest, 1, func(w http.ResponseWriter) { doubleText(w, 403, "CSRF validation failed") })
		if _, err := d.source(bearerSource("bearer-1")).Token(t.Context()); err == nil || d.count(loginRequest) != 1 {
			t.Errorf("a 403, which is nothing that the Dashboard says of a CSRF token: %v, %v", err, d.requests)
		}
	})
}

// No redirect is followed, wherever it leads, and a Transport that does so is found
// out.
func TestRedirects(t *testing.T) {
	t.Parallel()
	for _, at := range []string{"GET /api/v1/csrftoken/login", loginRequest, refreshRequest} {
		for _, status := range []int{301, 302, 303, 307, 308} {
			for _, to := range []string{"https://evil.example/", "http://dashboard.example/", "/api/v1/elsewhere"} {
				synctest.Test(t, func(t *testing.T) {
					d := newDouble()
					s := d.source(bearerSource("bearer-1"))
					if at == refreshRequest {
						mustToken(t, t.Context(), s)
					}
					d.do(func() {
						d.requests = nil
						d.instead = answers(at, 1, func(w http.ResponseWriter) { w.Header().Set("Location", to); w.WriteHeader(status) })
					})
					_, err := s.Token(t.Context())
					if err == nil || !strings.Contains(err.Error(), "it redirects") || strings.Contains(err.Error(), "evil") {
						t.Errorf("%v", err)
					}
					if d.requests[len(d.requests)-1] != at {
						t.Errorf("went on after %s: %v", at, d.requests)
					}
				})
			}
		}
	}
	synctest.Test(t, func(t *testing.T) {
		d := newDouble()
		s := d.source(bearerSource("bearer-1"))
		base := s.Client.Transport
		s.Client = &http.Client{Transport: tripper(func(r *http.Request) (*http.Response, error) {
			resp, err := base.RoundTrip(r)
			if err == nil {
				resp.Request = r.Clone(r.Context())
				resp.Request.URL = mustURL("https://evil.example/")
			}
			return resp, err
		})}
		if _, err := s.Token(t.Context()); err == nil || !strings.Contains(err.Error(), "that was followed") || len(d.requests) != 1 {
			t.Errorf("%v, %v", err, d.requests)
		}
	})
}

// An answer is read to a bound, with or without an end.
func TestEndlessAnswer(t *testing.T) {
	t.Parallel()
	var written atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		line := strings.Repeat(" ", 1<<16)
		for {
			n, err := io.WriteString(w, line)
			written.Add(int64(n))
			if err != nil {
				return
			}
		}
	}))
	defer server.Close()
	s := &Source{URL: server.URL, Login: bearerSource("bearer-1")}
	_, err := s.Token(t.Context())
	if err == nil || !strings.Contains(err.Error(), "longer than 1048576 bytes") {
		t.Errorf("%v", err)
	}
	if n := written.Load(); n > 64<<20 {
		t.Errorf("%d bytes were taken", n)
	}
}

// Exactly as long as may be is not too long.
func TestLongAnswer(t *testing.T) {
	t.Parallel()
	for extra, want := range []string{"", "longer than"} {
		synctest.Test(t, func(t *testing.T) {
			d := newDouble()
			s := d.source(bearerSource("bearer-1"))
			d.instead = answers(loginRequest, 1, func(w http.ResponseWriter) {
				text := `{"jweToken":"` + strings.ReplaceAll(d.seal("bearer-1"), `"`, `\"`) + `"}`
				io.WriteString(w, text+strings.Repeat(" ", longestAnswer-len(text)+extra))
			})
			_, err := s.Token(t.Context())
			if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
				t.Error(err)
			}
		})
	}
}

// What a Dashboard or its proxy asks for is in the error, for those who try again.
func TestRetryAfter(t *testing.T) {
	t.Parallel()
	for _, at := range []string{"GET /api/v1/csrftoken/login", loginRequest, "GET /api/v1/csrftoken/token", refreshRequest} {
		for status, want := range map[int]time.Duration{503: 7 * time.Second, 429: 7 * time.Second, 500: 7 * time.Second, 400: 0} {
			for _, page := range []string{"away", "<html>away"} {
				synctest.Test(t, func(t *testing.T) {
					d := newDouble()
					s := d.source(bearerSource("bearer-1"))
					if strings.HasSuffix(at, "token") || at == refreshRequest {
						mustToken(t, t.Context(), s)
					}
					d.do(func() {
						d.instead = answers(at, 1, func(w http.ResponseWriter) {
							w.Header().Set("Retry-After", "7")
							doubleText(w, status, page)
						})
					})
					_, err := s.Token(t.Context())
					if got := token.RetryAfter(err); err == nil || got != want || errors.Is(err, token.ErrRefused) {
						t.Errorf("%s, %d: %v; in %v", at, status, err, got)
					}
					if err != nil && status != 400 && !strings.Contains(err.Error(), "cannot answer now") {
						t.Error(err)
					}
				})
			}
		}
	}
}

// A CSRF token that no header could carry is not sent.
func TestCSRFTokenUnfit(t *testing.T) {
	t.Parallel()
	for _, body := range []string{`{"token":""}`, `{}`, `{"token":"a\nX: b"}`, `{"token":1}`, `[]`, `{"token":"a b"}`} {
		synctest.Test(t, func(t *testing.T) {
			d := newDouble()
			d.instead = answers("GET /api/v1/csrftoken/login", 1, func(w http.ResponseWriter) { io.WriteString(w, body) })
			if _, err := d.source(bearerSource("bearer-1")).Token(t.Context()); err == nil || !strings.Contains(err.Error(), "cannot be read") || len(d.requests) != 1 {
				t.Errorf("%s: %v, %v", body, err, d.requests)
			}
		})
	}
}
