package kube_test

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tokenlife/tokenlife/kube"
	"github.com/tokenlife/tokenlife/token"
)

// said answers with text.
func said(status int, contentType, text string, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		if contentType != "" {
			w.Header().Set("Content-Type", contentType)
		}
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Add(header[i], header[i+1])
		}
		w.WriteHeader(status)
		w.Write([]byte(text))
	}
}

// status answers with a Status object.
func status(code int, reason, message string, details map[string]any, header ...string) http.HandlerFunc {
	text, err := json.Marshal(failure(code, reason, message, details))
	if err != nil {
		panic(err)
	}
	return said(code, "application/json", string(text), header...)
}

const page = "<!DOCTYPE html>\n<html><head><title>Sign in</title></head>\n<body>\x1b[31mPlease sign in\u202e</body></html>\n"

// allSecrets is what a server says that echoes the tokens that it knows.
var allSecrets = strings.Join([]string{"Bearer " + ownCredential, presented, granted}, " ")

// anyAnswer are answers that no use can do anything with. The reason is that of the
// error; "" means any.
var anyAnswer = []struct {
	name   string
	do     http.HandlerFunc
	reason kube.Reason
	words  []string
}{
	{"200 page of a proxy", said(200, "text/html", page), kube.BadAnswer, nil},
	{"200 page without a type", said(200, "", page), kube.BadAnswer, nil},
	{"200 page that says it is JSON", said(200, "application/json", page), kube.BadAnswer, nil},
	{"200 empty", said(200, "application/json", ""), kube.BadAnswer, nil},
	{"201 null", said(201, "application/json", "null"), kube.BadAnswer, nil},
	{"201 {}", said(201, "application/json", "{}"), kube.BadAnswer, nil},
	{"201 []", said(201, "application/json", "[]"), kube.BadAnswer, nil},
	{"201 text", said(201, "application/json", `"text"`), kube.BadAnswer, nil},
	{"201 number", said(201, "application/json", "1e999"), kube.BadAnswer, nil},
	{"201 brackets", said(201, "application/json", strings.Repeat("[", 100_000)), kube.BadAnswer, nil},
	{"201 cut short", said(201, "application/json", `{"kind":"TokenRequest","apiVersion":"authentication.k8s.io/v1","status":{"token":"`+granted), kube.BadAnswer, nil},
	{"201 secrets, not JSON", said(201, "application/json", allSecrets), kube.BadAnswer, nil},
	{"201 secrets as kind", said(201, "application/json", `{"kind":"`+granted+`","apiVersion":"v1"}`), kube.BadAnswer, nil},
	{"201 secrets as apiVersion", said(201, "application/json", `{"kind":"TokenReview","apiVersion":"`+presented+`"}`), kube.BadAnswer, nil},
	{"201 of another kind", said(201, "application/json", `{"kind":"Pod","apiVersion":"v1"}`), kube.BadAnswer, nil},
	{"201 with Failure", said(201, "application/json", `{"kind":"Status","apiVersion":"v1","status":"Failure","message":"boo","code":500}`), "", nil},
	{"201 protobuf", said(201, "application/vnd.kubernetes.protobuf", "k8s\x00garbage "+granted), kube.BadAnswer, nil},
	{"201 CBOR", said(201, "application/cbor", "\xd9\xd9\xf7\xa1"), kube.BadAnswer, nil},
	{"201 bad type", said(201, "a/b/c; x=\""+granted, "{}"), "", nil},
	{"204", said(204, "", ""), kube.BadAnswer, nil},
	{"302 to elsewhere", said(302, "text/html", page, "Location", "https://127.0.0.1:1/login?t="+granted), "", nil},
	{"302 without Location", said(302, "text/html", page), "", nil},
	{"304", said(304, "", ""), "", nil},
	{"400 status", status(400, "BadRequest", "the server does not take this", nil), kube.Rejected, nil},
	{"400 page", said(400, "text/html", page), "", nil},
	{"401 status", status(401, "Unauthorized", "Unauthorized", nil), kube.Unauthenticated, []string{"credential"}},
	{"401 page", said(401, "text/html", page), kube.Unauthenticated, []string{"credential"}},
	{"401 empty", said(401, "", ""), kube.Unauthenticated, []string{"credential"}},
	{"401 text", said(401, "text/plain", "Unauthorized"), kube.Unauthenticated, []string{"credential"}},
	{"401 that says it is a 404", said(401, "application/json", `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"NotFound","code":404}`), "", nil},
	{"401 array", said(401, "application/json", `[{"message":"no"}]`), kube.Unauthenticated, []string{"credential"}},
	{"403 status", status(403, "Forbidden", `secrets is forbidden: User "x" cannot create resource "serviceaccounts/token" in API group "" in the namespace "ci"`, nil), kube.Forbidden, nil},
	{"403 page", said(403, "text/html", page), kube.Forbidden, nil},
	{"404 page", said(404, "text/html", page), "", nil},
	{"404 empty", said(404, "", ""), "", nil},
	{"405", said(405, "text/html", page), "", nil},
	{"407", said(407, "text/html", page), "", nil},
	{"409 status", status(409, "Conflict", "object has been modified", nil), "", nil},
	{"409 page", said(409, "text/html", page), "", nil},
	{"413 page", said(413, "text/html", page), "", nil},
	{"415", said(415, "text/plain", "unsupported "+allSecrets), "", nil},
	{"406", said(406, "text/plain", "not acceptable "+allSecrets), "", nil},
	{"422 status", status(422, "Invalid", "invalid", map[string]any{"causes": []any{map[string]any{"field": "spec." + strings.Repeat("x", 5000), "message": "no\nno"}}}), kube.Rejected, nil},
	{"429 text", said(429, "text/plain", "Too many requests, please try again later."), kube.Busy, nil},
	{"429 status", status(429, "TooManyRequests", "later", map[string]any{"retryAfterSeconds": 7}), kube.Busy, nil},
	{"429 a date", said(429, "text/plain", "later", "Retry-After", "Fri, 31 Dec 2027 23:59:59 GMT"), kube.Busy, nil},
	{"429 negative", said(429, "text/plain", "later", "Retry-After", "-5"), kube.Busy, nil},
	{"429 nonsense", said(429, "text/plain", "later", "Retry-After", granted), kube.Busy, nil},
	{"500 status", status(500, "InternalError", "etcd", nil), kube.Away, nil},
	{"500 text with secrets", said(500, "text/plain", allSecrets), kube.Away, nil},
	{"502 page", said(502, "text/html", page), kube.Away, nil},
	{"503 page", said(503, "text/html", page), kube.Away, nil},
	{"504 page", said(504, "text/html", page), kube.Away, nil},
	{"503 status", status(503, "ServiceUnavailable", "starting", nil), kube.Away, nil},
	{"520 of a CDN", said(520, "text/html", page), kube.Away, nil},
	{"999", said(999, "text/html", page), "", nil},
	{"long and unprintable message", status(403, "Forbidden", strings.Repeat("no\r\n\x1b[31m\u202e", 10_000), nil), kube.Forbidden, nil},
	{"long reason", status(500, strings.Repeat("no\n", 10_000), strings.Repeat("\x00", 5000), nil), kube.Away, nil},
	{"message that is not UTF-8", said(403, "application/json", "{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"status\":\"Failure\",\"message\":\"\xff\xfe\",\"reason\":\"Forbidden\",\"code\":403}"), kube.Forbidden, nil},
	{"cut header", cut("HTTP/1.1 200 OK\r\nContent-Ty"), kube.Away, nil},
	{"cut body", cut("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 5000\r\n\r\n{\"kind\":"), kube.Away, nil},
	{"cut at once", cut(""), kube.Away, nil},
	{"not HTTP", cut("SSH-2.0-OpenSSH_9.9 " + granted + "\r\n"), kube.Away, nil},
	{"header with a secret", cut("HTTP/1.1 200 OK\r\n" + ownCredential + "\x00\r\n\r\n"), kube.Away, nil},
}

