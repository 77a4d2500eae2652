package main

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/tokenlife/tokenlife/token"
)

// TestRefused has one kubectl come back for a token, as client-go does after a 401: it
// gets another, and so does whoever comes next.
func TestRefused(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.env = []string{"KUBECTL_LOGIN_RUNS=2"}
	tokens := b.run(t, "get-token").tokens(t)
	if len(tokens) != 2 || tokens[0] == tokens[1] {
		t.Errorf("%d tokens, want two different ones", len(tokens))
	}
	b.saw(t, counts{Authorizations: 1, Logins: 1, Exchanges: 1})
	b.env = nil
	for range 2 { // they are no kubectl that has had one
		if got := b.run(t, "get-token").tokens(t); !slices.Equal(got, tokens[1:]) {
			t.Error("another kubectl got another token")
		}
	}
	b.saw(t, counts{Authorizations: 1, Logins: 1, Exchanges: 1})
}

// TestRefusedTogether has a kubectl come back for a refused token while it is being
// replaced for another kubectl: it gets the new one, too.
func TestRefusedTogether(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.run(t, "get-token").tokens(t)
	gate, come := make(chan struct{}), make(chan struct{})
	b.issuer.set(func(i *issuer) { i.gate, i.come = gate, come })
	b.env = []string{"KUBECTL_LOGIN_RUNS=2"}
	cmd, had := b.command(t, "get-token"), &watcher{text: "\n", seen: make(chan struct{})}
	cmd.Stdout = had
	again, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	second := begin(t, cmd)
	<-had.seen // the token that is to be refused
	first := begin(t, b.command(t, "get-token"))
	<-come
	again.Close()
	time.Sleep(time.Second) // nothing shows when it has come back
	close(gate)
	one, two := (<-first).tokens(t), (<-second).tokens(t)
	if !slices.Equal(one, two) || len(one) != 2 || one[0] == one[1] {
		t.Errorf("%d and %d tokens, want two and the same two", len(one), len(two))
	}
	b.saw(t, counts{Authorizations: 1, Logins: 1, Exchanges: 1})
}

// TestRefusedAlways has a kubectl come back at once, again and again: to replace the
// token does not help.
func TestRefusedAlways(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.run(t, "get-token").tokens(t)
	b.env = []string{"KUBECTL_LOGIN_RUNS=12"}
	began := time.Now()
	b.run(t, "get-token").tokens(t)
	most := 6 // in half a minute and in a whole one: the pauses are of 1, 2, 4, 8, 16 and 32 seconds
	for at := 63 * time.Second; at <= time.Since(began); at += pause(most) {
		most++ // on a busy machine
	}
	if n := b.issuer.counts().Exchanges; n < 1 || n > most {
		t.Errorf("%d exchanges for a token that is always refused, want a few of 12", n)
	}
}

// TestRefusedAndAway has the token refused while the issuer is away: no token is handed
// out that is known to be refused, and nobody is asked to log in.
func TestRefusedAndAway(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	g := b.getter(t)
	if _, err := g.token(t.Context()); err == nil {
		t.Fatal("a token before there was a login")
	}
	b.issuer.set(func(i *issuer) { i.down = false })
	b.run(t, "get-token").tokens(t)
	if _, err := g.token(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.issuer.set(func(i *issuer) { i.down = true })
	again := b.getter(t) // as another process of the same parent
	if _, err := again.token(t.Context()); err == nil {
		t.Error("a refused token was handed out again")
	}
	b.issuer.set(func(i *issuer) { i.down = false })
	b.saw(t, counts{Authorizations: 1, Logins: 1})
}

// TestHanded has the record kept within bounds, and nobody taken for refused who comes
// back when that is no wonder.
func TestHanded(t *testing.T) {
	t.Parallel()
	g := newBench(t).getter(t)
	read := func() (h handings) {
		t.Helper()
		raw, err := g.store.Get(t.Context(), "handed/"+g.Key)
		if err != nil || json.Unmarshal(raw, &h) != nil {
			t.Fatal(err)
		}
		return h
	}
	tok := token.Token{Value: token.NewSecret("secret"), ExpiresIn: 10 * time.Minute}
	for n := range 2 * maxHandings {
		g.parent = string(rune('A' + n)) // no process: nobody knows whether it runs
		g.hand(t.Context(), tok)
		g.hand(t.Context(), tok)
	}
	h := read()
	if len(h.To) != maxHandings || h.To[maxHandings-1].Parent != g.parent {
		t.Errorf("%d are remembered, want the newest %d", len(h.To), maxHandings)
	}
	now := time.Now()
	for at, want := range map[time.Duration]bool{0: true, 8 * time.Minute: true, 9 * time.Minute: false, time.Hour: false} {
		if got := h.has(g.parent, digest(tok), now.Add(at)); got != want {
			t.Errorf("has after %v = %t, want %t", at, got, want)
		}
	}
	if h.has(g.parent, digest(token.Token{Value: token.NewSecret("other")}), now) || h.has("nobody", digest(tok), now) {
		t.Error("another token, or another process, was taken for one that comes back")
	}

	// A token that has run out is forgotten, whoever has it.
	g.parent = "Z"
	g.hand(t.Context(), token.Token{Value: token.NewSecret("old"), ExpiresIn: time.Nanosecond})
	g.parent = "A"
	g.hand(t.Context(), tok)
	if h = read(); h.To[len(h.To)-2].Parent == "Z" {
		t.Error("a token that has run out is remembered")
	}

	g.parent = "1 0" // a number that another process has now
	g.hand(t.Context(), tok)
	g.parent = parentProcess()
	g.hand(t.Context(), tok)
	h = read()
	if slices.ContainsFunc(h.To, func(d handing) bool { return d.Parent == "1 0" }) && began(1) != "" {
		t.Error("a process that has ended is remembered")
	}
	if !slices.ContainsFunc(h.To, func(d handing) bool { return d.Parent == g.parent }) {
		t.Error("the process that has just been given a token is not remembered")
	}
}

func TestPause(t *testing.T) {
	t.Parallel()
	last := time.Duration(0)
	for n := range 200 {
		d := pause(n)
		if d < last || d < time.Second || d > time.Minute {
			t.Errorf("pause(%d) = %v after %v", n, d, last)
		}
		last = d
	}
	if last != time.Minute {
		t.Errorf("the longest pause is %v", last)
	}
}

// TestReplace has somebody come back every five seconds for an hour, to whom no token
// is any good: the issuer is not asked for another each time.
func TestReplace(t *testing.T) {
	t.Parallel()
	var h handings
	began := time.Now()
	replaced := 0
	for at := time.Duration(0); at < time.Hour; at += 5 * time.Second {
		if h.replace(began.Add(at)) {
			replaced++
		}
	}
	if replaced < 55 || replaced > 70 {
		t.Errorf("%d tokens were replaced in an hour, want about one a minute", replaced)
	}
	later := began.Add(2 * time.Hour)
	if !h.replace(later) || h.Count != 1 {
		t.Error("what was refused long ago delays the next")
	}
	if h.replace(later) || !h.replace(later.Add(-time.Minute)) {
		t.Error("two at once were replaced, or a clock that was put back stops it")
	}
}
