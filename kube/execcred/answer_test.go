package execcred_test

import (
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tokenlife/tokenlife/kube/execcred"
	"github.com/tokenlife/tokenlife/token"
)

// A writer keeps what it is given, and says how often.
type writer struct {
	strings.Builder
	writes int
}

func (w *writer) Write(b []byte) (int, error) {
	w.writes++
	return w.Builder.Write(b)
}

func TestAnswer(t *testing.T) {
	t.Parallel()
	in := func(d time.Duration) token.Token { return token.Token{ExpiresIn: d} }
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(500 * time.Millisecond) // it is half a second past midnight, 2000-01-01
		now := time.Now()
		for _, test := range []struct {
			name  string
			tok   token.Token
			stamp string
		}{
			{"unknown", token.Token{}, ""},
			{"an hour", in(time.Hour), "2000-01-01T00:59:30Z"},
			{"300 seconds, of which 30 are a tenth", in(300 * time.Second), "2000-01-01T00:04:30Z"},
			{"100 seconds", in(100 * time.Second), "2000-01-01T00:01:30Z"},
			{"rounded down", in(10*time.Second + 540*time.Millisecond), "2000-01-01T00:00:09Z"},
			{"a moment", in(time.Millisecond), "2000-01-01T00:00:00Z"},
			{"for ever", in(1<<63 - 1), "2292-04-10T23:46:47Z"},
			{"by the clock", token.Token{Expiry: now.Add(time.Hour)}, "2000-01-01T00:59:30Z"},
			{"by the clock, elsewhere", token.Token{Expiry: now.Add(time.Hour).In(time.FixedZone("", 3600))}, "2000-01-01T00:59:30Z"},
			{"ExpiresIn decides", token.Token{ExpiresIn: time.Minute, Expiry: now.Add(time.Hour)}, "2000-01-01T00:00:54Z"},
			{"whatever Expiry says", token.Token{ExpiresIn: time.Minute, Expiry: now.Add(-time.Hour)}, "2000-01-01T00:00:54Z"},
		} {
			test.tok.Value = token.NewSecret(`it's<"\&>~`)
			var w writer
			if err := (execcred.Request{APIVersion: execcred.V1Beta1}).Answer(&w, test.tok); err != nil {
				t.Errorf("%s: %v", test.name, err)
				continue
			}
			stamp := ""
			if test.stamp != "" {
				stamp = `,"expirationTimestamp":"` + test.stamp + `"`
			}
			want := `{"apiVersion":"client.authentication.k8s.io/v1beta1","kind":"ExecCredential","status":{"token":"it's<\"\\&>~"` + stamp + "}}\n"
			if w.String() != want || w.writes != 1 {
				t.Errorf("%s: %d writes:\n got %swant %s", test.name, w.writes, w.String(), want)
			}
		}
	})
}

// The stamp is in UTC, wherever this machine is.
func TestAnswerInAnotherZone(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 1, 9, 0, 0, 0, time.FixedZone("", 9*60*60))
	got, err := execcred.AnswerAt(execcred.Request{}, token.Token{Value: token.NewSecret("t"), ExpiresIn: time.Hour}, now)
	if err != nil || !strings.Contains(string(got), `"2026-01-01T00:59:30Z"`) {
		t.Errorf("%s, %v", got, err)
	}
}

// The stamp is never later than the end of the token, and a tenth earlier at most.
func TestAnswerIsNeverLate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for i := range 3000 {
			time.Sleep(time.Duration(i) * 7 * time.Millisecond)
			left := time.Duration(1+i*i) * 13 * time.Millisecond
			var w writer
			if err := (execcred.Request{}).Answer(&w, token.Token{Value: token.NewSecret("t"), ExpiresIn: left}); err != nil {
				t.Fatal(err)
			}
			var answer struct {
				APIVersion string
				Status     struct{ ExpirationTimestamp time.Time }
			}
			if err := json.Unmarshal([]byte(w.String()), &answer); err != nil {
				t.Fatal(err)
			}
			early := time.Now().Add(left).Sub(answer.Status.ExpirationTimestamp)
			if margin := min(left/10, 30*time.Second); early < margin || early >= margin+time.Second || answer.APIVersion != execcred.V1 {
				t.Fatalf("with %v left the stamp is %v early, in %s", left, early, answer.APIVersion)
			}
		}
	})
}

