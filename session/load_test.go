package session_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/session"
	"github.com/tokenlife/tokenlife/token"
)

const cookieName = "__Host-session"

// reasons are what the error of Load can match besides ErrNoSession.
var reasons = []error{
	token.ErrMalformed, token.ErrSignature, token.ErrExpired, token.ErrNotYetValid, token.ErrRevoked, token.ErrIssuer, token.ErrAudience,
}

// checkReason checks that err is ErrNoSession for this reason and no other; nil
// is that there was no cookie.
func checkReason(t *testing.T, name string, err, reason error) {
	t.Helper()
	if !errors.Is(err, session.ErrNoSession) || errors.Is(err, token.ErrInvalid) != (reason != nil) {
		t.Errorf("%s: %v, want ErrNoSession and %v", name, err, reason)
		return
	}
	for _, other := range reasons {
		if errors.Is(err, other) != (other == reason) {
			t.Errorf("%s: %v, want %v", name, err, reason)
		}
	}
	if len(err.Error()) > 400 {
		t.Errorf("%s: a long error: %v", name, err)
	}
}

func TestLoad(t *testing.T) {
	t.Parallel()
	m := &session.Manager[member]{Keys: keysOf("a"), Now: at(noon.Add(999 * time.Microsecond))}
	w := httptest.NewRecorder()
	started, err := m.Start(w, carrying(""), "mira", member{Name: "Mira", Roles: []string{"<&>", "é"}})
	if err != nil {
		t.Fatal(err)
	}
	got, err := m.Load(pocket{}.take(w).request())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(started, got, cmpopts.IgnoreUnexported(session.Session[member]{})); diff != "" {
		t.Errorf("(-started +loaded):\n%s", diff)
	}
	if want := (member{Name: "Mira", Roles: []string{"<&>", "é"}}); !cmp.Equal(want, got.Data) || got.Subject != "mira" || !got.Began.Equal(noon) || !got.Seen.Equal(noon) {
		t.Errorf("loaded %+v of %v", got.Data, got)
	}
	if id, err := base64.RawURLEncoding.DecodeString(got.ID); err != nil || len(id) != 16 {
		t.Errorf("ID %q, %v", got.ID, err)
	}
}

