package refresh_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/token"
	"github.com/tokenlife/tokenlife/token/seal"
)

// What is forged or malformed never reaches the Store, nor Mint, and is repeated
// nowhere.
func TestIssuerForged(t *testing.T) {
	t.Parallel()
	for _, subjects := range []bool{false, true} {
		d := newDesk(t)
		d.Subjects = subjects
		good := d.begin(mira).Refresh.Value.Reveal()
		foreign := newDesk(t)
		foreign.Keys = ringOf("f")
		forged := map[string]error{
			"": token.ErrMalformed, "x": token.ErrMalformed, good[1:]: token.ErrMalformed, good + "A": token.ErrMalformed,
			good + "=": token.ErrMalformed, " " + good[1:]: token.ErrMalformed, good[:105] + "\n": token.ErrMalformed,
			"Ag" + good[2:]: token.ErrMalformed, strings.Repeat(".", 106): token.ErrMalformed, strings.Repeat("A", 10<<20): token.ErrMalformed,
			foreign.begin(mira).Refresh.Value.Reveal(): token.ErrSignature,
		}
		for i := range good {
			for _, c := range []byte("AQgw-_.\n=") {
				if good[i] != c {
					forged[good[:i]+string(c)+good[i+1:]] = token.ErrInvalid
				}
			}
		}
		// Each part moved, and a MAC for another purpose.
		raw, _ := base64.RawURLEncoding.DecodeString(good)
		id, mac, err := d.Keys.MAC(t.Context(), "refresh", append([]byte{1}, raw[7:47]...))
		if err != nil {
			t.Fatal(err)
		}
		moved := append(append(append([]byte{1}, id[:]...), raw[7:47]...), mac[:]...)
		forged[base64.RawURLEncoding.EncodeToString(moved)] = token.ErrSignature
		d.mints.Store(0)
		if got := d.calls(func() {
			for text, want := range forged {
				_, err := d.Exchange(t.Context(), refresh.Request{Refresh: token.NewSecret(text), Client: "cli"})
				if !errors.Is(err, want) || len(err.Error()) > 200 || len(text) > 50 && strings.Contains(err.Error(), text[:50]) {
					t.Errorf("%.200q: %v; want %v", text, err, want)
				}
			}
		}); got != [2]int{} {
			t.Errorf("%v gets and swaps", got)
		}
		if n := d.mints.Load(); n != 0 {
			t.Errorf("%d minted", n)
		}
		d.told()
	}
}

// A key is replaced in two steps, and old tokens are good while it is there.
func TestIssuerKeys(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		before := beside(d) // a replica that has not been told yet
		p := d.begin(mira)
		old := p
		for _, keys := range []string{"kn", "nk", "n"} {
			d.Keys = ringOf(keys)
			p = d.next(p)
			if keys == "nk" {
				before.Keys = ringOf("kn")
				// The same successor, under another key: either is good, and both
				// are one.
				again := before.next(old)
				if q := before.next(again); !q.Access.IsZero() {
					p = d.next(q)
				}
			}
			old = p
		}
		d.Keys = ringOf("z")
		d.refuses(p, token.ErrSignature)
	})
}

// Keys that cannot be had are not the token's fault.
func TestIssuerKeysAway(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		p := d.begin(mira)
		for _, err := range []error{errors.New("vault: sealed"), token.ErrExpired, token.ErrRefused} {
			d.Keys = &seal.Keyring{Load: func(context.Context) ([]token.Secret, error) { return nil, err }}
			_, err := d.ask(p)
			undecided(t, err, refresh.Transient)
			undecided(t, d.Revoke(context.Background(), refresh.Request{Refresh: p.Refresh.Value, Client: "cli"}), refresh.Transient)
			if _, err := d.Begin(context.Background(), mira); err == nil || errors.Is(err, token.ErrInvalid) || errors.Is(err, token.ErrRefused) {
				t.Error(err)
			}
			d.told(refresh.AuditFailed, refresh.AuditFailed)
		}
	})
}

