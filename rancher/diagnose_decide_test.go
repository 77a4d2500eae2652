package rancher

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tokenlife/tokenlife/token"
)

// What is found out from facts that no fake server gives together.
func TestV3Decide(t *testing.T) {
	t.Parallel()
	made := time.Date(2026, 9, 1, 12, 0, 0, 0, time.UTC)
	at := func(d time.Duration) clocks {
		return clocks{sent: made.Add(d), received: made.Add(d), date: made.Add(d)}
	}
	good := seen{what: "the probe", status: 200, auth: "true"}
	bad := seen{what: "the probe", status: 401, auth: "false"}
	known := form{name: "token-7d9xk"}
	place := func(status int, auth string) seen { return seen{what: "the place", status: status, auth: auth} }
	record := func(change func(*V3Token)) *V3Token {
		r := &V3Token{Name: "token-7d9xk", Provider: "github", Created: made, Lifetime: time.Hour, Enabled: true, Derived: true}
		change(r)
		return r
	}
	const (
		behind  = "probably: the token is good, and what answers at this URL does not take it: a cluster's own endpoint, which knows a token only some time after it is made and by the cluster's own clock, or a proxy that takes the header Authorization off"
		notNow  = "probably: the token is good now: the server refused it for a moment, as Rancher does while its own store cannot be read"
		wasAway = "probably: the token is good: the server, or a proxy before it, was away when the call failed"
		alike   = "probably: the token has expired, was deleted or logged out, is another Rancher's, was idle for too long, is confined to a cluster, or it, its user or their provider is disabled: Rancher answers all of these alike"
		secret  = "probably: the secret is not that of the token token-7d9xk: the server knows a token of that name, which is enabled and has not expired"
		skewed  = "probably: this machine's clock is ahead of the server's, so whoever compares a token's expiry with it is wrong"
		nearEnd = "probably: the token is less than a minute from its end, where it is a matter of clocks, those of Rancher's own machines among them, whether it is still good"
	)
	for _, test := range []struct {
		name  string
		facts v3Facts
		want  []string
	}{
		{"fine", v3Facts{form: known, probe: good}, nil},
		{"fine, and the default was another once", v3Facts{form: known, probe: good, clocks: at(0),
			settings: map[string]Setting{maxSetting: {Name: maxSetting, Value: "129600", Source: "default"}},
			record:   record(func(r *V3Token) { r.Lifetime = 90 * 24 * time.Hour })}, nil},
		{"a 401 of what is behind Rancher", v3Facts{form: known, probe: good, place: place(401, "true")}, []string{behind}},
		{"a 401 at one URL", v3Facts{form: known, probe: good, place: place(401, "false")}, []string{behind}},
		{"no such URL", v3Facts{form: known, probe: good, place: place(404, "true")},
			[]string{"probably: the token is good: there is no such thing at this URL, or its user may not see it, which Rancher answers alike"}},
		{"a request that is wrong", v3Facts{form: known, probe: good, place: place(422, "true")},
			[]string{"probably: the token is good: it is the request that the server does not take"}},
		{"a cluster that is away", v3Facts{form: known, probe: good, place: place(503, "true")},
			[]string{"certain: the token is good: what answers at this URL is away, or in trouble"}},
		{"CSRF at the URL", v3Facts{form: known, probe: good, place: seen{what: "the place", status: 422, auth: "true", code: "InvalidCSRFToken"}},
			[]string{"probably: the token is not what was refused: the server takes the caller for a browser, by its User-Agent, and misses the cookie CSRF in the header X-API-CSRF"}},
		{"a call that failed while it was away", v3Facts{form: known, probe: good, err: &Error{Op: "x", Err: ErrUnavailable}}, []string{wasAway}},
		{"a call that took too long", v3Facts{form: known, probe: good, err: context.DeadlineExceeded}, []string{wasAway}},
		{"a call that was refused for a moment", v3Facts{form: known, probe: good, err: &Error{Op: "x", Status: 401, Err: ErrNotAuthenticated}}, []string{notNow}},
		{"an error of somebody else", v3Facts{form: known, probe: good, err: errors.New("no")}, nil},
		{"good, and near its end", v3Facts{form: known, probe: good, clocks: at(59*time.Minute + 30*time.Second), life: life{created: made, granted: time.Hour}}, []string{nearEnd}},
		{"what is asked often", v3Facts{form: known, probe: seen{what: "the probe", status: 429}},
			[]string{"certain: the server, or a proxy before it, wants to be asked less often"}},
		{"no Rancher 2.x", v3Facts{form: known, probe: seen{what: "the probe", status: 404}},
			[]string{"probably: the server has said nothing of the token: it is perhaps no Rancher 2.x"}},
		{"refused as Kubernetes refuses", v3Facts{form: known, probe: seen{what: "the probe", status: 403, stranger: errored}}, []string{alike}},
		{"refused before its end", v3Facts{form: known, probe: bad, clocks: at(time.Minute), life: life{created: made, granted: time.Hour}},
			[]string{"probably: the token was refused before its end: it was deleted or logged out, is another Rancher's, was idle for too long, is confined to a cluster, or it, its user or their provider is disabled, which Rancher answers alike"}},
		{"refused before the end that was asked for", v3Facts{form: known, probe: bad, clocks: at(time.Minute), life: life{created: made, granted: time.Hour, asked: time.Hour, guessed: true}},
			[]string{"probably: the token has expired, if less was granted than was asked for, or it was deleted or logged out, is another Rancher's, was idle for too long, is confined to a cluster, or it, its user or their provider is disabled: Rancher answers all of these alike"}},
		{"of ext, where there are such tokens", v3Facts{form: form{name: "token-7d9xk", ext: true}, probe: bad, server: Product{Version: "v2.13.1"}}, []string{alike}},
		{"of ext, and who knows of what version", v3Facts{form: form{name: "token-7d9xk", ext: true}, probe: bad}, []string{alike}},
		{"over by a clock that the record contradicts", v3Facts{form: known, probe: bad, clocks: at(3 * time.Hour), record: record(func(*V3Token) {})},
			[]string{"probably: the token has expired 2h0m0s ago"}},
		{"expired by the record, and not by the clock", v3Facts{form: known, probe: bad, clocks: at(0), record: record(func(r *V3Token) { r.Expired = true })},
			[]string{"certain: the token has expired"}},
		{"near its end by the record", v3Facts{form: known, probe: bad, clocks: at(time.Hour), record: record(func(*V3Token) {})}, []string{nearEnd}},
		{"expired, disabled, and its user too", v3Facts{form: known, probe: bad, clocks: at(3 * time.Hour), disabled: true,
			record: record(func(r *V3Token) { r.Expired, r.Enabled, r.Provider = true, false, "local" })},
			[]string{"certain: the token has expired 2h0m0s ago",
				"certain: the token is disabled, probably by an administrator: for local users there is no provider that could be asked, and say that they have no access",
				"certain: the user is disabled, so every token of theirs is refused"}},
		{"disabled, and others are not", v3Facts{form: known, probe: bad, clocks: at(0), record: record(func(r *V3Token) { r.Enabled = false }),
			siblings: []V3Token{{Name: "token-7d9xk", Derived: true}, {Name: "a", Derived: true, Enabled: true}, {Name: "b", Derived: true}}},
			[]string{"certain: the token is disabled, probably by an administrator: the refresh of a provider would have disabled all of the user's"}},
		{"a record that has nothing wrong", v3Facts{form: known, probe: bad, clocks: at(0), record: record(func(*V3Token) {})}, []string{secret}},
		{"hidden local users", v3Facts{form: known, probe: bad, clocks: at(0), providers: []string{"github"}, record: record(func(r *V3Token) { r.Provider = "local" })}, []string{secret}},
		{"no provider at all", v3Facts{form: known, probe: bad, clocks: at(0), providers: []string{}, record: record(func(*V3Token) {})},
			[]string{"probably: the provider github, by which the token came, is not enabled any more, so every token of its users is refused"}},
		{"a provider that is gone", v3Facts{form: known, probe: bad, clocks: at(0), providers: []string{"okta"}, record: record(func(*V3Token) {})},
			[]string{"certain: the provider github, by which the token came, is not enabled any more, so every token of its users is refused"}},
		{"confined, and refused there too", v3Facts{form: known, probe: bad, clocks: at(0), inside: bad, record: record(func(r *V3Token) { r.Cluster = "c-x" })}, []string{secret}},
		{"confined, and nobody answers there", v3Facts{form: known, probe: bad, clocks: at(0), inside: seen{what: "the cluster", err: errors.New("no")}, record: record(func(r *V3Token) { r.Cluster = "c-x" })},
			[]string{"probably: the token is good, but only for the cluster c-x; anywhere else it is answered like one that is not"}},
		{"a session that nobody was active in, by the setting", v3Facts{form: known, probe: bad, clocks: at(30 * time.Minute),
			settings: map[string]Setting{idleSetting: {Name: idleSetting, Value: "10", Source: "env"}},
			record:   record(func(r *V3Token) { r.Derived, r.LastActive = false, made })},
			[]string{"certain: the session was idle for too long: calls do not count as activity, only a UserActivity does, and once there has been one, there must be others",
				"certain: the setting auth-user-session-idle-ttl-minutes is overridden by the server's environment: what anybody sets is ignored, and after each restart looks as if it had been lost"}},
		{"a session that nobody was active in, if that is the server's clock", v3Facts{form: known, probe: bad,
			clocks:   clocks{sent: made.Add(5 * time.Minute), received: made.Add(5 * time.Minute), date: made.Add(30 * time.Minute)},
			settings: map[string]Setting{idleSetting: {Name: idleSetting, Value: "10"}},
			record:   record(func(r *V3Token) { r.Derived, r.LastActive = false, made })},
			[]string{"probably: the session was idle for too long: calls do not count as activity, only a UserActivity does, and once there has been one, there must be others"}},
		{"a session that has ended, as the server says", v3Facts{form: known, probe: bad, clocks: at(30 * time.Minute), deserted: true,
			settings: map[string]Setting{idleSetting: {Name: idleSetting, Value: "60"}},
			record:   record(func(r *V3Token) { r.Derived, r.LastActive = false, made })},
			[]string{"certain: the session was idle for too long: calls do not count as activity, only a UserActivity does, and once there has been one, there must be others"}},
		{"a session without activity", v3Facts{form: known, probe: bad, clocks: at(30 * time.Minute),
			settings: map[string]Setting{idleSetting: {Name: idleSetting, Value: "10"}}, record: record(func(r *V3Token) { r.Derived = false })}, []string{secret}},
		{"a session where there is no idle limit", v3Facts{form: known, probe: bad, clocks: at(30 * time.Minute),
			settings: map[string]Setting{idleSetting: {Name: idleSetting, Value: "0"}}, record: record(func(r *V3Token) { r.Derived, r.LastActive = false, made })}, []string{secret}},
		{"an API key is never idle", v3Facts{form: known, probe: bad, clocks: at(30 * time.Minute),
			settings: map[string]Setting{idleSetting: {Name: idleSetting, Value: "10"}}, record: record(func(r *V3Token) { r.LastActive = made })}, []string{secret}},
		{"a login that was granted less than it asked for", v3Facts{form: known, probe: good, clocks: at(0), life: life{asked: 2 * time.Hour}, record: record(func(r *V3Token) { r.Derived = false })},
			[]string{"probably: the token lives shorter than asked for: what a login asks for is not looked at"}},
		{"a login that was granted less, as the setting says", v3Facts{form: known, probe: good, clocks: at(0), life: life{asked: 2 * time.Hour}, record: record(func(r *V3Token) { r.Derived = false }),
			settings: map[string]Setting{sessionSetting: {Name: sessionSetting, Value: "60"}}},
			[]string{"certain: the token lives shorter than asked for: what a login asks for is not looked at"}},
		{"granted less, and not as the setting says now", v3Facts{form: known, probe: good, clocks: at(0), life: life{asked: 2 * time.Hour}, record: record(func(*V3Token) {}),
			settings: map[string]Setting{maxSetting: {Name: maxSetting, Value: "0"}}},
			[]string{"probably: the token lives shorter than asked for: the server shortens lives to its maximum without a word"}},
		{"granted less, as the setting says, and there is no record", v3Facts{form: known, probe: good, clocks: at(0), life: life{created: made, granted: time.Hour, asked: 2 * time.Hour},
			settings: map[string]Setting{maxSetting: {Name: maxSetting, Value: "60"}}},
			[]string{"probably: the token lives shorter than asked for: the server shortens lives to its maximum without a word"}},
		{"a Rancher 1.6 that refuses", v3Facts{form: known, server: Product{V2Beta: true}, probe: seen{what: "the probe", status: 401, code: "Unauthorized"}},
			[]string{"certain: the server is Rancher 1.6, and is asked as a Rancher 2.x"}},
		{"a Rancher 1.6, or another behind its name", v3Facts{form: known, server: Product{V2Beta: true}, probe: seen{what: "the probe", status: 401}},
			[]string{"probably: the server is Rancher 1.6, and is asked as a Rancher 2.x"}},
		{"granted as asked for, less what the call took", v3Facts{form: known, probe: good, clocks: at(0), life: life{created: made, granted: time.Hour - time.Second, asked: time.Hour}}, nil},
		{"expired, and the clock is off as well", v3Facts{form: known, probe: bad, life: life{created: made, granted: time.Hour},
			clocks: clocks{sent: made.Add(9 * time.Hour), received: made.Add(9 * time.Hour), date: made.Add(3 * time.Hour)}},
			[]string{"certain: the token has expired 2h0m0s ago", skewed}},
		{"expired as a default says that an upgrade has brought", v3Facts{form: known, probe: bad, clocks: at(100 * 24 * time.Hour),
			settings: map[string]Setting{maxSetting: {Name: maxSetting, Value: "129600", Source: "default"}},
			record:   record(func(r *V3Token) { r.Lifetime, r.Expired = 90*24*time.Hour, true })},
			[]string{"certain: the token has expired 240h0m0s ago", "probably: nobody has set auth-token-max-ttl-minutes, so it is what an upgrade of Rancher has made it"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			d := test.facts.findings()
			if diff := cmp.Diff(test.want, causes(d)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			for _, f := range d {
				if f.Remedy == "" || len(f.Evidence) == 0 {
					t.Errorf("%+v: there is no remedy, or no evidence", f)
				}
				if l := test.facts.life; l.known() && !l.guessed && strings.Contains(f.Remedy, "in the Suspect") {
					t.Errorf("%+v: the Suspect has said that", f)
				}
			}
		})
	}
}

// A life that is only asked for is what the setting makes of it.
func TestV3Guess(t *testing.T) {
	t.Parallel()
	max := map[string]Setting{maxSetting: {Name: maxSetting, Value: "60"}}
	for _, test := range []struct {
		name  string
		facts v3Facts
		want  time.Duration
	}{
		{"within the maximum", v3Facts{life: life{asked: time.Minute}, settings: max}, time.Minute},
		{"beyond it", v3Facts{life: life{asked: 2 * time.Hour}, settings: max}, time.Hour},
		{"without one", v3Facts{life: life{asked: 2 * time.Hour}}, 2 * time.Hour},
		{"not asked", v3Facts{settings: max}, 0},
	} {
		test.facts.guess()
		if l := test.facts.life; l.granted != test.want || l.granted > 0 && !l.guessed {
			t.Errorf("%s: %+v, want %v", test.name, l, test.want)
		}
	}
}

// A life of 1.6 is certain only where the server, or a setting, has said it.
func TestV2BetaExpect(t *testing.T) {
	t.Parallel()
	eight := map[string]Setting{v2betaExpiry: {Name: v2betaExpiry, Value: "28800000"}}
	for _, test := range []struct {
		name    string
		facts   v2betaFacts
		granted time.Duration
		guessed bool
	}{
		{"nothing known", v2betaFacts{}, 16 * time.Hour, true},
		{"the default, which a login may have assumed", v2betaFacts{life: life{granted: 16 * time.Hour}}, 16 * time.Hour, true},
		{"another, which it has read", v2betaFacts{life: life{granted: 8 * time.Hour}}, 8 * time.Hour, false},
		{"as the setting says", v2betaFacts{life: life{granted: 8 * time.Hour}, settings: eight}, 8 * time.Hour, false},
		{"the setting alone", v2betaFacts{settings: eight}, 8 * time.Hour, true},
		{"the setting alone, of seconds", v2betaFacts{settings: map[string]Setting{v2betaExpiry: {Name: v2betaExpiry, Value: "3000"}}}, 3 * time.Second, true},
		{"the default, less what the login took", v2betaFacts{life: life{granted: 16*time.Hour - 300*time.Millisecond}}, 16 * time.Hour, true},
		{"as the setting says, less what the login took", v2betaFacts{life: life{granted: 8*time.Hour - time.Second}, settings: eight}, 8 * time.Hour, false},
		{"longer than the setting says", v2betaFacts{life: life{granted: 16 * time.Hour}, settings: eight}, 8 * time.Hour, true},
		{"shorter than the setting says", v2betaFacts{life: life{granted: time.Hour}, settings: eight}, time.Hour, true},
	} {
		test.facts.expect()
		if l := test.facts.life; l.granted != test.granted || l.guessed != test.guessed {
			t.Errorf("%s: %+v", test.name, l)
		}
	}
}

// What is only presumed of a token's life does not make it certain that it was
// ended before its time.
func TestV2BetaPresumed(t *testing.T) {
	t.Parallel()
	made := time.Date(2026, 9, 1, 12, 0, 0, 0, time.UTC)
	f := v2betaFacts{probe: seen{what: "the probe", status: 200}, clocks: clocks{received: made.Add(time.Hour)}, life: life{created: made, granted: 16 * time.Hour}}
	const expired = "; or it has expired, if api.auth.jwt.token.expiry was less when it was made"
	for _, f.life.guessed = range []bool{true, false} {
		if d := causes(f.findings()); len(d) != 1 || strings.Contains(d[0], expired) != f.life.guessed {
			t.Errorf("guessed %v: %q", f.life.guessed, d)
		}
	}
}

// What is known beside a cause that is not certain is among its evidence.
func TestDiagnoseEvidence(t *testing.T) {
	t.Parallel()
	has := func(findings []token.Finding, what string) bool {
		return len(findings) == 1 && slices.ContainsFunc(findings[0].Evidence, func(e token.Evidence) bool { return e.What == what })
	}
	cut := v3Facts{form: form{name: "token-7d9xk", odd: "it is short"}, probe: seen{what: "the probe", status: 401, auth: "false"},
		second: seen{what: "the second", status: 200}, looked: seen{what: "the record", status: 404}}
	if d := cut.findings(); !has(d, "its text") {
		t.Errorf("a token that is cut off, and not known: %+v", d)
	}
	unknown := v2betaFacts{probe: seen{what: "the probe", status: 200}, settings: map[string]Setting{v2betaExpiry: {Name: v2betaExpiry, Value: "28800000"}}}
	if d := unknown.findings(); !has(d, "the setting "+v2betaExpiry) || strings.Contains(d[0].Remedy, "V2Beta.Source") {
		t.Errorf("a token of unknown age, and the setting: %+v", d)
	}
}

// causes returns the causes that are found, and whether they are certain.
func causes(findings []token.Finding) []string {
	var all []string
	for _, f := range findings {
		how := "probably: "
		if f.Certain {
			how = "certain: "
		}
		all = append(all, how+f.Cause)
	}
	return all
}