// cut answers with raw bytes and ends the connection.
func cut(raw string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		rc := http.NewResponseController(w)
		conn, _, err := rc.Hijack()
		if err != nil { // HTTP/2 has nothing to hijack
			panic(http.ErrAbortHandler)
		}
		conn.Write([]byte(raw))
		conn.Close()
	}
}

// fits says whether an answer that no other use can do anything with is one to u.
func (u use) fits(answer string) bool {
	switch u.name {
	case "SecretStore delete": // which does not read what else a success says
		return strings.HasPrefix(answer, "20")
	case "SecretStore.Get": // a Secret that is not there
		return strings.Contains(answer, "404")
	}
	return false
}

// Whatever a server answers, the error says what was asked for and why it failed, in
// a line, and repeats no secret that the server put into its answer.
func TestHostileAnswers(t *testing.T) {
	t.Parallel()
	for _, u := range uses {
		t.Run(u.name, func(t *testing.T) {
			t.Parallel()
			for _, a := range anyAnswer {
				ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
				err := u.run(ctx, t, a.do)
				cancel()
				if err == nil {
					if !u.fits(a.name) {
						t.Errorf("%s: %s: no error", u.name, a.name)
					}
					continue
				}
				t.Logf("%s: %s: %v", u.name, a.name, err)
				e := checkError(t, a.name, err, u.thing)
				if errors.Is(err, token.ErrInvalid) {
					if strings.Contains(err.Error(), "does not say why") {
						// A TokenReview with an empty status counts as a refusal.
						continue
					}
					t.Errorf("%s: it matches ErrInvalid: %v", a.name, err)
				}
				if e == nil {
					t.Errorf("%s: no *kube.Error: %v", a.name, err)
					continue
				}
				if a.reason != "" && e.Reason != a.reason && !(u.name == "Legacy" && e.Reason == kube.Misconfigured) { // a Secret of no type
					t.Errorf("%s: reason %q, want %q: %v", a.name, e.Reason, a.reason, err)
				}
				if want := e.Reason == kube.Unauthenticated; errors.Is(err, token.ErrRefused) != want {
					t.Errorf("%s: ErrRefused %t, want %t: %v", a.name, !want, want, err)
				}
				for _, w := range a.words {
					if !strings.Contains(err.Error(), w) {
						t.Errorf("%s: %q is not in: %v", a.name, w, err)
					}
				}
			}
		})
	}
}

