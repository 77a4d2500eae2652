package oauth2adapt_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/token"
)

// Answers as servers give them.
const (
	fositeReuse  = "The provided authorization grant (e.g., authorization code, resource owner credentials) or refresh token is invalid, expired, revoked, does not match the redirection URI used in the authorization request, or was issued to another client. The refresh token was already used."
	fositeRace   = "The request is missing a required parameter, includes an invalid parameter value, includes a parameter more than once, or is otherwise malformed. Failed to refresh token because of multiple concurrent requests using the same token. Please retry the request."
	dexDead      = "Refresh token is invalid or has already been claimed by another client."
	nodeDead     = "grant request is invalid"
	ourReuse     = "the refresh token was used before"
	keycloakUsed = "Maximum allowed refresh token reuse exceeded"
)

// By status, code and description.
func TestRefusals(t *testing.T) {
	t.Parallel()
	const lost, later, dead, reused = "unknown", "transient", "terminal", "reused"
	for _, test := range []struct {
		status            int
		code, description string
		want              string
	}{
		// Dead.
		{400, "invalid_grant", "", dead},
		{401, "invalid_grant", "", dead},
		{403, "invalid_grant", "Unknown or invalid refresh token.", dead}, // Auth0
		{200, "invalid_grant", "", dead},
		{400, "invalid_grant", nodeDead, dead},
		{400, "invalid_grant", "please retry", dead},
		{400, "invalid_request", "", dead},
		{401, "invalid_request", "", dead},
		{200, "invalid_request", "", dead},
		{400, "invalid_request", dexDead, dead},
		{400, "invalid_request", "Refresh token expired.", dead},                              // dex
		{200, "bad_refresh_token", "The refresh token passed is incorrect or expired.", dead}, // GitHub
		{200, "invalid_refresh_token", "", dead},                                              // Slack
		{400, "", "", dead},
		{400, "of_their_own", "", dead},
		// Used before.
		{400, "invalid_grant", fositeReuse, reused},
		{400, "invalid_grant", ourReuse, reused},
		{400, "invalid_grant", keycloakUsed, reused},
		{400, "invalid_grant", "Invalid Refresh Token: Already Used", reused},
		{400, "invalid_request", "refresh token has already been redeemed", reused},
		{400, "invalid_grant", "Token re-used", reused},
		{400, "invalid_grant", "it is expired or already used", dead},
		{400, "invalid_grant", "does not match the redirection URI used", dead},
		// Worth another try.
		{400, "invalid_request", fositeRace, later},
		{400, "invalid_request", "RETRY", later},
		{503, "temporarily_unavailable", "", later},
		{400, "temporarily_unavailable", "", later},
		{400, "slow_down", "", later},
		{503, "", "", later},
		{503, "invalid_grant", "", later},
		{429, "", "", later},
		{429, "invalid_request", "", later},
		{429, "invalid_grant", "reuse", later},
		{408, "", "", later},
		{425, "", "", later},
		// Not the token's fault.
		{401, "invalid_client", "", later},
		{400, "invalid_client", "", later},
		{200, "invalid_client", "", later},
		{400, "unauthorized_client", "", later},
		{400, "unsupported_grant_type", "", later},
		{400, "invalid_scope", "", later},
		{400, "invalid_target", "", later},
		{400, "use_dpop_nonce", "", later},
		{400, "invalid_dpop_proof", "", later},
		{401, "", "", later},
		{403, "", "", later},
		{403, "scope_not_granted", "", later}, // fosite
		{404, "", "", later},
		{405, "", "", later},
		{413, "", "", later},
		{301, "", "", later},
		{304, "", "", later},
		// Nobody knows.
		{500, "", "", lost},
		{500, "server_error", "", lost},
		{500, "invalid_request", "", lost}, // dex, whose store failed or was raced for
		{500, "invalid_grant", ourReuse, lost},
		{500, "temporarily_unavailable", "", later},
		{503, "server_error", "", lost},
		{400, "server_error", "", lost},
		{502, "", "", lost},
		{504, "", "", lost},
		{599, "", "", lost},
		{200, "of_their_own", "", lost},
		{200, "", "", lost},
		{204, "", "", lost},
		{202, "", "", lost},
	} {
		encodings := map[string]string{"empty": "", "a page": "<html><title>" + http500 + "</title>", "JSON": `{"message":"no"}`, "an object": `{"error":{"code":1}}`}
		if test.code != "" {
			j, _ := json.Marshal(map[string]string{"error": test.code, "error_description": test.description})
			encodings = map[string]string{
				"JSON": string(j),
				"form": url.Values{"error": {test.code}, "error_description": {test.description}}.Encode(),
			}
		}
		for encoding, body := range encodings {
			if test.status == 204 || test.status == 304 {
				body = ""
			}
			i := newIssuer(t, says(test.status, body, "Retry-After", "7"))
			p, err := i.exchanger().Exchange(t.Context(), old)
			e := exchanged(t, p, err)
			got := e.Outcome.String()
			if e.Reused {
				got = reused
				if e.Outcome != refresh.Terminal {
					t.Errorf("reused, and %v: %v", e.Outcome, err)
				}
			}
			if got != test.want {
				t.Errorf("%d %s %q in %s: %s, want %s (%v)", test.status, test.code, test.description, encoding, got, test.want, err)
			}
			if token.RetryAfter(err) != 7*time.Second {
				t.Errorf("%d %s: RetryAfter is %v", test.status, test.code, token.RetryAfter(err))
			}
			if !strings.Contains(err.Error(), i.URL+"/token") || !strings.Contains(err.Error(), fmt.Sprint(test.status)) {
				t.Errorf("it does not say who answered what: %v", err)
			}
			if n := i.posts.Load(); n != 1 {
				t.Errorf("%d POSTs", n)
			}
		}
	}
}

