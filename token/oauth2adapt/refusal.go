package oauth2adapt

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/token"
)

// A rule says what an answer without an access token means. It fits if each of
// its conditions does; an empty one always does.
type rule struct {
	codes    []string       // the error of RFC 6749, section 5.2
	statuses []int          // of HTTP; one below 100 is a class, as in 5 for 5xx
	says     *regexp.Regexp // in the description

	outcome refresh.Outcome
	did     string // what the endpoint did
	todo    string
}

// rules are tried in this order, and the last fits everything. Servers do not
// agree on more than invalid_grant, and some not on that: these are the answers
// seen of dex, Ory Hydra, node-oidc-provider, Keycloak, Auth0, GitHub and Slack.
var rules = []rule{
	// A server that failed may have done so after it had spent the token.
	{codes: []string{"server_error"}, outcome: refresh.Unknown,
		did: "failed, and may have spent the refresh token", todo: laterHint},
	{codes: []string{"temporarily_unavailable", "slow_down"}, outcome: refresh.Transient,
		did: "cannot answer now", todo: laterHint},
	{statuses: []int{408, 425, 429, 503}, outcome: refresh.Transient,
		did: "cannot answer now", todo: laterHint},
	// Whatever it calls it: dex has invalid_request for trouble with its store.
	{statuses: []int{5}, outcome: refresh.Unknown,
		did: "failed, and may have spent the refresh token", todo: laterHint},

	{codes: []string{"invalid_grant"}, outcome: refresh.Terminal,
		did: refusedToken, todo: loginHint},
	// The loser of a race at Ory Hydra is told to retry. For dex this is what a
	// token is that has expired or was used before.
	{codes: []string{"invalid_request"}, says: regexp.MustCompile(`(?i)\bretry\b|try again later`), outcome: refresh.Transient,
		did: "asks to retry", todo: laterHint},
	{codes: []string{"invalid_request"}, outcome: refresh.Terminal,
		did: refusedToken, todo: loginHint},
	// Of GitHub, with status 200; of Slack, likewise; and of some others.
	{codes: []string{"bad_refresh_token", "invalid_refresh_token", "invalid_token", "token_expired", "expired_token", "token_revoked"}, outcome: refresh.Terminal,
		did: refusedToken, todo: loginHint},

	// What is wrong here is not the refresh token, and it can be put right.
	{codes: []string{"invalid_client"}, outcome: refresh.Transient,
		did: "refused the client's credential", todo: "check the client's ID and secret (Config.ClientID, ClientSecret, Endpoint.AuthStyle), or what Sign adds"},
	{codes: []string{"unauthorized_client", "unsupported_grant_type"}, outcome: refresh.Transient,
		did: "does not exchange refresh tokens for this client", todo: "allow the client the refresh_token grant there"},
	{codes: []string{"invalid_scope", "invalid_target"}, outcome: refresh.Transient,
		did: "refused what was asked for", todo: "check what Sign adds"},
	{codes: []string{"invalid_dpop_proof"}, outcome: refresh.Transient,
		did: "refused the DPoP proof", todo: "check what Sign adds"},
	{codes: []string{"use_dpop_nonce"}, outcome: refresh.Transient,
		did: "wants its nonce in the DPoP proof", todo: "let the Client's Transport note the DPoP-Nonce of each answer, and Sign use it"},

	{statuses: []int{2}, outcome: refresh.Unknown,
		did: "answered with an error that is not known, and may have spent the refresh token", todo: laterHint},
	{statuses: []int{400}, outcome: refresh.Terminal,
		did: refusedToken, todo: loginHint},
	{statuses: []int{3}, outcome: refresh.Transient,
		did: "redirects, which is not followed", todo: "set Config.Endpoint.TokenURL to where the endpoint is"},
	{statuses: []int{401, 403}, outcome: refresh.Transient,
		did: "refused the client", todo: "check the client's ID and secret (Config.ClientID, ClientSecret, Endpoint.AuthStyle), or what Sign adds"},
	{outcome: refresh.Transient,
		did: "did not do what it was asked", todo: "is Config.Endpoint.TokenURL the token endpoint's?"},
}

const (
	refusedToken = "refused the refresh token"
	loginHint    = "log in again"
	laterHint    = "try again later"
)

func (r *rule) fits(code int, a answer) bool {
	return (r.codes == nil || slices.Contains(r.codes, a.code)) &&
		(r.statuses == nil || slices.Contains(r.statuses, code) || slices.Contains(r.statuses, code/100)) &&
		(r.says == nil || r.says.MatchString(a.description))
}

// judge returns the rule for an answer.
func judge(code int, a answer) *rule {
	i := slices.IndexFunc(rules, func(r rule) bool { return r.fits(code, a) })
	return &rules[i]
}

// known reports whether there is a rule for an error code, which is then none of
// a server's own making.
func known(code string) bool {
	return slices.ContainsFunc(rules, func(r rule) bool { return slices.Contains(r.codes, code) })
}

// used is how servers say that a refresh token had been used before.
var used = regexp.MustCompile(`(?i)\bre-?use|\balready (been )?(used|redeemed|rotated)|\bused (before|already|more than once)`)

// reused reports whether a description says so, rather than that it may be so:
// "expired or already used".
func reused(description string) bool {
	for sentence := range strings.SplitSeq(description, ".") {
		if used.MatchString(sentence) && !strings.Contains(strings.ToLower(sentence), " or ") {
			return true
		}
	}
	return false
}

// refusal returns the error for an answer that is not the one hoped for.
func (p *post) refusal(resp *http.Response, a answer) error {
	r := judge(resp.StatusCode, a)
	said := status(resp.StatusCode)
	if known(a.code) {
		said += ", " + a.code
	} else {
		said += p.hides.quote(", ", a.code)
	}
	said += p.hides.quote(": ", a.description)
	err := fmt.Errorf("oauth2adapt: %s %s (%s): %s", p.to, r.did, said, r.todo)
	if r.outcome == refresh.Terminal {
		err = token.Refused(err)
	}
	return &refresh.ExchangeError{
		Outcome: r.outcome,
		Reused:  r.outcome == refresh.Terminal && reused(a.description),
		Wait:    token.RetryAfterHeader(resp.Header),
		Err:     err,
	}
}

// status names an HTTP status.
func status(code int) string {
	return strings.TrimSpace(strconv.Itoa(code) + " " + http.StatusText(code))
}