// A server that echoes what it was sent, wherever an answer has room for it.
func TestHostileEcho(t *testing.T) {
	t.Parallel()
	details := map[string]any{
		"name": allSecrets, "group": allSecrets, "kind": allSecrets, "uid": allSecrets,
		"causes": []any{map[string]any{"reason": allSecrets, "message": allSecrets, "field": allSecrets}},
	}
	for _, code := range []int{400, 401, 403, 404, 409, 413, 422, 429, 500, 503} {
		reasons := map[int]string{400: "BadRequest", 401: "Unauthorized", 403: "Forbidden", 404: "NotFound", 409: "Conflict", 413: "RequestEntityTooLarge", 422: "Invalid", 429: "TooManyRequests", 500: "InternalError", 503: "ServiceUnavailable"}
		for form, h := range map[string]http.HandlerFunc{
			"message": status(code, reasons[code], "no: "+allSecrets, nil),
			"reason":  status(code, allSecrets, "no", nil),
			"details": status(code, reasons[code], "no", details),
			"text":    said(code, "text/plain", allSecrets),
			"page":    said(code, "text/html", "<p>"+allSecrets),
			"headers": said(code, "application/json", "{}", "Warning", `299 - "`+allSecrets+`"`, "Www-Authenticate", "Bearer "+allSecrets, "Audit-Id", allSecrets),
		} {
			for _, u := range uses {
				name := fmt.Sprintf("%s: %d with secrets in its %s", u.name, code, form)
				err := u.run(t.Context(), t, h)
				if err == nil {
					if code != 404 {
						t.Errorf("%s: no error", name)
					}
					continue
				}
				checkError(t, name, err, u.thing)
			}
		}
	}
}

// The credential of a client goes to no other host, whatever a server says.
func TestHostileRedirect(t *testing.T) {
	t.Parallel()
	var stolen, told atomic.Int64
	thief := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "" {
			stolen.Add(1)
		}
		if body, _ := io.ReadAll(r.Body); len(body) > 0 {
			told.Add(1)
		}
		reply(w, 201, goodTokenReview())
	}))
	t.Cleanup(thief.Close)
	for _, code := range []int{301, 302, 303, 307, 308} {
		for _, u := range uses {
			err := u.run(t.Context(), t, said(code, "text/html", page, "Location", thief.URL+"/x"))
			if err == nil {
				t.Errorf("%s: %d: no error", u.name, code)
				continue
			}
			t.Logf("%s: %d: %v", u.name, code, err)
			checkError(t, u.name, err, u.thing)
		}
	}
	if n := stolen.Load(); n != 0 {
		t.Errorf("%d requests reached another host with a credential", n)
	}
	if n := told.Load(); n != 0 {
		t.Errorf("%d requests reached another host with a token to review or a Secret", n)
	}
}

