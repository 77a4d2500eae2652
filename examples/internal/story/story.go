// Package story is what the examples that are servers tell: requests, what is
// answered to each, and what the server wrote to its log meanwhile.
package story

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/tokenlife/tokenlife/token"
)

// A Story makes requests to an API and tells what comes of them. The first
// request that gets no answer ends it.
type Story struct {
	API   string        // its URL
	Log   Log           // what the API's log is to be written to
	Later time.Duration // what the Retry-After of the last answer says

	ctx  context.Context
	out  io.Writer
	live bool // out is a terminal, where a line can be taken back

	answers, wrong int
	err            error // that ends it
}

// New returns a Story that is told to out, until ctx is done.
func New(ctx context.Context, out io.Writer) *Story {
	return &Story{ctx: ctx, out: out, live: isTerminal(out)}
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

// Section begins a part of the story.
func (s *Story) Section(title string) {
	if s.err == nil {
		fmt.Fprintf(s.out, "\n%s\n", title)
	}
}

// Get and Post send a token to the API, which must answer with the status want.
func (s *Story) Get(want int, what string, t token.Secret)  { s.send("GET", "/hello", want, what, t) }
func (s *Story) Post(want int, what string, t token.Secret) { s.send("POST", "/notes", want, what, t) }

func (s *Story) send(method, path string, want int, what string, t token.Secret) {
	if s.err != nil {
		return
	}
	s.pending(what)
	began := time.Now()
	resp, text, err := s.do(method, path, t)
	took := time.Since(began).Round(10 * time.Millisecond)
	if err != nil {
		s.err = err
		s.pending("")
		return
	}
	s.answers++
	s.Later = 0
	if n, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil {
		s.Later = time.Duration(n) * time.Second
		text += fmt.Sprintf("; Retry-After: %d", n)
	}
	if took >= 200*time.Millisecond {
		text += fmt.Sprintf("; took %v", took)
	}
	if resp.StatusCode != want {
		s.wrong++
		text += fmt.Sprintf(" <-- WRONG: must be %d", want)
	}
	s.pending("")
	fmt.Fprintf(s.out, "  %d  %-40s  %s\n", resp.StatusCode, what, text)
	for _, line := range s.Log.take() {
		fmt.Fprintf(s.out, "         log: %s\n", line)
	}
}

// do makes a request and reads the answer.
func (s *Story) do(method, path string, t token.Secret) (*http.Response, string, error) {
	ctx, cancel := context.WithTimeout(s.ctx, 15*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, s.API+path, nil)
	if err != nil {
		return nil, "", err
	}
	if !t.IsZero() {
		token.New(t).SetHeader(r)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, 1<<10))
	return resp, strings.TrimSpace(string(text)), err
}

// Wait lets time pass.
func (s *Story) Wait(d time.Duration) {
	if s.err != nil {
		return
	}
	s.pending(fmt.Sprintf("waiting %v", d))
	select {
	case <-s.ctx.Done():
	case <-time.After(d):
	}
	s.pending("")
}

// pending shows what has begun, on a terminal; with "" it is over.
func (s *Story) pending(what string) {
	switch {
	case !s.live:
	case what == "":
		fmt.Fprint(s.out, "\r\x1b[K")
	default:
		fmt.Fprintf(s.out, "  ...  %s", what)
	}
}

// End ends the story. It is an error if an answer was wrong or is missing.
func (s *Story) End() error {
	switch {
	case s.ctx.Err() != nil:
		return fmt.Errorf("interrupted after %d answers", s.answers)
	case s.err != nil:
		return s.err
	case s.wrong > 0:
		return fmt.Errorf("%d of %d answers were not as they must be", s.wrong, s.answers)
	}
	fmt.Fprintf(s.out, "\nAll %d answers were as they must be.\n", s.answers)
	return nil
}

// A Log is kept until the next answer is told.
type Log struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements [io.Writer].
func (l *Log) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

// take returns the lines that have come.
func (l *Log) take() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	text := strings.TrimSuffix(l.text.String(), "\n")
	l.text.Reset()
	if text == "" {
		return nil
	}
	return strings.Split(text, "\n")
}
