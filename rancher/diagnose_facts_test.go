package rancher

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// When a machine's clock shows noon, and a server's something else.
func TestClocks(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, 9, 1, 12, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		name   string
		date   time.Time
		off    time.Duration
		astray bool
	}{
		{"none", time.Time{}, 0, false},
		{"the same", noon, 0, false},
		{"within the question", noon.Add(time.Second), 0, false},
		{"cut to the second", noon.Add(-500 * time.Millisecond), 0, false},
		{"a little ahead", noon.Add(20 * time.Second), 19 * time.Second, false},
		{"ahead", noon.Add(time.Hour), time.Hour - time.Second, true},
		{"behind", noon.Add(-time.Hour), -time.Hour, true},
		{"a little behind, or not", noon.Add(-time.Second), 0, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := clocks{sent: noon, received: noon.Add(time.Second), date: test.date}
			if got := c.off(); got != test.off {
				t.Errorf("off by %v, want %v", got, test.off)
			}
			if got := c.astray(); got != test.astray {
				t.Errorf("astray: %v", got)
			}
		})
	}
}

// What a cache answers has the time of when it was asked first.
func TestClocksOfACache(t *testing.T) {
	t.Parallel()
	a := &answer{header: http.Header{"Date": {"Tue, 01 Sep 2026 12:00:00 GMT"}}}
	if !a.clocks().known() {
		t.Error("the header Date is not taken")
	}
	a.header.Set("Age", "3600")
	if a.clocks().known() {
		t.Error("the header Date of a cache is taken for the server's clock")
	}
}

func TestLife(t *testing.T) {
	t.Parallel()
	made := time.Date(2026, 9, 1, 12, 0, 0, 0, time.UTC)
	l := life{created: made, granted: time.Hour, from: "a test"}
	for _, test := range []struct {
		life life
		at   time.Duration
		want age
	}{
		{l, 0, running},
		{l, 59 * time.Minute, running},
		{l, 59*time.Minute + time.Second, ending},
		{l, time.Hour + 59*time.Second, ending},
		{l, time.Hour + time.Minute, over},
		{life{created: made}, 1000 * time.Hour, ageUnknown},
		{life{granted: time.Hour}, 1000 * time.Hour, ageUnknown},
	} {
		if got := test.life.at(made.Add(test.at)); got != test.want {
			t.Errorf("%+v after %v: %v, want %v", test.life, test.at, got, test.want)
		}
	}
	// That it has expired is certain only by the server's clock.
	late := made.Add(3 * time.Hour)
	for _, test := range []struct {
		name    string
		life    life
		clocks  clocks
		certain bool
	}{
		{"by the server's", l, clocks{sent: late, received: late, date: late}, true},
		{"by this machine's", l, clocks{received: late}, false},
		{"of a life that is guessed", life{created: made, granted: time.Hour, guessed: true}, clocks{sent: late, received: late, date: late}, false},
	} {
		if got := test.life.finding(test.clocks, ""); got == nil || got.Certain != test.certain {
			t.Errorf("%s: %+v, want one that is certain: %v", test.name, got, test.certain)
		}
	}
}