// Who sees tokens cannot tell whose they are, nor whether two are of the same
// subject.
func TestIssuerSubjectIsHidden(t *testing.T) {
	t.Parallel()
	d := subjectsDesk(t)
	seen := make(map[string]bool)
	for range 100 {
		raw, _ := base64.RawURLEncoding.DecodeString(d.begin(mira).Refresh.Value.Reveal())
		tag := string(raw[31:47])
		if seen[tag] || tag == strings.Repeat("\x00", 16) {
			t.Fatal("the same tag again, or none")
		}
		seen[tag] = true
	}
}

func TestAudit(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		audit      refresh.Audit
		line, text string
	}{
		{refresh.Audit{Kind: refresh.AuditReuse, Session: "5e55", Subject: "mira", Client: "cli", Presented: 2, Current: 7},
			`reuse: session 5e55 of subject "mira", client "cli", generation 2 of 7`,
			`audit.kind=reuse audit.session=5e55 audit.subject=mira audit.client=cli audit.presented=2 audit.current=7`},
		{refresh.Audit{Kind: refresh.AuditFailed, Client: "cli\n", Err: errors.New("disk full")},
			`failed, client "cli\n": disk full`,
			`audit.kind=failed audit.client="cli\n" audit.error="disk full"`},
		{refresh.Audit{}, `AuditKind(0)`, `audit.kind=AuditKind(0)`},
	} {
		if got := test.audit.String(); got != test.line {
			t.Errorf("%s", got)
		}
		var b strings.Builder
		slog.New(slog.NewTextHandler(&b, &slog.HandlerOptions{ReplaceAttr: func(g []string, a slog.Attr) slog.Attr {
			if len(g) == 0 {
				return slog.Attr{}
			}
			return a
		}})).Info("", "audit", test.audit)
		if diff := cmp.Diff(test.text+"\n", b.String()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
	want := map[refresh.AuditKind]string{
		refresh.AuditReuse: "reuse", refresh.AuditGrace: "grace", refresh.AuditClient: "client", refresh.AuditScope: "scope",
		refresh.AuditConfirm: "confirm", refresh.AuditStoreLost: "store lost", refresh.AuditFailed: "failed", 99: "AuditKind(99)", -1: "AuditKind(-1)",
	}
	for kind, text := range want {
		if kind.String() != text {
			t.Errorf("%d: %v", kind, kind)
		}
	}
}

// An OnAudit that panics spoils nothing.
func TestIssuerAuditPanics(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	p := d.begin(mira)
	d.next(p)
	d.OnAudit = func(context.Context, refresh.Audit) { panic("canary") }
	d.next(p)
	d.OnAudit = nil
	d.next(p)
}

// Nothing of what an Issuer says or stores has a token in it, nor what a token
// could be made of.
func TestIssuerNothingPrints(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		var said strings.Builder
		d.OnAudit = func(_ context.Context, a refresh.Audit) {
			fmt.Fprintf(&said, "%v %+v %#v\n", a, a, a)
			slog.New(slog.NewJSONHandler(&said, nil)).Info("audit", "audit", a)
		}
		pairs := []refresh.Pair{d.begin(mira)}
		for range 3 {
			pairs = append(pairs, d.next(pairs[len(pairs)-1]))
		}
		d.next(pairs[2])
		key := "family/" + d.minted().Session
		row, _ := d.memory.Get(t.Context(), key)
		for _, p := range pairs {
			_, err := d.ask(p)
			_, other := d.Exchange(t.Context(), refresh.Request{Refresh: p.Refresh.Value, Client: "other"})
			fmt.Fprintf(&said, "%v %+v %#v %v %#v\n", err, err, err, other, other)
		}
		fmt.Fprintf(&said, "%v %+v %#v\n", &d.Issuer, &d.Issuer, &d.Issuer)
		time.Sleep(time.Hour)
		for _, p := range pairs {
			text := p.Refresh.Value.Reveal()
			raw, _ := base64.RawURLEncoding.DecodeString(text)
			family := string(raw[7:23])
			for _, secret := range []string{text, string(raw), family, fmt.Sprintf("%x", family), p.Access.Value.Reveal()} {
				if strings.Contains(said.String(), secret) || strings.Contains(key, secret) || strings.Contains(string(row), secret) {
					t.Fatalf("a secret of %d bytes was said, or stored", len(secret))
				}
			}
		}
	})
}