// sealed returns the cookie of a session that other software made.
func sealed(t testing.TB, keys, purpose, place, text string) string {
	t.Helper()
	value, err := keysOf(keys).Seal(t.Context(), purpose, place, []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return cookieName + "=" + value
}

func TestLoadReasons(t *testing.T) {
	t.Parallel()
	record := func(members string) string {
		return fmt.Sprintf(`{"v":1,"id":"A","sub":"mira","began":%d,"seen":%[1]d,"data":{}%s}`, noon.UnixMilli(), members)
	}
	plain := func(text string) string { return sealed(t, "a", "cookie/"+cookieName, "1", text) }
	good := strings.TrimPrefix(plain(record("")), cookieName+"=")
	other := &session.Manager[member]{Keys: keysOf("a"), Name: "__Host-admin", Now: at(noon)}
	others := begun(t, other, "mira", member{})["__Host-admin"]

	for name, test := range map[string]struct {
		cookie string
		reason error
	}{
		"no cookie":                  {"", nil},
		"other cookies":              {"a=b; session=" + good + "; __Host-sessions=" + good, nil},
		"a later cookie alone":       {cookieName + "-1=" + good, token.ErrMalformed},
		"empty":                      {cookieName + "=", token.ErrMalformed},
		"no value":                   {cookieName, token.ErrMalformed},
		"garbage":                    {cookieName + "=\"\x00\xff%2e", token.ErrMalformed},
		"twice":                      {cookieName + "=" + good + "; " + cookieName + "=" + good, token.ErrMalformed},
		"with a good one behind":     {cookieName + "=" + good + "; " + cookieName + "=x", token.ErrMalformed},
		"of another Manager":         {"__Host-admin=" + others, nil},
		"of another Manager, moved":  {cookieName + "=" + others, token.ErrSignature},
		"for another purpose":        {sealed(t, "a", "back/"+cookieName, "1", record("")), token.ErrSignature},
		"for another place":          {sealed(t, "a", "cookie/"+cookieName, "2", record("")), token.ErrSignature},
		"the place of several":       {sealed(t, "a", "cookie/"+cookieName, "2.AAAAAAAA", record("")), token.ErrSignature},
		"a key that is not there":    {sealed(t, "b", "cookie/"+cookieName, "1", record("")), token.ErrSignature},
		"no JSON":                    {plain("mira"), token.ErrMalformed},
		"nothing":                    {plain(""), token.ErrMalformed},
		"JSON null":                  {plain("null"), token.ErrMalformed},
		"a JSON array":               {plain("[]"), token.ErrMalformed},
		"more behind the JSON":       {plain(record("") + "{}"), token.ErrMalformed},
		"version 2":                  {plain(`{"v":2,"id":"A","sub":"mira"}`), token.ErrMalformed},
		"version 2, another shape":   {plain(`{"v":2,"id":1,"sub":2}`), token.ErrMalformed},
		"version 0":                  {plain(`{"v":0,"id":"A","sub":"mira"}`), token.ErrMalformed},
		"version -1":                 {plain(`{"v":-1,"id":"A","sub":"mira"}`), token.ErrMalformed},
		"no version":                 {plain(`{"id":"A","sub":"mira"}`), token.ErrMalformed},
		"a version of text":          {plain(`{"v":"1","id":"A","sub":"mira"}`), token.ErrMalformed},
		"no ID":                      {plain(record(`,"id":""`)), token.ErrMalformed},
		"a path for an ID":           {plain(record(`,"id":"subject/0"`)), token.ErrMalformed},
		"no ID, but a login":         {plain(record(`,"id":"","login":"B"`)), token.ErrMalformed},
		"a long ID":                  {plain(record(`,"id":"` + strings.Repeat("A", 65) + `"`)), token.ErrMalformed},
		"a long login":               {plain(record(`,"login":"` + strings.Repeat("A", 65) + `"`)), token.ErrMalformed},
		"no subject":                 {plain(record(`,"sub":""`)), token.ErrMalformed},
		"began later than int64":     {plain(record(`,"began":9223372036854775808`)), token.ErrMalformed},
		"began at the end of time":   {plain(record(`,"began":9223372036854775807`)), token.ErrNotYetValid},
		"seen at the end of time":    {plain(record(`,"seen":9223372036854775807`)), token.ErrNotYetValid},
		"began before all time":      {plain(record(`,"began":-9223372036854775808`)), token.ErrExpired},
		"seen before all time":       {plain(record(`,"seen":-9223372036854775808`)), token.ErrExpired},
		"data of another kind":       {plain(record(`,"data":{"Name":1}`)), token.ErrMalformed},
		"data that is a list":        {plain(record(`,"data":[]`)), token.ErrMalformed},
		"times of another kind":      {plain(record(`,"data":{"Until":"tomorrow"}`)), token.ErrMalformed},
		"nested ever so deep":        {plain(record(`,"x":` + strings.Repeat("[", 10001))), token.ErrMalformed},
		"expired before it was seen": {plain(record(`,"began":0`)), token.ErrExpired},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var events []session.Event
			m := &session.Manager[member]{Keys: keysOf("a"), Now: at(noon), OnEvent: func(e session.Event) { events = append(events, e) }}
			s, err := m.Load(carrying(test.cookie))
			if s != nil {
				t.Errorf("loaded %v", s)
			}
			checkReason(t, name, err, test.reason)
			if told := len(events) == 1 && events[0].Kind == session.Refused && events[0].Err == err; told != (test.reason != nil) {
				t.Errorf("events %v", events)
			}
		})
	}
	m := &session.Manager[member]{Keys: keysOf("a"), Now: at(noon)}
	for _, members := range []string{``, `,"x":[{}]`, `,"id":"` + strings.Repeat("-", 64) + `"`, `,"login":"B","epoch":7`, `,"data":null`} {
		if _, err := m.Load(carrying(plain(record(members)))); err != nil {
			t.Errorf("%s: %v", members, err)
		}
	}
}

