package ranchertest

import (
	"bytes"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// A Fault is what goes wrong with a server: it answers in the place of h, or
// spoils what h answers. It decides for each request whether to.
type Fault func(h http.Handler) http.Handler

// Faults puts faults one before the other: what the first lets through comes to
// the second.
func Faults(all ...Fault) Fault {
	return func(h http.Handler) http.Handler {
		for i := len(all) - 1; i >= 0; i-- {
			h = all[i](h)
		}
		return h
	}
}

// For has f strike only the requests that match. It may go by the time as well:
//
//	For(func(*http.Request) bool { return time.Now().Minute() == 0 }, Drop)
func For(match func(*http.Request) bool, f Fault) Fault {
	return func(h http.Handler) http.Handler {
		bad := f(h)
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if match(r) {
				bad.ServeHTTP(w, r)
				return
			}
			h.ServeHTTP(w, r)
		})
	}
}

// On has f strike only requests such as "POST /v3/tokens", whatever their query;
// what has an action is another request, such as "POST /v3/tokens?action=logout".
func On(request string, f Fault) Fault {
	return For(func(r *http.Request) bool { return name(r) == request }, f)
}

// First has f strike the first n requests that come to it. Inside of [On] these
// are the first of a kind.
func First(n int, f Fault) Fault {
	var seen atomic.Int64
	return For(func(*http.Request) bool { return seen.Add(1) <= int64(n) }, f)
}

// Some has f strike a percentage of the requests, by a seed: which ones is
// another matter in each test, and the same each time that it runs.
func Some(percent float64, seed uint64, f Fault) Fault {
	var mu sync.Mutex
	random := rand.New(rand.NewPCG(seed, seed))
	return For(func(*http.Request) bool {
		mu.Lock()
		defer mu.Unlock()
		return random.Float64()*100 < percent
	}, f)
}

// Status answers with a status and a few words of text, as a proxy does whose
// server is away: nothing is done.
func Status(code int) Fault {
	return instead(func(w http.ResponseWriter, r *http.Request) { http.Error(w, http.StatusText(code), code) })
}

// Answer answers with a status and a body, said to be JSON: nothing is done.
func Answer(code int, body string) Fault {
	return instead(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(code)
		io.WriteString(w, body)
	})
}

// Page is the login page of a proxy, with status 200: nothing is done.
func Page(h http.Handler) http.Handler {
	return instead(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		io.WriteString(w, "<!DOCTYPE html>\n<html><head><title>Sign in</title></head><body><form method=post action=/sso>"+
			"<input name=user><input name=password type=password></form></body></html>\n")
	})(h)
}

// Redirect sends whoever asks to a URL, with 307, which has a client that
// follows it send there what it sent here: nothing is done.
func Redirect(url string) Fault {
	return instead(func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, url, http.StatusTemporaryRedirect) })
}

// Drop breaks the connection: nothing is done.
func Drop(h http.Handler) http.Handler {
	return instead(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })(h)
}

// DropAfter breaks the connection when all is done: the answer is lost.
func DropAfter(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.ServeHTTP(httptest.NewRecorder(), r)
		panic(http.ErrAbortHandler)
	})
}

// Cut breaks the connection in the middle of the answer: all is done.
func Cut(h http.Handler) http.Handler {
	return spoiled(h, func(w http.ResponseWriter, status int, body string) {
		w.Header().Set("Content-Length", strconv.Itoa(len(body)+1))
		w.WriteHeader(status)
		io.WriteString(w, body[:len(body)/2])
		http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	})
}

// Truncate leaves the second half of the answer off, so that HTTP does not show
// it: all is done.
func Truncate(h http.Handler) http.Handler {
	return spoiled(h, func(w http.ResponseWriter, status int, body string) {
		w.WriteHeader(status)
		io.WriteString(w, body[:len(body)/2])
	})
}

// Endless puts 10 MB before the end of the answer: all is done.
func Endless(h http.Handler) http.Handler {
	return spoiled(h, func(w http.ResponseWriter, status int, body string) {
		w.WriteHeader(status)
		io.WriteString(w, body[:len(body)/2])
		chunk := strings.Repeat(" ", 64<<10)
		for range 160 {
			if _, err := io.WriteString(w, chunk); err != nil {
				return
			}
		}
		io.WriteString(w, body[len(body)/2:])
	})
}

// Slow waits before anything is done, unless whoever asked has gone by then.
func Slow(d time.Duration) Fault {
	return func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			receive(r)
			timer := time.NewTimer(d)
			defer timer.Stop()
			select {
			case <-timer.C:
				h.ServeHTTP(w, r)
			case <-r.Context().Done():
				panic(http.ErrAbortHandler)
			}
		})
	}
}

// instead is a fault for which the server does nothing.
func instead(answer http.HandlerFunc) Fault {
	return func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			receive(r)
			answer(w, r)
		})
	}
}

// receive has the whole of a request come before anything is answered. Else the
// client can be in the middle of sending it when the connection ends, and miss
// the answer; and the server does not see that a client has gone before it has
// all of its request.
func receive(r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler) // whoever asked has gone
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
}

// spoiled has h do what it does, and has send make something else of its
// answer, with the same header fields.
func spoiled(h http.Handler, send func(w http.ResponseWriter, status int, body string)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		full := httptest.NewRecorder()
		h.ServeHTTP(full, r)
		for key, values := range full.Header() {
			w.Header()[key] = values
		}
		w.Header().Del("Content-Length")
		send(w, full.Code, full.Body.String())
	})
}
