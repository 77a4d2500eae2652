package refresh

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tokenlife/tokenlife/token"
	"github.com/tokenlife/tokenlife/token/seal"
)

// An issued is what version 1 wrote once, and must read for ever.
type issued struct {
	Note       string
	Key        []byte // in base64
	Family     []byte
	Generation uint64
	Subject    string // hidden in the token; empty if there is no tag
	Session    string
	Token      string
	Row        []byte
	Grant      Grant
	Ended      int
	Began      time.Time
	Rotated    time.Time
	Counter    uint64
	Nonce      []byte
	EpochKey   string // of the row of Grant.Subject
}

// issuedFile is written by whoever adds to it, and nothing in it may change once
// it is released.
const issuedFile = "testdata/issuer-v1.json"

func TestIssuedForEver(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(issuedFile)
	if err != nil {
		t.Fatal(err)
	}
	var all []issued
	if err := json.Unmarshal(text, &all); err != nil || len(all) < 3 {
		t.Fatal(len(all), err)
	}
	for _, want := range all {
		i := &Issuer{Keys: &seal.Keyring{Keys: []token.Secret{token.NewSecret(string(want.Key))}}}
		i.Subjects = want.Subject != ""
		written := refreshToken{family: [16]byte(want.Family), generation: want.Generation}
		if want.Subject != "" {
			if err := i.hideSubject(t.Context(), &written, want.Subject); err != nil {
				t.Fatal(err)
			}
		}
		secret, err := i.encode(t.Context(), written)
		if err != nil || secret.Reveal() != want.Token {
			t.Errorf("%s: writes %s, %v", want.Note, secret.Reveal(), err)
		}
		read, err := i.decode(t.Context(), token.NewSecret(want.Token))
		if err != nil || read.family != written.family || read.generation != written.generation || read.tag != written.tag {
			t.Errorf("%s: reads %+v, %v", want.Note, read, err)
		}
		if got := familyKey(&read); got != "family/"+want.Session {
			t.Errorf("%s: is kept under %s", want.Note, got)
		}
		name, seen := i.seenSubject(t.Context(), read)
		if seen != (want.Subject != "") || seen && subjectKey(name) != want.EpochKey {
			t.Errorf("%s: the subject is under %s, %t", want.Note, subjectKey(name), seen)
		}
		row := familyRow{
			end: ending(want.Ended), generation: want.Generation, began: want.Began, rotated: want.Rotated,
			counter: want.Counter, nonce: [16]byte(want.Nonce), grant: want.Grant,
		}
		if diff := cmp.Diff(want.Row, row.encode()); diff != "" {
			t.Errorf("%s: row (-want +got):\n%s", want.Note, diff)
		}
		got, err := decodeRow(want.Row)
		if diff := cmp.Diff(row, got, cmp.AllowUnexported(familyRow{}), cmp.Comparer(time.Time.Equal)); diff != "" || err != nil {
			t.Errorf("%s: row (-want +got), %v:\n%s", want.Note, err, diff)
		}
	}
}

// What is kept of a family is as long after 10 000 exchanges as after one.
func TestIssuerRowSize(t *testing.T) {
	t.Parallel()
	store := new(Memory)
	i := &Issuer{
		Keys:  &seal.Keyring{Keys: []token.Secret{token.NewSecret(strings.Repeat("k", 32))}},
		Store: store,
		Mint: func(context.Context, Grant) (token.Token, error) {
			return token.Token{Value: token.NewSecret("access"), ExpiresIn: time.Hour}, nil
		},
	}
	g := Grant{Subject: "mira", Client: "cli", Scope: "read write", Audience: "https://api.example", Confirm: "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I", Data: []byte("data")}
	p, err := i.Begin(t.Context(), g)
	size := func() (n int) {
		for key, e := range store.entries {
			n += len(key) + len(e.value)
		}
		if len(store.entries) != 1 {
			t.Errorf("%d entries for one family", len(store.entries))
		}
		return n
	}
	first := 0
	for n := range 10_000 {
		if err != nil {
			t.Fatal(err)
		}
		p, err = i.Exchange(t.Context(), Request{Refresh: p.Refresh.Value, Client: "cli", Confirm: g.Confirm})
		if n == 0 {
			first = size()
		}
	}
	for _, e := range store.entries {
		if row, err := decodeRow(e.value); err != nil || row.counter != 10_000 || row.generation != 10_001 {
			t.Errorf("counter %d, generation %d, %v", row.counter, row.generation, err)
		}
	}
	granted := len(g.Subject + g.Client + g.Scope + g.Audience + g.Confirm + string(g.Data))
	if last := size(); last != first || last > 160+granted {
		t.Errorf("%d bytes after one exchange, %d after 10000, %d of them the Grant", first, last, granted)
	}
}

// Whatever is presented, it is the one token that it is, or is refused without
// being repeated.
func FuzzRefreshToken(f *testing.F) {
	i := &Issuer{Keys: &seal.Keyring{Keys: []token.Secret{token.NewSecret(strings.Repeat("k", 32))}}}
	good, err := i.encode(f.Context(), refreshToken{family: [16]byte{1}, generation: 7})
	if err != nil {
		f.Fatal(err)
	}
	text := good.Reveal()
	for _, s := range []string{text, "", text[1:], text + "=", text + "\n", strings.ToLower(text), strings.Repeat("A", len(text)), "canary" + text[6:]} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, err := i.decode(t.Context(), token.NewSecret(s))
		switch {
		case err == nil && (s != text || got.generation != 7):
			t.Errorf("%q is taken for generation %d", s, got.generation)
		case err == nil:
		case !errors.Is(err, token.ErrMalformed) && !errors.Is(err, token.ErrSignature), len(err.Error()) > 200:
			t.Error(err)
		}
	})
}

// Whatever the Store has, it is a row that reads as it was written, or an error
// that blames no token.
func FuzzFamilyRow(f *testing.F) {
	row := familyRow{generation: 3, began: time.UnixMilli(1), rotated: time.UnixMilli(2), grant: Grant{Subject: "mira", Client: "cli", Data: []byte("d")}}
	b := row.encode()
	f.Add(b)
	f.Add(b[:len(b)-1])
	f.Add(append(b[:rowFixed:rowFixed], make([]byte, 100)...))
	f.Add([]byte{2})
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := decodeRow(b)
		if err != nil {
			if errors.Is(err, token.ErrInvalid) || !cmp.Equal(r, familyRow{}, cmp.AllowUnexported(familyRow{})) {
				t.Errorf("%+v, %v", r, err)
			}
			return
		}
		if !cmp.Equal(r.encode(), b) {
			t.Errorf("%x reads as %+v", b, r)
		}
		i := new(Issuer) // whatever the times are
		i.expires(&r)
	})
}
