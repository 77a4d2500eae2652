package kill9

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/token"
	"github.com/tokenlife/tokenlife/token/seal"
)

const (
	client = "shared"

	// delay is the longest that the issuer takes for an answer.
	delay = 50 * time.Millisecond
)

// An issuer is ours, behind our endpoint, slowed down and with a log.
type issuer struct {
	*journal
	issuer *refresh.Issuer
	url    string // of its token endpoint

	// exchanging is held from the last look at whether a holder lives until its
	// request is answered: however long this process is stopped in between, nobody
	// else goes on meanwhile.
	exchanging sync.Mutex
}

func newIssuer(t *testing.T, j *journal, grace time.Duration) *issuer {
	s := &issuer{journal: j}
	s.issuer = &refresh.Issuer{
		Mint: func(context.Context, refresh.Grant) (token.Token, error) {
			return token.Token{Value: token.NewSecret(rand.Text()), ExpiresIn: 10 * time.Minute}, nil
		},
		Keys:    &seal.Keyring{Keys: []token.Secret{token.NewSecret(rand.Text() + rand.Text())}},
		Store:   new(refresh.Memory),
		Grace:   grace,
		OnAudit: s.audit,
	}
	srv := httptest.NewServer(s.slow(&refresh.Endpoint{Issuer: s.issuer}))
	t.Cleanup(srv.Close)
	s.url = srv.URL
	return s
}

// login returns the pair of a new login.
func (s *issuer) login(t *testing.T) refresh.Pair {
	t.Helper()
	p, err := s.issuer.Begin(t.Context(), refresh.Grant{Subject: "ann", Client: client})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// slow serves e, late, and writes down what it is asked and answers. An exchange
// that has begun goes on also if the holder does not live to see the answer. One
// that has not is left, as net/http tells a handler by its context: else a
// request of a dead holder could come so late that the others are two tokens
// further on, which is what a thief looks like.
func (s *issuer) slow(e *refresh.Endpoint) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
		if err != nil {
			return // the holder is gone
		}
		form, _ := url.ParseQuery(string(body))
		p := &post{presented: token.NewSecret(form.Get("refresh_token")).Fingerprint(), arrived: time.Now()}
		fmt.Sscan(r.UserAgent(), &p.holder, &p.number)
		s.write(func() { s.posts = append(s.posts, p) })

		whole := mathrand.N(delay)
		before := mathrand.N(whole + 1)
		answer := httptest.NewRecorder()
		answer.Code = 0
		var parsed struct {
			Refresh string `json:"refresh_token"`
			Error   string `json:"error"`
		}
		ctx := r.Context()
		if wait(ctx, before) {
			s.exchanging.Lock()
			if s.waits(ctx, p.request) {
				r = r.WithContext(context.WithoutCancel(ctx))
				r.Body = io.NopCloser(bytes.NewReader(body))
				answer.Code = http.StatusOK
				e.Token(answer, r)
				json.Unmarshal(answer.Body.Bytes(), &parsed)
				if parsed.Refresh != "" {
					// At once: if the holder is gone, the next one may ask and be answered
					// while this answer is still held back.
					s.write(func() { p.successor = token.NewSecret(parsed.Refresh).Fingerprint() })
				}
			}
			s.exchanging.Unlock()
		}
		if answer.Code != 0 {
			wait(r.Context(), whole-before)
		}
		s.write(func() { p.answered, p.status, p.code = time.Now(), answer.Code, parsed.Error })
		if answer.Code == 0 {
			return
		}
		for name, values := range answer.Header() {
			w.Header()[name] = values
		}
		w.WriteHeader(answer.Code)
		w.Write(answer.Body.Bytes())
	}
}

// waits reports whether there is still somebody who waits for an answer. That a
// holder is gone is known before the connection tells, which it may do late.
func (s *issuer) waits(ctx context.Context, r request) (waits bool) {
	s.read(func() { waits = ctx.Err() == nil && !s.dying[r.holder] && !s.unsure[r] })
	return waits
}

// condemn has a holder's requests left from now on that have not been exchanged.
func (s *issuer) condemn(holder int) {
	s.exchanging.Lock()
	defer s.exchanging.Unlock()
	s.write(func() { s.dying[holder] = true })
}

// wait waits for d, and reports false as soon as ctx is done, also if both have come
// about before this goroutine runs again.
func wait(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}

func (s *issuer) audit(_ context.Context, a refresh.Audit) {
	s.write(func() { s.audits[a.Kind]++ })
}