// A token of no known form, such as a static one, is no more repeated than a JWT.
func TestHostileEchoOpaque(t *testing.T) {
	t.Parallel()
	const opaque = "hush-Zk4tq9-static-token"
	review := goodTokenReview()
	review["status"] = map[string]any{"error": "no such token: " + opaque}
	text, _ := json.Marshal(review)
	for name, h := range map[string]http.HandlerFunc{
		"status.error":  said(201, "application/json", string(text)),
		"message":       status(500, "InternalError", opaque, nil),
		"text":          said(500, "text/plain", opaque),
		"kind":          said(201, "application/json", `{"kind":"`+opaque+`","apiVersion":"v1"}`),
		"header":        cut("HTTP/1.1 200 OK\r\n" + opaque + "\r\n\r\n"),
		"location":      said(302, "text/html", page, "Location", "https://127.0.0.1:1/?t="+opaque),
		"audience":      said(201, "application/json", `{"kind":"TokenReview","apiVersion":"authentication.k8s.io/v1","status":{"authenticated":true,"user":{"username":"x"},"audiences":["`+opaque+`"]}}`),
		"authenticated": said(201, "application/json", `{"kind":"TokenReview","apiVersion":"authentication.k8s.io/v1","status":{"authenticated":"`+opaque+`"}}`),
	} {
		s := newSite(t)
		s.answer("POST", h)
		_, err := kube.NewReviewer(s.client().AuthenticationV1().TokenReviews(), "api").Verify(t.Context(), token.NewSecret(opaque))
		if err == nil {
			t.Errorf("%s: no error", name)
			continue
		}
		t.Logf("%s: %v", name, err)
		if text := fmt.Sprintf("%v %+v %#v", err, err, err); strings.Contains(text, opaque) {
			t.Errorf("%s: the token is in: %s", name, text)
		}
	}
}

// A small answer that grows is cut, or at least does no harm.
func TestHostileSize(t *testing.T) {
	t.Parallel()
	bomb := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Encoding", "gzip")
		w.WriteHeader(201)
		z := gzip.NewWriter(w)
		z.Write([]byte(`{"kind":"TokenReview","apiVersion":"authentication.k8s.io/v1","status":{"error":"`))
		chunk := []byte(strings.Repeat("a", 1<<16))
		for range 256 { // 16 MiB
			z.Write(chunk)
		}
		z.Write([]byte(`"}}`))
		z.Close()
	}
	for _, u := range uses {
		err := u.run(t.Context(), t, bomb)
		if err == nil {
			if !u.fits("201") {
				t.Errorf("%s: no error", u.name)
			}
			continue
		}
		t.Logf("%s: %.300v", u.name, err)
		checkError(t, u.name, err, u.thing)
	}
}

// A server that is slow is given up on, and the error does not say that it is not
// running.
func TestHostileSlow(t *testing.T) {
	t.Parallel()
	// They say nothing for as long as somebody waits, however late it is.
	slowHeader := func(left <-chan struct{}) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			io.Copy(io.Discard, r.Body) // or it is not seen that the client leaves
			select {
			case <-r.Context().Done():
			case <-left:
			}
		}
	}
	slowBody := func(left <-chan struct{}) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			io.Copy(io.Discard, r.Body)
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(201)
			w.Write([]byte(`{"kind":`))
			w.(http.Flusher).Flush()
			select {
			case <-r.Context().Done():
			case <-left:
			}
		}
	}
	at := func(h http.HandlerFunc) func(<-chan struct{}) http.HandlerFunc {
		return func(<-chan struct{}) http.HandlerFunc { return h }
	}
	for name, answer := range map[string]func(left <-chan struct{}) http.HandlerFunc{
		"header": slowHeader, "body": slowBody,
		"busy for long": at(said(429, "text/plain", "Too many requests", "Retry-After", "99999")),
		"busy for ever": at(said(429, "text/plain", "Too many requests", "Retry-After", "99999999999999999999")),
		"away for long": at(said(503, "text/plain", "starting", "Retry-After", "99999")),
	} {
		for _, u := range uses {
			t.Run(name+"/"+u.name, func(t *testing.T) {
				t.Parallel()
				left := make(chan struct{})
				defer close(left) // before the site is closed, which waits for its handlers
				h := answer(left)
				ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
				defer cancel()
				err := u.run(ctx, t, h)
				if err == nil && name == "body" && u.name == "SecretStore delete" {
					return // client-go does not read what comes behind a 201 to that
				}
				if err == nil {
					t.Fatal("no error")
				}
				t.Logf("%v", err)
				if u.name == "Tokens" || u.name == "Both" { // whose attempt goes on without the caller
					return
				}
				checkError(t, name, err, u.thing)
				if strings.Contains(err.Error(), "is it running") {
					t.Errorf("it blames the server: %v", err)
				}
			})
		}
	}
}
