package introspect_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/tokenlife/tokenlife/token"
)

// where the issuer of the tests is.
const where = "http://127.0.0.1:8080"

// What the endpoint can answer instead, to either question.
func TestFailures(t *testing.T) {
	t.Parallel()
	at := map[string]string{"Verifier": where + "/introspect", "Revoker": where + "/revoke"}
	for _, test := range []struct {
		name    string
		status  int
		body    string
		header  http.Header
		refused bool // our own credential
		retry   time.Duration
		want    string // behind the prefix, of the owner and where its endpoint is
	}{
		{name: "401", status: 401, body: `{"error":"invalid_client","error_description":"` + canary + `"}`, refused: true,
			want: "%[2]s refused this service's own credential (401 Unauthorized, invalid_client): check %[1]s.Auth, and at the server what it may do"},
		{name: "401 with nothing", status: 401, refused: true,
			want: "%[2]s refused this service's own credential (401 Unauthorized): check %[1]s.Auth, and at the server what it may do"},
		{name: "403", status: 403, body: canary, refused: true,
			want: "%[2]s refused this service's own credential (403 Forbidden): check %[1]s.Auth, and at the server what it may do"},
		{name: "invalid_client", status: 400, body: `{"error":"invalid_client"}`, refused: true,
			want: "%[2]s refused this service's own credential (400 Bad Request, invalid_client): check %[1]s.Auth, and at the server what it may do"},
		{name: "unauthorized_client", status: 400, body: `{"error":"unauthorized_client"}`, refused: true,
			want: "%[2]s refused this service's own credential (400 Bad Request, unauthorized_client): check %[1]s.Auth, and at the server what it may do"},
		{name: "invalid_scope", status: 400, body: `{"error":"invalid_scope"}`,
			want: "%[2]s did not do what it was asked (400 Bad Request, invalid_scope): is %[1]s.URL the endpoint's?"},
		{name: "unknown error", status: 400, body: `{"error":"` + canary + `"}`,
			want: "%[2]s did not do what it was asked (400 Bad Request): is %[1]s.URL the endpoint's?"},
		{name: "error twice", status: 400, body: `{"error":"invalid_client","error":"invalid_client"}`,
			want: "%[2]s did not do what it was asked (400 Bad Request): is %[1]s.URL the endpoint's?"},
		{name: "404", status: 404, body: "not found",
			want: "%[2]s did not do what it was asked (404 Not Found): is %[1]s.URL the endpoint's?"},
		{name: "a status of its own", status: 299,
			want: "%[2]s did not do what it was asked (299): is %[1]s.URL the endpoint's?"},
		{name: "429", status: 429, header: http.Header{"Retry-After": {"7"}}, retry: 7 * time.Second,
			want: "%[2]s cannot answer now (429 Too Many Requests): try again later"},
		{name: "500", status: 500, body: `{"error":"server_error"}`,
			want: "%[2]s cannot answer now (500 Internal Server Error, server_error): try again later"},
		{name: "503", status: 503, header: http.Header{"Retry-After": {"120"}}, retry: 2 * time.Minute,
			want: "%[2]s cannot answer now (503 Service Unavailable): try again later"},
		{name: "503 until a date", status: 503, retry: 90 * time.Second,
			header: http.Header{"Date": {"Sun, 06 Nov 1994 08:48:07 GMT"}, "Retry-After": {"Sun, 06 Nov 1994 08:49:37 GMT"}},
			want:   "%[2]s cannot answer now (503 Service Unavailable): try again later"},
		{name: "503 until a date that has passed", status: 503,
			header: http.Header{"Date": {"Sun, 06 Nov 1994 08:50:07 GMT"}, "Retry-After": {"Sun, 06 Nov 1994 08:49:37 GMT"}},
			want:   "%[2]s cannot answer now (503 Service Unavailable): try again later"},
		{name: "503 for a year", status: 503, header: http.Header{"Retry-After": {"31536000"}}, retry: time.Hour,
			want: "%[2]s cannot answer now (503 Service Unavailable): try again later"},
		{name: "503 for nonsense", status: 503, header: http.Header{"Retry-After": {"-5"}},
			want: "%[2]s cannot answer now (503 Service Unavailable): try again later"},
		{name: "503 for longer than a Duration", status: 503, header: http.Header{"Retry-After": {"9999999999999"}},
			want: "%[2]s cannot answer now (503 Service Unavailable): try again later"},
		{name: "503 for ever", status: 503, header: http.Header{"Retry-After": {"99999999999999999999"}},
			want: "%[2]s cannot answer now (503 Service Unavailable): try again later"},
		{name: "redirect", status: 307, header: http.Header{"Location": {"http://127.0.0.1:8081/" + canary}},
			want: "%[2]s redirects (307 Temporary Redirect), which is not followed: set %[1]s.URL to where the endpoint is"},
		{name: "redirect on the same host", status: 308, header: http.Header{"Location": {"/introspect"}},
			want: "%[2]s redirects (308 Permanent Redirect), which is not followed: set %[1]s.URL to where the endpoint is"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			i := &issuer{handler: func(w http.ResponseWriter, r *http.Request) {
				for key, values := range test.header {
					w.Header()[key] = values
				}
				says(test.status, test.body)(w, r)
			}}
			claims, verifyErr := i.verifier(t).Verify(t.Context(), secret)
			revokeErr := i.revoker(t).Revoke(t.Context(), secret, "")
			if claims.Subject != "" {
				t.Errorf("claims %v", claims)
			}
			for owner, err := range map[string]error{"Verifier": verifyErr, "Revoker": revokeErr} {
				prefix := map[string]string{"Verifier": "introspect: ", "Revoker": "introspect: not revoked, so that the token may still be good: "}[owner]
				if want := prefix + fmt.Sprintf(test.want+"%.0[1]s", owner, at[owner]); fmt.Sprint(err) != want {
					t.Errorf(" got %v\nwant %v", err, want)
				}
				if errors.Is(err, token.ErrRefused) != test.refused || errors.Is(err, token.ErrInvalid) {
					t.Errorf("%s: ErrRefused %t, ErrInvalid %t", owner, errors.Is(err, token.ErrRefused), errors.Is(err, token.ErrInvalid))
				}
				var retry time.Duration
				if e, ok := errors.AsType[interface {
					error
					RetryAfter() time.Duration
				}](err); ok {
					retry = e.RetryAfter()
				}
				if retry != test.retry {
					t.Errorf("%s: RetryAfter() = %v, want %v", owner, retry, test.retry)
				}
				checkError(t, err)
			}
			if n := len(i.got()); n != 2 {
				t.Errorf("%d requests, want one each", n)
			}

			r := httptest.NewRequest("GET", "/", nil)
			r.Header.Set("Authorization", "Bearer "+presented)
			w := httptest.NewRecorder()
			token.Require(&token.VerifierCache{Verifier: i.verifier(t)}, http.NotFoundHandler()).ServeHTTP(w, r)
			if w.Code != 503 || w.Header().Get("WWW-Authenticate") != "" {
				t.Errorf("Require answers %d, %q", w.Code, w.Header().Get("WWW-Authenticate"))
			}
			if got, want := w.Header().Get("Retry-After"), fmt.Sprintf("%.0f", test.retry.Seconds()); test.retry > 0 && got != want || test.retry == 0 && got != "" {
				t.Errorf("Retry-After: %q, want %q", got, want)
			}
		})
	}
}