// What is wrong with a session that was sealed with our key is told to whoever runs
// the service: it was another version, or other data.
func TestLoadSaysWhy(t *testing.T) {
	t.Parallel()
	m := &session.Manager[member]{Keys: keysOf("a"), Now: at(noon)}
	for text, want := range map[string]string{
		`{"v":2,"id":"A","sub":"mira"}`:        "version 2, which is not known here",
		`{"v":2,"id":1,"sub":2}`:               "version 2, which is not known here",
		`{"v":1,"id":"","sub":"mira"}`:         "it has no ID",
		`{"v":1,"id":"A","sub":""}`:            "it has no subject",
		`{"v":1,"id":"A","sub":"m","seen":""}`: "it was sealed with data of another kind: seen has another type than int64",
	} {
		_, err := m.Load(carrying(sealed(t, "a", "cookie/"+cookieName, "1", text)))
		checkReason(t, text, err, token.ErrMalformed)
		if !strings.HasSuffix(err.Error(), ": "+want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}

// A key in second place goes on opening; one that was removed does not.
func TestLoadKeys(t *testing.T) {
	t.Parallel()
	p := begun(t, &session.Manager[member]{Keys: keysOf("a")}, "mira", member{})
	if _, err := (&session.Manager[member]{Keys: keysOf("ba")}).Load(p.request()); err != nil {
		t.Error(err)
	}
	_, err := (&session.Manager[member]{Keys: keysOf("bc")}).Load(p.request())
	checkReason(t, "removed", err, token.ErrSignature)
}

// That nobody could read the keys is nobody's fault who logged in.
func TestLoadNoKeys(t *testing.T) {
	t.Parallel()
	p := begun(t, &session.Manager[member]{Keys: keysOf("a")}, "mira", member{})
	_, err := (&session.Manager[member]{Keys: keysOf("")}).Load(p.request())
	if err == nil || errors.Is(err, session.ErrNoSession) || errors.Is(err, token.ErrInvalid) {
		t.Error(err)
	}
}

// Each limit holds to the millisecond.
func TestLoadExpiry(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		idle, lifetime time.Duration
		until          time.Time
		life           time.Duration // of a session that nobody extends
		limit          string
	}{
		"default Idle":       {life: 30 * time.Minute, limit: "Idle"},
		"Idle":               {idle: time.Minute, life: time.Minute, limit: "Idle"},
		"default Lifetime":   {idle: -1, life: 12 * time.Hour, limit: "Lifetime"},
		"Lifetime":           {lifetime: 3 * time.Second, life: 3 * time.Second, limit: "Lifetime"},
		"Idle, longer":       {idle: 2 * time.Hour, lifetime: time.Hour, life: time.Hour, limit: "Lifetime"},
		"Until":              {until: noon.Add(time.Second), life: time.Second, limit: "Until"},
		"Until, later":       {until: noon.Add(time.Hour), life: 30 * time.Minute, limit: "Idle"},
		"Until and Lifetime": {idle: -1, until: noon.Add(time.Hour), life: time.Hour, limit: "Until"},
	} {
		m := &session.Manager[member]{
			Keys: keysOf("a"), Now: at(noon), Idle: test.idle, Lifetime: test.lifetime,
			Until: func(data member) time.Time { return data.Until },
		}
		p := begun(t, m, "mira", member{Until: test.until})
		m.Now = at(noon.Add(test.life - time.Millisecond))
		s, err := m.Load(p.request())
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if expiry := m.Expiry(s); !expiry.Equal(noon.Add(test.life)) {
			t.Errorf("%s: expiry %v, want %v after the beginning", name, expiry, test.life)
		}
		m.Now = at(noon.Add(test.life))
		_, err = m.Load(p.request())
		checkReason(t, name, err, token.ErrExpired)
		if !strings.Contains(err.Error(), "Manager."+test.limit) {
			t.Errorf("%s: %v, want it to be by %s", name, err, test.limit)
		}
	}
}

// Extending a session moves Idle, and neither of the others.
func TestLoadExpiryExtended(t *testing.T) {
	t.Parallel()
	m := &session.Manager[member]{Keys: keysOf("a"), Lifetime: time.Hour, Now: at(noon)}
	p := begun(t, m, "mira", member{})
	for minutes := range 59 {
		m.Now = at(noon.Add(time.Duration(minutes) * time.Minute))
		s, err := m.Load(p.request())
		if err != nil {
			t.Fatal(minutes, err)
		}
		w := httptest.NewRecorder()
		if err := m.Save(w, p.request(), s); err != nil {
			t.Fatal(err)
		}
		p.take(w)
	}
	m.Now = at(noon.Add(time.Hour))
	_, err := m.Load(p.request())
	checkReason(t, "extended", err, token.ErrExpired)
}

// Another machine's clock may be ahead by as much as clocks are.
func TestLoadFuture(t *testing.T) {
	t.Parallel()
	m := &session.Manager[member]{Keys: keysOf("a"), Now: at(noon)}
	p := begun(t, m, "mira", member{})
	m.Now = at(noon.Add(-30 * time.Second))
	s, err := m.Load(p.request())
	if err != nil {
		t.Fatal(err)
	}
	m.Now = at(noon.Add(-30*time.Second - time.Millisecond))
	_, err = m.Load(p.request())
	checkReason(t, "Began", err, token.ErrNotYetValid)

	m.Now = at(noon.Add(time.Minute))
	w := httptest.NewRecorder()
	if err := m.Save(w, p.request(), s); err != nil {
		t.Fatal(err)
	}
	p.take(w)
	m.Now = at(noon)
	_, err = m.Load(p.request())
	checkReason(t, "Seen", err, token.ErrNotYetValid)
}

// Whatever is changed of a cookie, the session is refused, and for its own fault.
func TestLoadChanged(t *testing.T) {
	t.Parallel()
	for _, size := range []int{0, 5000} {
		m := &session.Manager[member]{Keys: keysOf("a")}
		p := begun(t, m, "mira", member{Name: strings.Repeat("n", size)})
		for name, value := range p {
			refused := func(what string, changed string) {
				t.Helper()
				p[name] = changed
				_, err := m.Load(p.request())
				if !errors.Is(err, session.ErrNoSession) || !errors.Is(err, token.ErrMalformed) && !errors.Is(err, token.ErrSignature) {
					t.Errorf("%s of %s: %v", what, name, err)
				}
			}
			step := 1 + len(value)/400 // of several kilobytes some will do
			for i := 0; i < len(value); i += step {
				for bit := range 8 {
					changed := []byte(value)
					changed[i] ^= 1 << bit
					if c := changed[i]; (c == ' ' || c == '\t') && (i == 0 || i == len(value)-1) {
						continue // white space around a value is none of it
					}
					refused(fmt.Sprintf("bit %d of byte %d", bit, i), string(changed))
				}
				refused(fmt.Sprintf("the first %d bytes", i), value[:i])
				refused(fmt.Sprintf("without byte %d", i), value[:i]+value[i+1:])
			}
			refused("one more letter", value+"A")
			p[name] = value
		}
		if _, err := m.Load(p.request()); err != nil {
			t.Errorf("unchanged: %v", err)
		}
	}
}

// A session that was ended is told from one that never was.
func TestLoadEnded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := &session.Manager[member]{Keys: keysOf("a"), Store: new(refresh.Memory)}
		p := begun(t, m, "mira", member{})
		if _, err := m.Load(p.request()); err != nil {
			t.Fatal(err)
		}
		if err := m.End(httptest.NewRecorder(), p.request()); err != nil {
			t.Fatal(err)
		}
		_, err := m.Load(p.request())
		checkReason(t, "ended", err, token.ErrRevoked)
	})
}