const http500 = "Internal Server Error"

// What a refusal reads like.
func TestRefusalTexts(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		status int
		body   string
		want   string
	}{
		{400, `{"error":"invalid_grant","error_description":"Token has been revoked."}`,
			`refused the refresh token (400 Bad Request, invalid_grant: "Token has been revoked."): log in again`},
		{401, `{"error":"invalid_client"}`,
			`refused the client's credential (401 Unauthorized, invalid_client): check the client's ID and secret (Config.ClientID, ClientSecret, Endpoint.AuthStyle), or what Sign adds`},
		{503, ``, `cannot answer now (503 Service Unavailable): try again later`},
		{403, ``, `refused the client (403 Forbidden): check the client's ID and secret (Config.ClientID, ClientSecret, Endpoint.AuthStyle), or what Sign adds`},
		{404, `<html>`, `did not do what it was asked (404 Not Found): is Config.Endpoint.TokenURL the token endpoint's?`},
		{599, ``, `failed, and may have spent the refresh token (599): try again later`},
		{400, `{"error":"of their own\n\u001b[31m\"","error_description":"a\tb \\ é"}`,
			`refused the refresh token (400 Bad Request, "of their own [31m": "a b"): log in again`},
		// What a server repeats of the request.
		{400, `{"error":"invalid_grant","error_description":"no such token: ` + presented + `"}`,
			`refused the refresh token (400 Bad Request, invalid_grant): log in again`},
		{400, `{"error":"invalid_grant","error_description":"no such token: ` + presented[3:11] + `"}`,
			`refused the refresh token (400 Bad Request, invalid_grant): log in again`},
		{400, `{"error":"` + presented + `"}`, `refused the refresh token (400 Bad Request): log in again`},
		{400, `{"error":"invalid_grant","error_description":"secret ` + clientSecret[:9] + `"}`,
			`refused the refresh token (400 Bad Request, invalid_grant): log in again`},
		{400, `{"error":"invalid_grant","error_description":"token ` + strings.Repeat("x", 25) + ` is unknown"}`,
			`refused the refresh token (400 Bad Request, invalid_grant: "token … is unknown"): log in again`},
		{400, `{"error":"invalid_grant","error_description":"` + strings.Repeat("x", 25) + `"}`,
			`refused the refresh token (400 Bad Request, invalid_grant): log in again`},
		{400, `{"error":"invalid_grant","error_description":"` + strings.Repeat("x", 1000) + ` too far to be read"}`,
			`refused the refresh token (400 Bad Request, invalid_grant): log in again`},
		{400, `{"error":"invalid_grant","error_description":"` + strings.Repeat("no ", 1000) + `"}`,
			`refused the refresh token (400 Bad Request, invalid_grant: "` + strings.Repeat("no ", 133) + `n…"): log in again`},
	} {
		i := newIssuer(t, says(test.status, test.body))
		p, err := i.exchanger().Exchange(t.Context(), old)
		exchanged(t, p, err)
		if want := "oauth2adapt: " + i.URL + "/token " + test.want; err.Error() != want {
			t.Errorf(" got %v\nwant %v", err, want)
		}
	}
}

