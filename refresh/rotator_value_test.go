package refresh

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/tokenlife/tokenlife/token"
)

var update = flag.Bool("update", false, "write the golden files anew")

// everything is a state with a value in every member.
func everything() state {
	received := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	return state{
		Version: stateVersion,
		Writes:  7,
		Nonce:   "SRR6NSRUNQKQL2M7ZGRRYOIQZM",
		Number:  1767225600001,
		Access:  &token.Record{Token: token.Token{Value: token.NewSecret("access-7"), ExpiresIn: time.Hour}, Received: received},
		Refresh: &token.Record{Token: token.Token{Value: token.NewSecret("refresh-7"), ExpiresIn: 720 * time.Hour}, Received: received},
		Claim:   &claim{Rotator: "ZD4UG5BVSWOBHLSMKPQUQ3YQ5Q", Holder: "build-3 4711", Lease: 15},
		Unknown: true,
		Dead:    &death{Reason: "invalid_grant", Reused: true, Lost: true},
		Seeds:   []string{strings.Repeat("0a", 32), strings.Repeat("0b", 32)},
		Spent:   []string{strings.Repeat("0c", 32)},
	}
}

var sameState = cmp.Options{
	cmp.Comparer(func(a, b token.Secret) bool { return a.Equal(b) }),
	cmp.Comparer(func(a, b time.Time) bool { return a.Equal(b) }),
}

// What is stored today can be read tomorrow.
func TestStateGolden(t *testing.T) {
	t.Parallel()
	const file = "testdata/pair-v1.json"
	raw, err := everything().encode()
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(file, append(raw, '\n'), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	golden, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(bytes.TrimSpace(golden)), string(raw)); diff != "" {
		t.Errorf("encode (-golden +got):\n%s", diff)
	}
	s, err := decode(bytes.TrimSpace(golden))
	if err != nil {
		t.Fatal(err)
	}
	want := everything()
	if diff := cmp.Diff(&want, s, sameState); diff != "" {
		t.Errorf("decode (-want +got):\n%s", diff)
	}
}

func TestStateDecode(t *testing.T) {
	t.Parallel()
	const rest = `"n":1,"nonce":"n","pair":1,"refresh":{"v":1,"value":"r"}`
	for name, test := range map[string]struct {
		raw  string
		want error
	}{
		"least":              {`{"v":1,` + rest + `}`, nil},
		"dead and forgotten": {`{"v":1,"n":1,"nonce":"n","pair":1,"dead":{"reason":"r"}}`, nil},
		"newer members":      {`{"v":1,"new":1,` + rest + `}`, nil},
		"newer version":      {`{"v":2,"other":[]}`, errNewerState},
		"no version":         {`{` + rest + `}`, errNotAState},
		"odd version":        {`{"v":"1",` + rest + `}`, errNotAState},
		"negative version":   {`{"v":-1,` + rest + `}`, errNotAState},
		"empty":              {``, errNotAState},
		"null":               {`null`, errNotAState},
		"text":               {`refresh-7`, errNotAState},
		"cut":                {`{"v":1,` + rest, errNotAState},
		"more":               {`{"v":1,` + rest + `}{}`, errNotAState},
		"no refresh token":   {`{"v":1,"n":1,"nonce":"n","pair":1}`, errNotAState},
		"empty one":          {`{"v":1,"n":1,"nonce":"n","pair":1,"refresh":{"v":1,"value":""}}`, errNotAState},
		"newer record":       {`{"v":1,"n":1,"nonce":"n","pair":1,"refresh":{"v":9,"value":"r"}}`, errNotAState},
		"no nonce":           {`{"v":1,"n":1,"pair":1,"refresh":{"v":1,"value":"r"}}`, errNotAState},
		"no number":          {`{"v":1,"n":1,"nonce":"n","refresh":{"v":1,"value":"r"}}`, errNotAState},
		"number too high":    {`{"v":1,"n":1,"nonce":"n","pair":9223372036854775807,"refresh":{"v":1,"value":"r"}}`, errNotAState},
		"writes too high":    {`{"v":1,"n":9223372036854775807,"nonce":"n","pair":1,"refresh":{"v":1,"value":"r"}}`, errNotAState},
		"nobody's claim":     {`{"v":1,"claim":{"lease":15},` + rest + `}`, errNotAState},
		"claim without end":  {`{"v":1,"claim":{"rotator":"r"},` + rest + `}`, errNotAState},
		"claim for years":    {`{"v":1,"claim":{"rotator":"r","lease":1e300},` + rest + `}`, errNotAState},
		"negative claim":     {`{"v":1,"claim":{"rotator":"r","lease":-1},` + rest + `}`, errNotAState},
		"claim":              {`{"v":1,"claim":{"rotator":"r","lease":0.5},` + rest + `}`, nil},
	} {
		if _, err := decode([]byte(test.raw)); !errors.Is(err, test.want) || (err == nil) != (test.want == nil) {
			t.Errorf("%s: %v, want %v", name, err, test.want)
		}
	}
}

