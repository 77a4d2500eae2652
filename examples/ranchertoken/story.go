package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/tokenlife/tokenlife/rancher"
	"github.com/tokenlife/tokenlife/token"
)

// A story is what happens to one tool at one server.
type story struct {
	name   string // "1.6"
	server *rancher.Server
	options
	play func()

	ctx   context.Context
	out   io.Writer
	steps int
	err   error // that ended it
}

// step is a part of the story: f says what came of it. The first that fails ends
// the story.
func (s *story) step(what string, f func() (string, error)) {
	if s.err != nil || s.ctx.Err() != nil {
		return
	}
	came, err := f()
	if s.ctx.Err() != nil {
		return
	}
	s.steps++
	if err != nil {
		s.err = fmt.Errorf("%s: %s: %w", s.name, what, err)
		came = "WRONG: " + oneLine(err.Error())
	}
	for line := range strings.Lines(strings.TrimSuffix(came, "\n")) {
		fmt.Fprintf(s.out, "%s  %-28s  %s\n", s.name, what, strings.TrimSuffix(line, "\n"))
		what = ""
	}
}

// tool returns a tool with what the story keeps, as a run of the program of its
// own has it.
func (s *story) tool(out io.Writer) (*tool, error) {
	t, err := newTool(s.ctx, s.server, s.options, out)
	if err == nil {
		t.asked = token.NewSecret(demoPassword)
	}
	return t, err
}

const demoPassword = "open sesame"

// run is a step that runs a command, which must say what is wanted.
func (s *story) run(what string, command func(*tool) error, wants ...string) {
	s.step(what, func() (string, error) {
		var out bytes.Buffer
		t, err := s.tool(&out)
		if err != nil {
			return "", err
		}
		if err := command(t); err != nil {
			return "", err
		}
		for _, want := range wants {
			if !strings.Contains(out.String(), want) {
				return "", fmt.Errorf("it says %q, and nothing of %q", out.String(), want)
			}
		}
		return out.String(), nil
	})
}

// wrongPassword is a step that is refused.
func (s *story) wrongPassword() {
	s.step("log in, wrong password", func() (string, error) {
		t, err := s.tool(io.Discard)
		if err != nil {
			return "", err
		}
		_, err = t.api.Login(s.ctx, rancher.Credentials{Username: "admin", Password: token.NewSecret("open barley")})
		if !errors.Is(err, rancher.ErrCredentials) {
			return "", fmt.Errorf("the answer is not that they are wrong: %w", err)
		}
		return err.Error(), nil
	})
}

// keepFresh is a step that keeps the token fresh for a while, and calls the server
// with it all the time. No call may be refused, and there must be several tokens.
func (s *story) keepFresh(what string, during time.Duration, url string, dead func() int) {
	s.step(what, func() (string, error) {
		var out bytes.Buffer
		t, err := s.tool(&lines{out: &out})
		if err != nil {
			return "", err
		}
		t.during = during
		t.tell()
		over := make(chan error, 1)
		go func() { over <- t.keep(s.ctx) }()
		client := &http.Client{Transport: t.api.Transport(t.fresh)}
		calls, refused := 0, 0
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case err = <-over:
			case <-tick.C:
				resp, err := client.Get(url)
				if err != nil {
					return "", err
				}
				resp.Body.Close()
				calls++
				if resp.StatusCode != http.StatusOK {
					refused++
				}
				continue
			}
			break
		}
		renewed := strings.Count(out.String(), "renewed, ")
		told := fmt.Sprintf("%d calls in %v with %d tokens one after the other: %d were refused, and %d tokens sent that were dead", calls, during, renewed+1, refused, dead())
		if err == nil && (refused > 0 || dead() > 0 || renewed < 2 || calls < 20) {
			err = errors.New(told)
		}
		return told, err
	})
}

// diagnosed is a step that has a refused token explained, with a cause that is
// wanted.
func (s *story) diagnosed(what string, suspect func() (rancher.Suspect, rancher.API, error), want string) {
	s.step(what, func() (string, error) {
		suspect, api, err := suspect()
		if err != nil {
			return "", err
		}
		d := api.Diagnose(s.ctx, suspect)
		if len(d.Findings) == 0 || !d.Findings[0].Certain || !strings.Contains(strings.ToLower(d.Findings[0].Cause), want) {
			return "", fmt.Errorf("the diagnosis is: %s", d)
		}
		return d.Findings[0].Cause + "\nto do: " + d.Findings[0].Remedy, nil
	})
}

// empty is a step that finds no token that is good.
func (s *story) empty(good func() int) {
	s.step("what is left at the server", func() (string, error) {
		if n := good(); n > 0 {
			return "", fmt.Errorf("%d tokens that are good", n)
		}
		return "no token that is good", nil
	})
}

// lines is a writer for several goroutines.
type lines struct {
	mu  sync.Mutex
	out io.Writer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.out.Write(p)
}