func TestSeen(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name                    string
		is                      seen
		refused, accepted, away bool
	}{
		{"granted", seen{status: 200, auth: "true"}, false, true, false},
		{"granted, before 2.6", seen{status: 200}, false, true, false},
		{"refused", seen{status: 401, auth: "false"}, true, false, false},
		{"refused, before 2.6", seen{status: 401}, true, false, false},
		{"a 401 of what is behind Rancher", seen{status: 401, auth: "true"}, false, true, false},
		{"a 401 of a proxy", seen{status: 401, foreign: true}, false, false, true},
		{"not permitted", seen{status: 403, auth: "true"}, false, true, false},
		{"not permitted, before 2.6", seen{status: 403}, false, true, false},
		{"a 403 of a proxy", seen{status: 403, foreign: true}, false, false, true},
		{"a stranger to Kubernetes", seen{status: 403, stranger: errored}, true, false, false},
		{"one who is known to Kubernetes", seen{status: 403, auth: "true", stranger: errored}, false, true, false},
		{"refused by Kubernetes", seen{status: 403, auth: "false"}, true, false, false},
		{"good, and no such thing", seen{status: 404, auth: "true"}, false, true, false},
		{"no such thing, and who knows", seen{status: 404}, false, false, false},
		{"in trouble", seen{status: 500, auth: "true"}, false, true, true},
		{"too many", seen{status: 429}, false, false, true},
		{"looked at by nobody", seen{status: 200, auth: "none"}, false, false, false},
		{"forbidden by who looks at no token", seen{status: 403, auth: "none"}, false, false, false},
		{"public", seen{status: 200, auth: "false"}, false, false, false},
		{"something else", seen{status: 200, other: true}, false, false, false},
		{"nobody to Kubernetes", seen{status: 403, stranger: anonymous}, true, false, false},
		{"unreached", seen{err: errors.New("no route")}, false, false, true},
	} {
		if r, a, w := test.is.refused(), test.is.accepted(), test.is.away(); r != test.refused || a != test.accepted || w != test.away {
			t.Errorf("%s: refused %v, accepted %v, away %v", test.name, r, a, w)
		}
	}
}

func TestPlaceOf(t *testing.T) {
	t.Parallel()
	const server = "https://rancher.example/base"
	for _, test := range []struct{ url, place, cluster string }{
		{"", "", ""},
		{"/v3/settings", "/v3/settings?limit=1", ""},
		{"/v3/clusters/c-m-x/nodes", "/v3/clusters/c-m-x/nodes?limit=1", "c-m-x"},
		{"/k8s/clusters/c-m-x/api/v1/pods?token=hunter2", "/k8s/clusters/c-m-x/api/v1/pods?limit=1", "c-m-x"},
		{server + "/k8s/clusters/local/apis", "/k8s/clusters/local/apis?limit=1", "local"},
		{"https://rancher.example/v3/settings", "", ""},    // not below the server's path
		{"https://other.example/base/v3/settings", "", ""}, // another server's
		{"http://rancher.example/base/v3/settings", "", ""},
		{"https://user:hunter2@rancher.example/base/v3/x", "", ""},
		{"/k8s/clusters/c/api/v1/namespaces/x/services/y/proxy/launch", "", ""}, // may do anything
		{"/k8s/clusters/c/api/v1/namespaces/x/pods/y/exec", "", ""},
		{"/v3/../v1-public/x", "", ""},
		{"/v3/%2e%2e/x", "", ""},
		{"//other.example/v3/settings", "", ""},
		{"/logout", "", ""},
		{"v3/settings", "", ""},
		{":", "", ""},
	} {
		if place, cluster := placeOf(test.url, server); place != test.place || cluster != test.cluster {
			t.Errorf("%q: %q in cluster %q, want %q in %q", test.url, place, cluster, test.place, test.cluster)
		}
	}
}

