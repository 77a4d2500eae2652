package oauth2adapt

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/tokenlife/tokenlife/internal/origin"
	"github.com/tokenlife/tokenlife/internal/panics"
	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/token"
)

// longestBody is how much of an answer is read.
const longestBody = 1 << 20

// An answer is what a token endpoint said (RFC 6749, sections 5.1 and 5.2).
type answer struct {
	access, kind, refresh, id   string
	expiresIn, refreshExpiresIn time.Duration
	code, description           string
}

// read returns what resp means.
func (p *post) read(start time.Time, resp *http.Response) (refresh.Pair, error) {
	if resp.Request != nil && origin.Of(resp.Request.URL) != origin.Of(p.request.URL) {
		return refresh.Pair{}, &refresh.ExchangeError{Err: fmt.Errorf("oauth2adapt: the answer is not from %s: the Client's Transport must not follow redirects", p.to)}
	}
	text, whole := "", false
	err := panics.Call("Exchanger.Client", func() error {
		b, err := io.ReadAll(io.LimitReader(resp.Body, longestBody+1))
		text, whole = string(b), err == nil && len(b) <= longestBody
		return err
	})
	a := parseAnswer(text, whole)
	access := a.access
	if p.idToken {
		a.access, a.kind, a.expiresIn = a.id, "", 0
	}
	success := resp.StatusCode/100 == 2
	if success && a.access != "" {
		return a.pair(), nil
	}
	if success && (a.refresh == "" || a.refresh == p.refresh) {
		a.refresh = salvage(text, whole, p.refresh)
	}
	refused := !success || a.refresh == "" && a.code != ""
	if refused && (whole || a.code != "" || judge(resp.StatusCode, a).outcome != refresh.Terminal) {
		return refresh.Pair{}, p.refusal(resp, a)
	}
	lost := &refresh.ExchangeError{Outcome: refresh.Unknown, Wait: token.RetryAfterHeader(resp.Header), Refresh: a.pair().Refresh}
	switch {
	case err != nil:
		lost.Err = sentence(start, "no whole answer from "+p.to+", which may have spent the refresh token", p.hides.from(err))
	case p.idToken && access != "":
		if a.refresh == "" && whole {
			lost.Outcome = refresh.Transient // the one presented stays good
		}
		lost.Err = fmt.Errorf("oauth2adapt: there is an access token in the answer of %s, but no ID token: log in with the scope openid, or, if the issuer gives ID tokens to logins only, use another one", p.to)
	case !whole:
		lost.Err = fmt.Errorf("oauth2adapt: the answer of %s is longer than %d bytes: is Config.Endpoint.TokenURL the token endpoint's?", p.to, longestBody)
	default:
		lost.Err = fmt.Errorf("oauth2adapt: there is no usable access token in the answer of %s (%s): is Config.Endpoint.TokenURL the token endpoint's?", p.to, status(resp.StatusCode))
	}
	return refresh.Pair{}, lost
}

// pair returns the Pair of an answer with an access token.
func (a answer) pair() (p refresh.Pair) {
	if a.access != "" {
		p.Access = token.New(token.NewSecret(a.access))
		p.Access.Type = a.kind
		p.Access.ExpiresIn = a.expiresIn
		if a.expiresIn == 0 {
			p.Access.ExpiresIn = lives(p.Access) // it was issued for this answer
		}
	}
	if a.refresh != "" {
		p.Refresh = token.Token{Value: token.NewSecret(a.refresh), ExpiresIn: a.refreshExpiresIn}
	}
	return p
}

