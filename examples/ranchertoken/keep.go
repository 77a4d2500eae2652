package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/tokenlife/tokenlife/rancher"
	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/token"
)

// keep keeps the token fresh, until ctx is done or it is over. On a terminal a
// line shows how much of its life is left; elsewhere there is a line when
// something happens.
func (t *tool) keep(ctx context.Context) error {
	if t.v2beta != nil { // it will log in again and again
		if err := t.askUser(ctx); err != nil {
			return err
		}
	}
	tok, err := t.fresh.Token(ctx)
	if err != nil {
		return t.plain(err)
	}
	t.tell()
	until := "until Ctrl-C"
	if t.during > 0 {
		until = "for " + t.during.String()
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, t.during)
		defer cancel()
	}
	t.say("keeping it fresh %s: %s", until, t.describe(tok))
	err = t.watch(ctx)
	t.draw("")
	if err == nil {
		t.say("what is kept stays good: the next run goes on with it")
	}
	return err
}

// watch runs what keeps the token fresh, and looks at it.
func (t *tool) watch(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		_ = t.fresh.Run(ctx) // it ends with ctx
	}()
	defer func() { stop(); <-stopped }()
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	ask := time.NewTimer(0)
	defer ask.Stop()
	var whole time.Duration // life of the token
	var last token.Token
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ask.C:
			t.replaceRefused(ctx)
			ask.Reset(30 * time.Second)
		case <-tick.C:
		}
		tok, err := t.fresh.Token(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, token.ErrRefused), errors.Is(err, errNoLogin):
			return fmt.Errorf("there is nothing to keep fresh any more: %w", t.plain(err))
		case err != nil:
			t.draw("no good token now")
			continue
		case !tok.Equal(last):
			last, whole = tok, tok.ExpiresIn
		}
		t.draw(fmt.Sprintf("%s  %v left", bar(30, tok.ExpiresIn, whole), round(tok.ExpiresIn)))
	}
}

// replaceRefused has the token be replaced if the server refuses it, as one that
// somebody has deleted. A Transport does so too, when it is used.
func (t *tool) replaceRefused(ctx context.Context) {
	tok, err := t.fresh.Token(ctx)
	if err != nil {
		return
	}
	if p, err := t.api.Probe(ctx, tok.Value); err == nil && !p.Live {
		t.say("the server refuses it: the command diagnose says why")
		t.fresh.Invalidate(tok)
	}
}

// event tells what becomes of the token that is kept fresh.
func (t *tool) event(e refresh.Event) {
	switch e.Kind {
	case refresh.Failed, refresh.StoreFailed:
		if !errors.Is(e.Err, errNoLogin) && t.tells() {
			t.say("%s", oneLine(e.String()))
		}
	case refresh.Renewed, refresh.Obtained:
		if t.tells() {
			t.say("renewed, for another %v", round(e.ExpiresIn))
		}
	}
}

// told tells what becomes of the tokens of 2.x.
func (t *tool) told(e rancher.V3Event) {
	switch e.Kind {
	case rancher.V3Clamped, rancher.V3Left:
		t.say("%s", oneLine(e.String()))
	case rancher.V3Created, rancher.V3Deleted:
		if t.tells() {
			t.say("%s", oneLine(e.String()))
		}
	}
}

// tell has it tell from now on what becomes of the token, and tells reports
// whether it does.
func (t *tool) tell() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.telling = true
}

func (t *tool) tells() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.telling
}

// say writes a line, above the one that is drawn.
func (t *tool) say(format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	line := fmt.Sprintf(format, args...) + "\n"
	if t.drawn != "" {
		line = erase + line
	}
	t.drawn = ""
	fmt.Fprint(t.out, line)
}

// erase has a terminal forget the line that the cursor is on (ECMA-48).
const erase = "\r\x1b[K"

// draw draws a line in the place of the one drawn before, on a terminal.
func (t *tool) draw(line string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.live && line != t.drawn {
		t.drawn = line
		fmt.Fprint(t.out, erase+line)
	}
}

// bar draws how much of a life is left.
func bar(width int, left, whole time.Duration) string {
	full := 0
	if whole > 0 {
		full = max(0, min(width, int(float64(left)/float64(whole)*float64(width)+0.5)))
	}
	return "[" + strings.Repeat("#", full) + strings.Repeat(".", width-full) + "]"
}

// isTerminal reports whether w is a terminal that knows what it is told.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	term := os.Getenv("TERM")
	return err == nil && info.Mode()&os.ModeCharDevice != 0 && term != "" && term != "dumb"
}
