package rotation_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"github.com/tokenlife/tokenlife/internal/e2e/process"
	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/token"
	"github.com/tokenlife/tokenlife/token/oauth2adapt"
)

// TestMain runs the tests, or, in a process that one of them has started, a
// holder.
func TestMain(m *testing.M) {
	if os.Getenv(holderVariable) != "" {
		hold()
		return
	}
	os.Exit(m.Run())
}

const (
	holderVariable = "TOKENLIFE_ROTATION_HOLDER"
	callers        = 8           // in each process
	patience       = time.Minute // of each
)

// A setup is what a holder is told in its first line.
type setup struct {
	TokenURL, ClientID, ClientSecret string
	Folder                           string
	NoLock                           bool // they have nothing but claims
	Access, Refresh                  token.Record
}

// rotator returns the Rotator that every holder of the pair has.
func (s setup) rotator() *refresh.Rotator {
	now := time.Now()
	var store refresh.Store = &refresh.Dir{Path: s.Folder}
	if s.NoLock {
		store = struct{ refresh.Store }{store}
	}
	return &refresh.Rotator{
		Exchanger: &oauth2adapt.Exchanger{Config: &oauth2.Config{
			ClientID: s.ClientID, ClientSecret: s.ClientSecret,
			Endpoint: oauth2.Endpoint{TokenURL: s.TokenURL},
		}},
		Store: store, Key: "e2e",
		Initial: refresh.Pair{Access: s.Access.At(now), Refresh: s.Refresh.At(now)},
	}
}

// A holder is a process that holds the pair, for many callers.
type holder struct {
	setup   setup
	rotator *refresh.Rotator
	last    token.Token // what all have been given
}

// hold is spoken to on standard input, a line at a time, and answers with the
// line and what it asks for:
//
//	setup {...}   be a holder of this pair
//	token         what its callers are given, all at once
//	refuse        the same, when each has refused the token that it had
//
// A Rotator does not give up one token after the other just because somebody
// refuses them all. So those who refuse share a new one each time, as after a
// restart; what the old one makes of it, which has another in its memory than
// is in the Store, is asked for at the same time.
func hold() {
	var h holder
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		line := lines.Text()
		command, rest, _ := strings.Cut(line, " ")
		answer := ""
		switch command {
		case "setup":
			if err := json.Unmarshal([]byte(rest), &h.setup); err != nil {
				answer = err.Error()
			}
			h.rotator = h.setup.rotator()
		case "token":
			answer = h.all(h.rotator, func() {})
		case "refuse":
			restarted, before := h.setup.rotator(), h.last
			var wg sync.WaitGroup
			wg.Go(func() {
				ctx, cancel := context.WithTimeout(context.Background(), patience)
				defer cancel()
				if _, err := h.rotator.Token(ctx); err != nil {
					answer = " and without a restart: " + err.Error()
				}
			})
			given := h.all(restarted, func() { restarted.Invalidate(before) })
			wg.Wait()
			answer = given + answer
		}
		fmt.Println(line + answer)
	}
}

// all has all callers ask r at once, when they have done f, and returns what
// they are given, each thing once.
func (h *holder) all(r *refresh.Rotator, f func()) string {
	given := make([]string, callers)
	var wg sync.WaitGroup
	for i := range callers {
		wg.Go(func() {
			f()
			ctx, cancel := context.WithTimeout(context.Background(), patience)
			defer cancel()
			tok, err := r.Token(ctx)
			given[i] = describe(tok, err)
			if err == nil && i == 0 {
				h.last = tok
			}
		})
	}
	wg.Wait()
	slices.Sort(given)
	return " " + strings.Join(slices.Compact(given), ", ")
}

// describe returns the fingerprint of a token, or what is wrong.
func describe(tok token.Token, err error) string {
	switch {
	case errors.Is(err, refresh.ErrReused):
		return "reused"
	case errors.Is(err, refresh.ErrLost):
		return "lost"
	case errors.Is(err, token.ErrRefused):
		return "refused"
	case err != nil:
		return err.Error()
	}
	return tok.Value.Fingerprint()
}

// startHolders starts n processes that hold p.
func (i issuer) startHolders(t *testing.T, n int, s setup) (holders []*process.Process) {
	t.Helper()
	line, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for k := range n {
		cmd := exec.Command(exe)
		cmd.Env = append(os.Environ(), holderVariable+"=1")
		log := filepath.Join(t.TempDir(), fmt.Sprint("holder", k, ".log"))
		p, err := process.Start(cmd, log)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			p.Kill()
			if t.Failed() {
				t.Logf("holder %d: %s", k, process.LogTail(log))
			}
		})
		if err := p.Command("setup " + string(line)); err != nil {
			t.Fatal(err)
		}
		holders = append(holders, p)
	}
	return holders
}

// ask asks all holders at once, and returns what they all have been given.
func ask(t *testing.T, holders []*process.Process, line string) string {
	t.Helper()
	given := make([]string, len(holders))
	var wg sync.WaitGroup
	for k, p := range holders {
		wg.Go(func() {
			answer, err := p.Ask(line)
			if err != nil {
				answer = err.Error()
			}
			given[k] = strings.TrimSpace(answer)
		})
	}
	wg.Wait()
	slices.Sort(given)
	return strings.Join(slices.Compact(given), ", ")
}

// setupFor returns the setup of holders of p.
func (i issuer) setupFor(t *testing.T, p refresh.Pair) setup {
	return setup{
		TokenURL: i.config.Endpoint.TokenURL, ClientID: i.config.ClientID, ClientSecret: i.config.ClientSecret,
		Folder: filepath.Join(t.TempDir(), "store"),
		Access: p.Access.Record(), Refresh: p.Refresh.Record(),
	}
}