// What Sign has added is as secret as the rest; what everybody may know is not.
func TestSignedIsHidden(t *testing.T) {
	t.Parallel()
	for echo, shown := range map[string]bool{
		"pR00f.0fK3y":                     false,
		"a55ert1on":                       false,
		"Y2xpOmNTM2NyZXQ":                 false, // of Authorization
		"cli-public-id":                   true,
		"the scope wr1teall is not yours": true,
	} {
		i := newIssuer(t, says(400, `{"error":"invalid_grant","error_description":"`+echo+`"}`))
		x := i.exchanger()
		x.Config.ClientID = "cli-public-id"
		x.Config.Endpoint.AuthStyle = oauth2.AuthStyleInParams
		x.Sign = func(_ context.Context, header http.Header, form url.Values) error {
			header.Set("DPoP", "x.pR00f.0fK3y")
			header.Set("Authorization", "Basic Y2xpOmNTM2NyZXQlM0ElMkIlMkYlMjYlM0QreA==")
			form.Set("client_assertion", "a55ert1on")
			form.Set("scope", "wr1teall")
			return nil
		}
		p, err := x.Exchange(t.Context(), old)
		exchanged(t, p, err)
		if strings.Contains(err.Error(), echo) != shown {
			t.Errorf("%q is shown: %t (%v)", echo, !shown, err)
		}
	}
}

// A token may have quotes and backslashes in it (RFC 6749, appendix A.17), which
// no text repeats.
func TestQuotedTokenIsHidden(t *testing.T) {
	t.Parallel()
	odd := `Qa7"Wz9\\Kd2"Pf5"Xm8` // as in the JSON
	i := newIssuer(t, says(400, `{"error":"invalid_grant","error_description":"`+strings.ReplaceAll(odd, `"`, `\"`)+` is unknown"}`))
	p, err := i.exchanger().Exchange(t.Context(), token.NewSecret(`Qa7"Wz9\Kd2"Pf5"Xm8`))
	exchanged(t, p, err)
	if strings.Contains(err.Error(), "Wz9") {
		t.Errorf("it tells the token: %v", err)
	}
}

// Retry-After, in its two forms (RFC 9110, section 10.2.3).
func TestRetryAfter(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]time.Duration{
		"":                              0,
		"0":                             0,
		"120":                           2 * time.Minute,
		"99999999":                      time.Hour,
		"-1":                            0,
		"soon":                          0,
		"Sat, 01 Jan 2000 00:00:30 GMT": 30 * time.Second,
		"Fri, 31 Dec 1999 23:00:00 GMT": 0,
		"Sat, 01 Jan 2050 00:00:00 GMT": time.Hour,
	} {
		i := newIssuer(t, says(429, "", "Retry-After", value, "Date", "Sat, 01 Jan 2000 00:00:00 GMT"))
		p, err := i.exchanger().Exchange(t.Context(), old)
		if e := exchanged(t, p, err); e.Wait != want {
			t.Errorf("%q: %v, want %v", value, e.Wait, want)
		}
	}
}