// That a session is refused is told with whose it is, if that can be read.
func TestLoadTellsWhose(t *testing.T) {
	t.Parallel()
	var events []session.Event
	m := &session.Manager[member]{Keys: keysOf("a"), Now: at(noon)}
	p := begun(t, m, "mira", member{})
	m.OnEvent = func(e session.Event) { events = append(events, e) }
	m.Now = at(noon.Add(time.Hour))
	_, err := m.Load(p.request())
	if len(events) != 1 || events[0].Subject != "mira" || len(events[0].ID) != 22 || events[0].Err != err {
		t.Errorf("%v", events)
	}
}

// A session costs little more than to read its JSON.
func TestLoadAllocations(t *testing.T) {
	m := &session.Manager[member]{Keys: keysOf("a")}
	p := begun(t, m, "mira", member{Name: "Mira"})
	plaintext, err := m.Keys.Open(t.Context(), "cookie/"+cookieName, "1", p[cookieName])
	if err != nil {
		t.Fatal(err)
	}
	least := testing.AllocsPerRun(100, func() {
		var record struct {
			V           int
			ID, Sub     string
			Began, Seen int64
			Data        member
		}
		if err := json.Unmarshal(plaintext, &record); err != nil {
			t.Fatal(err)
		}
	})
	r := p.request()
	got := testing.AllocsPerRun(100, func() {
		if _, err := m.Load(r); err != nil {
			t.Fatal(err)
		}
	})
	if got > least+6 {
		t.Errorf("%v allocations, of which %v are those of JSON: the others must be 6 at most", got, least)
	}
}

func BenchmarkLoad(b *testing.B) {
	m := &session.Manager[member]{Keys: keysOf("a")}
	r := begun(b, m, "mira", member{Name: strings.Repeat("n", 300)}).request()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := m.Load(r); err != nil {
			b.Fatal(err)
		}
	}
}