// What is too long goes without its access token, never without its refresh
// token. What Sealed makes of the rest fits as well.
func TestStateTooLong(t *testing.T) {
	t.Parallel()
	long := func(n int) *token.Record {
		return &token.Record{Token: token.Token{Value: token.NewSecret(strings.Repeat("x", n))}}
	}
	for name, test := range map[string]struct {
		access, refresh *token.Record
		want, kept      bool
	}{
		"short":                        {long(100), long(100), true, true},
		"access token of 44000 bytes":  {long(44000), long(100), true, true},
		"access token of 50000 bytes":  {long(50000), long(100), true, false},
		"access token of a megabyte":   {long(1 << 20), long(100), true, false},
		"refresh token of 60000 bytes": {long(100), long(60000), true, false},
		"refresh token of 66000 bytes": {long(100), long(66000), false, false},
		"access token is no text":      {&token.Record{Token: token.Token{Value: token.NewSecret("\xff")}}, long(100), true, false},
	} {
		s := everything()
		s.Access, s.Refresh = test.access, test.refresh
		raw, err := s.encode()
		if (err == nil) != test.want {
			t.Errorf("%s: %v", name, err)
		}
		if err != nil {
			continue
		}
		got, err := decode(raw)
		if err != nil || len(raw) > maxValue || (got.Access != nil) != test.kept || !got.Refresh.Token.Equal(test.refresh.Token) {
			t.Errorf("%s: %d bytes, access token kept: %t, %v", name, len(raw), got.Access != nil, err)
		}
	}
	if sealed, ok := Sealed(new(Memory), nil).(interface{ MaxValue() int }); ok && sealed.MaxValue() < maxState {
		t.Errorf("Sealed takes %d bytes, a state has up to %d", sealed.MaxValue(), maxState)
	}
}

func TestSeeds(t *testing.T) {
	t.Parallel()
	got := seeded([]string{"1", "2", "3", "4", "5", "6", "7", "8"}, "2", "", "9")
	if want := []string{"3", "4", "5", "6", "7", "8", "2", "9"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestClip(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{"short": "short", "\xff": "?", "éééééé": "éé…", "long enough": "long …"} {
		if got := clip(text, 8); got != want {
			t.Errorf("clip(%q) = %q, want %q", text, got, want)
		}
	}
}

// Whatever is in the Store, reading it does not panic, and what is read can be
// written and read again; a Rotator hands out nothing that is empty or dead.
func FuzzState(f *testing.F) {
	golden, err := os.ReadFile("testdata/pair-v1.json")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(golden)
	for _, raw := range []string{
		`{"v":1,"n":1,"nonce":"n","pair":1,"refresh":{"v":1,"value":"r"}}`,
		`{"v":1,"n":1,"nonce":"n","pair":1,"access":{"v":1,"value":"a","expires_in":3600,"received":"2026-01-01T00:00:00Z"},"refresh":{"v":1,"value":"r"}}`,
		`{"v":1,"n":1,"nonce":"n","pair":1,"access":{"v":1,"value":"a","expires_in":1e300,"received":"9999-12-31T23:59:59Z"},"refresh":{"v":1,"value":"r"}}`,
		`{"v":1,"n":1,"nonce":"n","pair":1,"dead":{"reason":"r"}}`,
		`{"v":1,"n":1,"nonce":"n","pair":1,"unknown":true,"refresh":{"v":1,"value":"r","expires_in":-1e300}}`,
		`{"v":2}`, `null`, `[]`, `{`, "\x00",
	} {
		f.Add([]byte(raw))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		if len(raw) == 0 || len(raw) > maxValue {
			return
		}
		s, err := decode(raw)
		if err == nil {
			again, err := s.encode()
			if err != nil {
				t.Fatalf("what was read cannot be written: %v", err)
			}
			back, err := decode(again)
			if err != nil {
				t.Fatalf("what was written cannot be read: %v", err)
			}
			if back.Access == nil {
				s.Access = nil
			}
			if diff := cmp.Diff(s, back, sameState); diff != "" && json.Valid(again) {
				t.Errorf("read and written (-before +after):\n%s", diff)
			}
			if s.Claim != nil {
				return // a Rotator would wait
			}
		}
		store := new(Memory)
		if _, err := store.Swap(t.Context(), "pair/k", nil, raw, time.Time{}); err != nil {
			t.Fatal(err)
		}
		r := &Rotator{Store: store, Key: "k", Exchanger: ExchangerFunc(func(context.Context, token.Secret) (Pair, error) {
			return Pair{Access: token.Token{Value: token.NewSecret("new"), ExpiresIn: time.Hour}}, nil
		})}
		tok, err := r.Token(t.Context())
		if (err == nil) == tok.IsZero() || tok.ExpiresIn < 0 || errors.Is(err, token.ErrInvalid) {
			t.Errorf("empty %t, %v left, error %v", tok.IsZero(), tok.ExpiresIn, err)
		}
	})
}
