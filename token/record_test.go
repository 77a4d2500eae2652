package token_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"math"
	"strings"
	"testing"
	"testing/quick"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tokenlife/tokenlife/token"
)

// stored returns r as it comes back from storage.
func stored(r token.Record) (token.Record, error) {
	b, err := json.Marshal(r)
	if err != nil {
		return token.Record{}, err
	}
	var back token.Record
	err = json.Unmarshal(b, &back)
	return back, err
}

// fields is for cmp, which would compare no more of a Token than its Equal does.
type fields struct {
	token    fieldsOfToken
	received time.Time
}
type fieldsOfToken token.Token

// diff compares all fields of two records.
func diff(want, got token.Record) string {
	return cmp.Diff(
		fields{fieldsOfToken(want.Token), want.Received},
		fields{fieldsOfToken(got.Token), got.Received},
		cmp.AllowUnexported(fields{}))
}

func TestRecordRoundTrip(t *testing.T) {
	t.Parallel()
	berlin := time.FixedZone("", 3600)
	for _, r := range []token.Record{
		{},
		{Token: token.Token{Value: token.NewSecret(canary)}},
		{
			Token: token.Token{
				Value: token.NewSecret(canary), Type: "MAC",
				IssuedAt: time.Unix(1795349718, 0), Expiry: time.Unix(1795353318, 123456789),
				ExpiresIn: time.Hour + 1,
			},
			Received: time.Unix(1795349719, 5).In(berlin),
		},
		{Token: token.Token{Value: token.NewSecret("<&>\u2028\x00\"\\é😀"), ExpiresIn: -1}},
		{Token: token.Token{Value: token.NewSecret(canary), ExpiresIn: 1}},
		{Token: token.Token{Value: token.NewSecret(canary), ExpiresIn: 16418345683}}, // a nanosecond less if cut off
		{Token: token.Token{Value: token.NewSecret(canary), ExpiresIn: math.MaxInt64}},
		{Token: token.Token{Value: token.NewSecret(canary), ExpiresIn: math.MinInt64}},
	} {
		got, err := stored(r)
		if d := diff(r, got); err != nil || d != "" {
			t.Errorf("%+v: %v, (-want +got):\n%s", r, err, d)
		}
	}
	if err := quick.Check(func(value, scheme string, seconds int32, left int64) bool {
		r := token.Record{
			Token:    token.Token{Value: token.NewSecret(strings.ToValidUTF8(value, "?")), Type: scheme, ExpiresIn: time.Duration(left % int64(10*24*time.Hour))},
			Received: time.Unix(int64(seconds), 1),
		}
		got, err := stored(r)
		return err == nil && diff(r, got) == ""
	}, nil); err != nil {
		t.Error(err)
	}
}

func TestRecordJSON(t *testing.T) {
	t.Parallel()
	// Version 1, as it is stored somewhere: it stays readable for ever.
	const v1 = `{"v":1,"value":"xyzzy4711plugh","type":"Bearer","issued_at":"2026-11-22T12:15:18Z",` +
		`"expiry":"2026-11-22T13:15:18Z","expires_in":3600,"received":"2026-11-22T12:15:19.5Z"}`
	want := token.Record{
		Token: token.Token{
			Value: token.NewSecret(canary), Type: "Bearer", ExpiresIn: time.Hour,
			IssuedAt: time.Unix(1795349718, 0), Expiry: time.Unix(1795353318, 0),
			RefreshIn: time.Minute, // is not kept
		},
		Received: time.Unix(1795349719, 500e6),
	}
	b, err := json.Marshal(want)
	if err != nil || string(b) != v1 {
		t.Errorf("%s, %v\nwant %s", b, err, v1)
	}
	want.Token.RefreshIn = 0
	var got token.Record
	if err := json.Unmarshal([]byte(v1), &got); err != nil {
		t.Error(err)
	}
	if d := diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	// Whatever stores a Record can have it in something of its own.
	var list []token.Record
	if b, err := json.Marshal([]token.Record{want}); err != nil || string(b) != "["+v1+"]" {
		t.Errorf("%s, %v", b, err)
	} else if err := json.Unmarshal(b, &list); err != nil || diff(want, list[0]) != "" {
		t.Errorf("%+v, %v", list, err)
	}
	if b, err := json.Marshal(token.Record{}); err != nil || string(b) != `{"v":1,"value":""}` {
		t.Errorf("the zero Record is %s, %v", b, err)
	}
}