func TestSettingEvidence(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		is              Setting
		value, mend     string
		behind, certain bool
	}{
		{Setting{Name: maxSetting, Value: "60", Source: "db", Customized: true}, "60 minutes, source db", "change the setting auth-token-max-ttl-minutes (minutes)", false, false},
		{Setting{Name: maxSetting, Value: "60", Source: "env"}, "60 minutes, source env",
			"change CATTLE_AUTH_TOKEN_MAX_TTL_MINUTES (minutes) in the server's environment, which overrides the setting auth-token-max-ttl-minutes", true, true},
		{Setting{Name: maxSetting, Value: "129600", Source: "default"}, "129600 minutes, source default", "change the setting auth-token-max-ttl-minutes (minutes)", true, false},
		{Setting{Name: maxSetting, Value: "129600", Source: "db", Customized: true}, "129600 minutes, source db", "change the setting auth-token-max-ttl-minutes (minutes)", false, false},
		{Setting{Name: maxSetting, Value: "0", Source: "default"}, "0 minutes, source default", "change the setting auth-token-max-ttl-minutes (minutes)", false, false},
		{Setting{Name: maxSetting, Value: "90 days", Source: "db", Customized: true}, `"90 days", which is no number of minutes, source db`, "change the setting auth-token-max-ttl-minutes (minutes)", false, false},
		{Setting{Name: maxSetting, Value: "1h30", Source: "db", Customized: true}, `"1h30", which Rancher takes for 1h30m0s, source db`, "change the setting auth-token-max-ttl-minutes (minutes)", false, false},
		{Setting{Name: sessionSetting, Value: "0.5", Source: "db", Customized: true}, `"0.5", which is no number of minutes, source db`, "change the setting auth-user-session-ttl-minutes (minutes)", false, false},
		{Setting{Name: kubeconfigSetting, Value: "43200", Source: "default"}, "43200 minutes, source default", "change the setting kubeconfig-default-token-ttl-minutes (minutes)", true, false},
		{Setting{Name: v2betaExpiry, Value: "57600000", Source: "Code Packaged Defaults"}, "57600000 milliseconds, source Code Packaged Defaults", "change the setting api.auth.jwt.token.expiry (milliseconds)", false, false},
		{Setting{Name: v2betaExpiry, Value: "1", Source: "Environment Variables"}, "1 milliseconds, source Environment Variables",
			"change CATTLE_API_AUTH_JWT_TOKEN_EXPIRY (milliseconds) in the server's environment, which overrides the setting api.auth.jwt.token.expiry", true, true},
	} {
		if got := test.is.evidence(); got.Value != test.value || got.What != "the setting "+test.is.Name {
			t.Errorf("%+v: %+v, want %q", test.is, got, test.value)
		}
		if got := test.is.mend(); got != test.mend {
			t.Errorf("%+v: %q, want %q", test.is, got, test.mend)
		}
		d := test.is.behind()
		if (len(d) == 1) != test.behind || test.behind && d[0].Certain != test.certain {
			t.Errorf("%+v: %v", test.is, d)
		}
	}
	for _, name := range []string{maxSetting, idleSetting} {
		for _, value := range []string{fmt.Sprint(int64(1 << 62)), "-1", "", "soon"} {
			if d, ok := (Setting{Name: name, Value: value}).minutes(); ok || d != 0 {
				t.Errorf("%s %q is %v", name, value, d)
			}
		}
	}
	if d, ok := (Setting{Name: maxSetting, Value: "0.1"}).minutes(); !ok || d != 6*time.Second {
		t.Errorf("a tenth of a minute is %v", d)
	}
}

// FuzzDiagnoseReads looks for what something panics at, or is misled by: a URL of
// the caller's, and a user of the server's.
func FuzzDiagnoseReads(f *testing.F) {
	f.Add("/v3/clusters/c-m-x/nodes?x=y", `{"data":[{"id":"user-abcde","enabled":false}]}`)
	f.Add("https://rancher.example/k8s/clusters/local/apis", `{"id":"user-abcde","enabled":null}`)
	f.Add("/v3/%2e%2e/x", `{"data":[1,{"id":{}}]}`)
	f.Add(`/v3/a\..\b`, `{"data":{}}`)
	f.Fuzz(func(t *testing.T, where, body string) {
		place, _ := placeOf(where, "https://rancher.example")
		if place != "" && (!strings.HasPrefix(place, "/") || strings.HasPrefix(place, "//") || !strings.HasSuffix(place, "?limit=1") || strings.Count(place, "?") != 1) {
			t.Errorf("%q is asked as %q", where, place)
		}
		if id, _ := userOf(&answer{body: body}); id != "" && !isName(id) {
			t.Errorf("%q is the id of a user", id)
		}
	})
}