func TestAnswerRefuses(t *testing.T) {
	t.Parallel()
	secret := token.NewSecret("canary")
	for _, test := range []struct {
		name, version string
		tok           token.Token
		want          string
	}{
		{"empty", execcred.V1, token.Token{}, "the token is empty"},
		{"MAC", execcred.V1, token.Token{Value: secret, Type: "MAC"}, "another Type than Bearer"},
		{"nothing left", execcred.V1, token.Token{Value: secret, ExpiresIn: -1}, "nothing left"},
		{"past", execcred.V1, token.Token{Value: secret, Expiry: time.Now().Add(-time.Minute)}, "nothing left"},
		{"space", execcred.V1, token.Token{Value: token.NewSecret("canary bird")}, "not of printable ASCII characters"},
		{"line", execcred.V1, token.Token{Value: token.NewSecret("canary\n")}, "not of printable ASCII characters"},
		{"umlaut", execcred.V1, token.Token{Value: token.NewSecret("canäry")}, "not of printable ASCII characters"},
		{"DEL", execcred.V1, token.Token{Value: token.NewSecret("canary\x7f")}, "not of printable ASCII characters"},
		{"too long", execcred.V1, token.Token{Value: token.NewSecret(strings.Repeat("x", 1<<20+1))}, "longer than 1 MiB"},
		{"too long an answer", execcred.V1, token.Token{Value: token.NewSecret(strings.Repeat("x", 1<<20))}, "too long for an answer"},
		{"version", "canary", token.Token{Value: secret}, "Request.APIVersion is neither"},
		{"v1alpha1", "client.authentication.k8s.io/v1alpha1", token.Token{Value: secret}, "Request.APIVersion is neither"},
	} {
		var w writer
		err := execcred.Request{APIVersion: test.version}.Answer(&w, test.tok)
		if err == nil || w.writes != 0 {
			t.Errorf("%s: error %v, written %q", test.name, err, w.String())
			continue
		}
		says(t, err, "execcred: no answer: ", test.want)
		if strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: %v", test.name, err)
		}
	}
	now := time.Now()
	if got, err := execcred.AnswerAt(execcred.Request{}, token.Token{Value: secret, Expiry: now}, now); err == nil {
		t.Errorf("at the moment of its Expiry: %s", got)
	}
	around, err := execcred.AnswerAt(execcred.Request{}, token.Token{Value: token.NewSecret("x")}, now)
	if err != nil {
		t.Fatal(err)
	}
	for over := range 2 { // the longest answer is one that a Plugin takes
		tok := token.Token{Value: token.NewSecret(strings.Repeat("x", 1<<20-len(around)+1+over))}
		text, err := execcred.AnswerAt(execcred.Request{}, tok, now)
		if over == 0 {
			_, err = execcred.ReadCredential(text, execcred.V1, now)
		}
		if (err == nil) != (over == 0) {
			t.Errorf("an answer of 1 MiB and %d bytes: %v", over, err)
		}
	}
	for _, kind := range []string{"", "Bearer", "bearer"} {
		if err := (execcred.Request{}).Answer(io.Discard, token.Token{Value: secret, Type: kind}); err != nil {
			t.Errorf("Type %q: %v", kind, err)
		}
	}
}

type short struct{}

func (short) Write(b []byte) (int, error) { return len(b) - 1, nil }

func TestAnswerThatIsNotRead(t *testing.T) {
	t.Parallel()
	r, w := io.Pipe()
	r.Close()
	tok := token.Token{Value: token.NewSecret("canary")}
	err := execcred.Request{}.Answer(w, tok)
	if !errors.Is(err, io.ErrClosedPipe) || strings.Contains(err.Error(), "canary") {
		t.Errorf("a closed pipe: %v", err)
	}
	if err := (execcred.Request{}).Answer(short{}, tok); !errors.Is(err, io.ErrShortWrite) {
		t.Errorf("half an answer: %v", err)
	}
}