func TestRecordRefuses(t *testing.T) {
	t.Parallel()
	const newer = "token: stored Record has version %s, this program reads version 1: it was written by a newer one, or is no Record"
	for _, test := range []struct{ text, want string }{
		{`{"value":"` + canary + `"}`, fmt.Sprintf(newer, "0")},
		{`{"v":0,"value":"` + canary + `"}`, fmt.Sprintf(newer, "0")},
		{`{"v":2,"value":"` + canary + `"}`, fmt.Sprintf(newer, "2")},
		{`{"v":-1,"value":"` + canary + `"}`, fmt.Sprintf(newer, "-1")},
		{`null`, fmt.Sprintf(newer, "0")},
		{`{"v":1,"value":["` + canary + `"]}`, "token: not a stored Record (34 bytes)"},
		{`{"v":"` + canary + `"}`, "token: not a stored Record (22 bytes)"},
		{`{"v":1,"value":"a","expiry":"` + canary + `"}`, "token: not a stored Record (45 bytes)"},
		{`{"v":1,"value":"a","expires_in":"` + canary + `"}`, "token: not a stored Record (49 bytes)"},
		{`{"v":1,"value":"a","expires_in":1e400}`, "token: not a stored Record (38 bytes)"},
		{`"` + canary + `"`, "token: not a stored Record (16 bytes)"},
		{`["` + canary + `"]`, "token: not a stored Record (18 bytes)"},
	} {
		var got token.Record
		err := json.Unmarshal([]byte(test.text), &got)
		if fmt.Sprint(err) != test.want {
			t.Errorf("%s: error %v, want %s", test.text, err, test.want)
		}
		if d := diff(token.Record{}, got); d != "" {
			t.Errorf("%s: read in spite of the error:\n%s", test.text, d)
		}
	}
	for _, text := range []string{`{"v":1,"value":"` + canary, `{"v":1,"value":"` + canary + `"}x`, `{"v":1,"value":"` + canary + `\x"}`, canary} {
		var got token.Record
		if err := json.Unmarshal([]byte(text), &got); err == nil || leaks(err.Error()) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// What JSON cannot hold is refused rather than changed.
func TestRecordThatJSONCannotHold(t *testing.T) {
	t.Parallel()
	for name, r := range map[string]token.Record{
		"not UTF-8":  {Token: token.Token{Value: token.NewSecret(canary + "\xff")}},
		"year 10000": {Token: token.Token{Value: token.NewSecret(canary), Expiry: time.Unix(253402300800, 0)}},
	} {
		b, err := json.Marshal(r)
		if err == nil || leaks(err.Error()) || len(b) > 0 {
			t.Errorf("%s: %s, %v", name, b, err)
		}
	}
}

func TestRecordAt(t *testing.T) {
	t.Parallel()
	received := time.Unix(1795349718, 0)
	for _, test := range []struct {
		expiresIn time.Duration
		later     time.Duration
		want      time.Duration
	}{
		{time.Hour, 0, time.Hour},
		{time.Hour, time.Minute, 59 * time.Minute},
		{time.Hour, time.Hour - 1, 1},
		{time.Hour, time.Hour, -1}, // not 0, which is unknown
		{time.Hour, 2 * time.Hour, -time.Hour},
		{time.Hour, -time.Hour, time.Hour}, // a clock was set back
		{time.Hour, math.MaxInt64, time.Hour - math.MaxInt64},
		{math.MaxInt64, math.MaxInt64, -1},
		{math.MaxInt64, 0, math.MaxInt64},
		{0, time.Hour, 0}, // unknown stays unknown

		// Nothing left stays nothing left; it must not wrap round to centuries.
		{-1, 0, -1},
		{-1, time.Hour, -1},
		{-time.Hour, math.MaxInt64, -time.Hour},
		{math.MinInt64, time.Hour, math.MinInt64},
	} {
		in := token.Token{Value: token.NewSecret("a"), Type: "x", Expiry: received, ExpiresIn: test.expiresIn, RefreshIn: time.Minute}
		want := in
		want.ExpiresIn, want.RefreshIn = test.want, 0
		got := token.Record{Token: in, Received: received}.At(received.Add(test.later))
		if diff := cmp.Diff(fieldsOfToken(want), fieldsOfToken(got)); diff != "" {
			t.Errorf("%v after %v (-want +got):\n%s", test.expiresIn, test.later, diff)
		}
	}

	// A Record that does not say when, and one from a clock that was far ahead.
	r := token.Record{Token: token.Token{ExpiresIn: time.Hour}}
	if got := r.At(received).ExpiresIn; got >= 0 {
		t.Errorf("received at no time: %v left", got)
	}
	r.Received = received.AddDate(50, 0, 0)
	if got := r.At(received).ExpiresIn; got != time.Hour {
		t.Errorf("received in the future: %v left", got)
	}
}

func TestTokenRecordIsOfNow(t *testing.T) {
	t.Parallel()
	before := time.Now()
	r := token.Token{ExpiresIn: time.Hour}.Record()
	if r.Received.Before(before) || r.Received.After(time.Now()) {
		t.Errorf("received at %v", r.Received)
	}
}

// The JSON of a Record is the clear form, and so is the JSON of what has one in
// it; slog's JSON handler makes that of all it has no other way for. This holds
// what the documentation says of it.
func TestRecordInLogs(t *testing.T) {
	t.Parallel()
	r := token.Token{Value: token.NewSecret(canary), ExpiresIn: time.Hour}.Record()
	var text, js bytes.Buffer
	for _, l := range []*slog.Logger{slog.New(slog.NewTextHandler(&text, nil)), slog.New(slog.NewJSONHandler(&js, nil))} {
		l.Info("m", "r", r, "p", &r, slog.Group("g", "r", r), "t", r.Token)
		l.With("r", r).WithGroup("g").Info("m", "r", r)
	}
	slog.New(slog.NewTextHandler(&text, nil)).Info("m", "s", struct{ R token.Record }{r}, "l", []token.Record{r})
	if leaks(text.String()) || leaks(js.String()) {
		t.Errorf("%s%s", &text, &js)
	}
	if !strings.Contains(js.String(), `"r":{"value":"[redacted]","expiry":"0001-01-01T00:00:00Z","expires_in":3600000000000,"received":"`) {
		t.Errorf("%s", &js)
	}
}