// What an endpoint says of the token rather than of us.
func TestFailuresOfTheToken(t *testing.T) {
	t.Parallel()
	for code, test := range map[string]struct {
		invalid        bool
		verify, revoke string
	}{
		"unsupported_token_type": {true,
			"token: invalid: " + where + "/introspect does not judge tokens of this kind",
			where + "/revoke does not do that with tokens of this kind (400 Bad Request, unsupported_token_type)"},
		"invalid_request": {false,
			"introspect: " + where + "/introspect did not do what it was asked (400 Bad Request, invalid_request): is Verifier.URL the endpoint's?",
			where + "/revoke refuses (400 Bad Request, invalid_request): was the token issued to the client that Revoker.Auth speaks for?"},
	} {
		i := &issuer{handler: says(400, `{"error":"`+code+`"}`)}
		_, err := i.verifier(t).Verify(t.Context(), secret)
		if errors.Is(err, token.ErrInvalid) != test.invalid || errors.Is(err, token.ErrRefused) || fmt.Sprint(err) != test.verify {
			t.Errorf("%s: %v", code, err)
		}
		err = i.revoker(t).Revoke(t.Context(), secret, "")
		if errors.Is(err, token.ErrInvalid) || errors.Is(err, token.ErrRefused) || fmt.Sprint(err) != "introspect: not revoked, so that the token may still be good: "+test.revoke {
			t.Errorf("%s: %v", code, err)
		}
	}
}

// A client whose transport follows redirects is found out.
func TestElsewhere(t *testing.T) {
	t.Parallel()
	i := &issuer{handler: says(200, `{"active":true}`)}
	v := i.verifier(t)
	inner := v.Client.Transport
	v.URL = "https://issuer.example/introspect"
	v.Client.Transport = roundTripper(func(r *http.Request) (*http.Response, error) {
		r = r.Clone(r.Context())
		r.URL.Scheme, r.URL.Host = "http", "127.0.0.1:8080"
		return inner.RoundTrip(r)
	})
	_, err := v.Verify(t.Context(), secret)
	if err == nil || errors.Is(err, token.ErrInvalid) || err.Error() != "introspect: the answer is not from https://issuer.example/introspect: the Client's Transport must not follow redirects" {
		t.Errorf("%v", err)
	}
}

// The caller's client is not changed.
func TestClientIsCopied(t *testing.T) {
	t.Parallel()
	i := &issuer{handler: says(302, "")}
	v := i.verifier(t)
	v.Verify(t.Context(), secret)
	if v.Client.CheckRedirect != nil {
		t.Error("the caller's client no longer follows redirects")
	}
}