// parseAnswer reads an answer in JSON, or in the form encoding that some servers
// answer in, whatever they call it. It is lenient, for strictness would cost the
// login: the token presented may be spent. What it cannot read is missing.
func parseAnswer(text string, whole bool) (a answer) {
	text = strings.TrimSpace(strings.TrimPrefix(text, "\ufeff"))
	get := func(name string) string { return "" }
	if strings.HasPrefix(text, "{") {
		var members map[string]json.RawMessage
		if json.NewDecoder(strings.NewReader(text)).Decode(&members) != nil {
			return answer{}
		}
		get = func(name string) (s string) {
			if raw := members[name]; json.Unmarshal(raw, &s) != nil && len(raw) > 0 && (raw[0] == '-' || raw[0] >= '0' && raw[0] <= '9') {
				return string(raw) // a number
			}
			return s
		}
	} else if whole {
		// In one that is not, who knows what is missing of the last value.
		form, _ := url.ParseQuery(text)
		get = form.Get
	}
	a.access, a.kind = get("access_token"), get("token_type")
	if !sendable(a.access) {
		a.access = ""
	}
	if !sendable(a.kind) || strings.EqualFold(a.kind, "bearer") {
		a.kind = ""
	}
	if id := get("id_token"); isIDToken(id) {
		a.id = id
	}
	if refresh := get("refresh_token"); keepable(refresh) {
		a.refresh = refresh
	}
	a.expiresIn = seconds(get("expires_in"))
	a.refreshExpiresIn = refreshExpiresIn(get)
	a.code, a.description = get("error"), get("error_description")
	return a
}

// refreshExpiresIn returns how long the refresh token lives, which no RFC has a
// name for.
func refreshExpiresIn(get func(name string) string) time.Duration {
	for _, name := range []string{
		"refresh_token_expires_in", // of GitHub and Microsoft
		"refresh_expires_in",       // of Keycloak
		"x_refresh_token_expires_in",
	} {
		if d := seconds(get(name)); d > 0 {
			return d
		}
	}
	return 0
}

// seconds reads a number of seconds. Servers that mean no end say 0, or less.
func seconds(text string) time.Duration {
	s, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	switch {
	case err != nil && !math.IsInf(s, 1) || !(s > 0):
		return 0
	case s >= float64(math.MaxInt64/time.Second):
		return math.MaxInt64
	}
	return max(1, time.Duration(s*float64(time.Second)))
}

// sendable reports whether a header can carry s.
func sendable(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' })
}

// isIDToken reports whether s can be sent as an ID token, which is a JWT.
func isIDToken(s string) bool {
	info, err := token.Inspect(token.NewSecret(s))
	return err == nil && info.Format == token.JWT && sendable(s)
}

// lives returns the life of a token that has just been issued, as it says itself; 0 if
// it does not. One that was issued in another time than this, which no clock is thought
// to be off by, is not believed: it has until its end, by this machine's clock.
func lives(t token.Token) time.Duration {
	if t.IssuedAt.IsZero() || !t.Expiry.After(t.IssuedAt) {
		return 0
	}
	if now := time.Now(); now.Sub(t.IssuedAt) > farthest {
		return notZero(t.Expiry.Sub(now))
	}
	return t.Expiry.Sub(t.IssuedAt)
}

// farthest is how far a clock may be off.
const farthest = 24 * time.Hour

// keepable reports whether s is as it was sent: what was not UTF-8 no longer is,
// and would be stored as another token.
func keepable(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f || r == unicode.ReplacementChar })
}

var (
	memberRefresh = regexp.MustCompile(`"refresh_token"\s*:\s*("(?:[^"\\]|\\.)*")`)
	fieldRefresh  = regexp.MustCompile(`(?:^|&)refresh_token=([^&\s]+)(&|$)`)
)

// salvage returns the refresh token in an answer that cannot be read otherwise,
// if there is one, besides the one presented, and one only, and to its last
// character.
func salvage(text string, whole bool, presented string) (found string) {
	if !strings.Contains(text, "refresh_token") {
		return "" // as nearly always, and found out faster
	}
	var all []string
	for _, m := range memberRefresh.FindAllStringSubmatch(text, -1) {
		var s string
		json.Unmarshal([]byte(m[1]), &s) // if it cannot be, it is empty
		all = append(all, s)
	}
	for _, m := range fieldRefresh.FindAllStringSubmatch(strings.TrimSpace(text), -1) {
		if m[2] == "" && !whole {
			continue // cut, and maybe within the token
		}
		s, _ := url.QueryUnescape(m[1])
		all = append(all, s)
	}
	for _, s := range all {
		switch {
		case !keepable(s) || s == presented || s == found:
		case found != "":
			return ""
		default:
			found = s
		}
	}
	return found
}
