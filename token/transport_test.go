package token_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tokenlife/tokenlife/token"
)

// roundTripFunc is a Base.
type roundTripFunc func(*http.Request) (*http.Response, error)

func (f roundTripFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// deck is an Invalidator that supplies the top of its tokens until it is
// invalidated, and keeps count.
type deck struct {
	mu      sync.Mutex
	values  []string // "" is an error
	asked   int
	refused []string
}

func newDeck(values ...string) *deck { return &deck{values: values} }

var errDeck = errors.New("the upstream is away")

func (d *deck) Token(context.Context) (token.Token, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.asked++
	if d.values[0] == "" {
		return token.Token{}, errDeck
	}
	return bearer(d.values[0]), nil
}

func (d *deck) Invalidate(t token.Token) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.refused = append(d.refused, t.Value.Reveal())
	if d.values[0] == t.Value.Reveal() && len(d.values) > 1 {
		d.values = d.values[1:]
	}
}

func bearer(value string) token.Token { return token.Token{Value: token.NewSecret(value)} }

// body counts how often it is closed.
type body struct {
	io.Reader
	mu     sync.Mutex
	closes int
}

func newBody(text string) *body { return &body{Reader: strings.NewReader(text)} }

func (b *body) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closes++
	return nil
}

// only is a Base that answers 200 to requests with one of the good tokens and
// 401 to others, as a RoundTripper does: reading and closing their bodies. It
// keeps what it saw and the bodies of its answers.
type only struct {
	good    string // space separated
	mu      sync.Mutex
	saw     []string // Authorization and body of each request
	answers []*body
}

func (o *only) RoundTrip(r *http.Request) (*http.Response, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	saw := r.Header.Get("Authorization")
	if r.Body != nil {
		text, err := io.ReadAll(r.Body)
		r.Body.Close()
		if err != nil {
			return nil, err
		}
		saw += " " + string(text)
	}
	o.saw = append(o.saw, saw)
	status := http.StatusUnauthorized
	for good := range strings.FieldsSeq(o.good) {
		if r.Header.Get("Authorization") == "Bearer "+good {
			status = http.StatusOK
		}
	}
	answer := newBody(http.StatusText(status))
	o.answers = append(o.answers, answer)
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: answer, Request: r}, nil
}

func (o *only) closes() []int {
	var closes []int
	for _, a := range o.answers {
		closes = append(closes, a.closes)
	}
	return closes
}

func get(t *testing.T, url string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), "GET", url, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func post(t *testing.T, text string) (*http.Request, *body) {
	t.Helper()
	b := newBody(text)
	r, err := http.NewRequestWithContext(t.Context(), "POST", "https://api.example/", b)
	if err != nil {
		t.Fatal(err)
	}
	return r, b
}

func TestTransportLeavesTheRequestAlone(t *testing.T) {
	t.Parallel()
	base := &only{good: "a"}
	tr := &token.Transport{Source: newDeck("a"), Base: base}
	r := get(t, "https://api.example/x?y=z")
	r.Header.Set("X-Other", "1")
	before := r.Clone(t.Context())
	resp, err := tr.RoundTrip(r)
	if err != nil || resp.StatusCode != 200 {
		t.Fatalf("RoundTrip = %v, %v", resp, err)
	}
	if diff := cmp.Diff(before.Header, r.Header); diff != "" {
		t.Errorf("the caller's headers changed:\n%s", diff)
	}
	if resp.Request != r {
		t.Error("resp.Request is not the caller's request, and so may show the token")
	}
	if diff := cmp.Diff([]string{"Bearer a"}, base.saw); diff != "" {
		t.Errorf("sent:\n%s", diff)
	}
}

func TestTransportSetCannotReachTheCallersRequest(t *testing.T) {
	t.Parallel()
	tr := &token.Transport{
		Source: newDeck("a"),
		Set: func(r *http.Request, tok token.Token) {
			r.Header.Set("jweToken", tok.Value.Reveal())
			r.AddCookie(&http.Cookie{Name: "token", Value: tok.Value.Reveal()})
			r.URL.RawQuery = "token=" + tok.Value.Reveal()
		},
		Base: roundTripFunc(func(r *http.Request) (*http.Response, error) {
			if r.Header.Get("jweToken") != "a" || r.Header.Get("Cookie") != "token=a" || r.URL.RawQuery != "token=a" || r.Header.Get("Authorization") != "" {
				t.Errorf("sent %v %v", r.URL, r.Header)
			}
			return &http.Response{StatusCode: 200, Body: http.NoBody, Request: r}, nil
		}),
	}
	r := get(t, "https://api.example/")
	resp, err := tr.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Header) != 0 || r.URL.RawQuery != "" || resp.Request != r {
		t.Errorf("the caller sees %v %v", resp.Request.URL, resp.Request.Header)
	}
}

func TestTransportOwnAuthorizationWins(t *testing.T) {
	t.Parallel()
	for _, key := range []string{"Authorization", "authorization", "AUTHORIZATION"} {
		src, base := newDeck("a", "b"), &only{}
		tr := &token.Transport{Source: src, Base: base}
		r := get(t, "http://far.example/") // nothing of ours is sent, so it may be in the clear
		r.Header[key] = []string{"Basic eDp5"}
		resp, err := tr.RoundTrip(r)
		if err != nil || resp.StatusCode != 401 {
			t.Fatalf("%s: %v, %v", key, resp, err)
		}
		if src.asked != 0 || len(src.refused) != 0 || len(base.saw) != 1 {
			t.Errorf("%s: asked %d times, refused %q, sent %q; want the request passed on and its refusal left alone",
				key, src.asked, src.refused, base.saw)
		}
		if got := r.Header[key]; len(r.Header) != 1 || got[0] != "Basic eDp5" {
			t.Errorf("%s: headers are now %v", key, r.Header)
		}
	}
}

func TestTransportRefusals(t *testing.T) {
	t.Parallel()
	rewind := func(r *http.Request) { r.GetBody = func() (io.ReadCloser, error) { return newBody("text"), nil } }
	tests := []struct {
		name    string
		src     *deck
		good    string
		bare    bool // no body
		prepare func(*http.Request)
		plain   bool // the Source is no Invalidator

		status  int
		saw     []string
		asked   int
		refused []string
		closes  []int // of each answer; the last is the caller's
	}{
		{name: "good", src: newDeck("a"), good: "a", prepare: rewind,
			status: 200, saw: []string{"Bearer a text"}, asked: 1, closes: []int{0}},
		{name: "no body", src: newDeck("a", "b"), good: "b", bare: true,
			status: 200, saw: []string{"Bearer a", "Bearer b"}, asked: 2, refused: []string{"a"}, closes: []int{1, 0}},
		{name: "NoBody", src: newDeck("a", "b"), good: "b", prepare: func(r *http.Request) { r.Body = http.NoBody },
			status: 200, saw: []string{"Bearer a ", "Bearer b "}, asked: 2, refused: []string{"a"}, closes: []int{1, 0}},
		{name: "body that can be sent again", src: newDeck("a", "b"), good: "b", prepare: rewind,
			status: 200, saw: []string{"Bearer a text", "Bearer b text"}, asked: 2, refused: []string{"a"}, closes: []int{1, 0}},
		{name: "body that cannot", src: newDeck("a", "b"), good: "b",
			status: 401, saw: []string{"Bearer a text"}, asked: 1, refused: []string{"a"}, closes: []int{0}},
		{name: "body that fails to come again", src: newDeck("a", "b"), good: "b",
			prepare: func(r *http.Request) { r.GetBody = func() (io.ReadCloser, error) { return nil, errDeck } },
			status:  401, saw: []string{"Bearer a text"}, asked: 2, refused: []string{"a"}, closes: []int{0}},
		{name: "no other token", src: newDeck("a"), good: "b", prepare: rewind,
			status: 401, saw: []string{"Bearer a text"}, asked: 2, refused: []string{"a"}, closes: []int{0}},
		{name: "Source fails", src: newDeck("a", ""), good: "b", prepare: rewind,
			status: 401, saw: []string{"Bearer a text"}, asked: 2, refused: []string{"a"}, closes: []int{0}},
		{name: "never a third", src: newDeck("a", "b", "c"), good: "c", prepare: rewind,
			status: 401, saw: []string{"Bearer a text", "Bearer b text"}, asked: 2, refused: []string{"a", "b"}, closes: []int{1, 0}},
		{name: "no Invalidator", src: newDeck("a", "b"), good: "b", prepare: rewind, plain: true,
			status: 401, saw: []string{"Bearer a text"}, asked: 1, closes: []int{0}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			base := &only{good: test.good}
			tr := &token.Transport{Source: test.src, Base: base}
			if test.plain {
				tr.Source = token.SourceFunc(test.src.Token)
			}
			r, sent := post(t, "text")
			wantSent := 1
			if test.bare {
				r.Body, wantSent = nil, 0
			}
			if test.prepare != nil {
				test.prepare(r)
			}
			if r.Body == http.NoBody {
				wantSent = 0
			}
			resp, err := tr.RoundTrip(r)
			if err != nil {
				t.Fatal(err)
			}
			if resp.StatusCode != test.status || resp.Request != r {
				t.Errorf("status %d of %p; want %d of %p", resp.StatusCode, resp.Request, test.status, r)
			}
			if diff := cmp.Diff(test.saw, base.saw); diff != "" {
				t.Errorf("sent (-want +got):\n%s", diff)
			}
			if test.src.asked != test.asked {
				t.Errorf("the Source was asked %d times; want %d", test.src.asked, test.asked)
			}
			if diff := cmp.Diff(test.refused, test.src.refused); diff != "" {
				t.Errorf("invalidated (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.closes, base.closes()); diff != "" {
				t.Errorf("closes of the answers (-want +got):\n%s", diff)
			}
			if text, err := io.ReadAll(resp.Body); string(text) != http.StatusText(test.status) || err != nil {
				t.Errorf("the answer reads %q, %v", text, err)
			}
			if sent.closes != wantSent {
				t.Errorf("the request's body was closed %d times; want %d", sent.closes, wantSent)
			}
		})
	}
}

// Each body that GetBody makes is closed once as well, by Base.
func TestTransportClosesEveryBodyOnce(t *testing.T) {
	t.Parallel()
	tr := &token.Transport{Source: newDeck("a", "b"), Base: &only{good: "b"}}
	r, first := post(t, "text")
	var again []*body
	r.GetBody = func() (io.ReadCloser, error) {
		again = append(again, newBody("text"))
		return again[len(again)-1], nil
	}
	if _, err := tr.RoundTrip(r); err != nil {
		t.Fatal(err)
	}
	if first.closes != 1 || len(again) != 1 || again[0].closes != 1 {
		t.Errorf("first closed %d times, %d more made: %v", first.closes, len(again), again)
	}
}

func TestTransportRefusedAndSet(t *testing.T) {
	t.Parallel()
	src := newDeck("a", "b")
	sent := 0
	tr := &token.Transport{
		Source: src,
		Set:    func(r *http.Request, tok token.Token) { r.Header.Set("jweToken", tok.Value.Reveal()) },
		Refused: func(resp *http.Response) bool {
			if resp.Request.Header.Get("jweToken") != "" {
				t.Error("Refused sees the request with the token")
			}
			return resp.StatusCode == 500
		},
		Base: roundTripFunc(func(r *http.Request) (*http.Response, error) {
			sent++
			status := 401 // not a refusal here
			if r.Header.Get("jweToken") == "a" {
				status = 500
			}
			return &http.Response{StatusCode: status, Body: newBody(""), Request: r}, nil
		}),
	}
	resp, err := tr.RoundTrip(get(t, "https://dashboard.example/"))
	if err != nil || resp.StatusCode != 401 || sent != 2 {
		t.Errorf("RoundTrip = %v, %v after %d requests; want the 401 after 2", resp, err, sent)
	}
	if diff := cmp.Diff([]string{"a"}, src.refused); diff != "" {
		t.Errorf("invalidated (-want +got):\n%s", diff)
	}
}

// A Base that went elsewhere by itself says nothing of our token by a 401.
func TestTransportRefusalFromElsewhere(t *testing.T) {
	t.Parallel()
	src := newDeck("a", "b")
	sent := 0
	tr := &token.Transport{Source: src, Base: roundTripFunc(func(r *http.Request) (*http.Response, error) {
		sent++
		return &http.Response{StatusCode: 401, Body: newBody(""), Request: get(t, "https://login.example/")}, nil
	})}
	r := get(t, "https://api.example/")
	resp, err := tr.RoundTrip(r)
	if err != nil || resp.StatusCode != 401 || resp.Request != r {
		t.Fatalf("RoundTrip = %v, %v", resp, err)
	}
	if len(src.refused) != 0 || sent != 1 {
		t.Errorf("invalidated %q after %d requests; want nothing after 1", src.refused, sent)
	}
}

// What is left of a refusal's body is read so that its connection can be used
// again, but not without end.
func TestTransportReadsOnlyALittleOfARefusal(t *testing.T) {
	t.Parallel()
	endless := &body{Reader: zeros{}}
	tr := &token.Transport{Source: newDeck("a", "b"), Base: roundTripFunc(func(r *http.Request) (*http.Response, error) {
		if r.Header.Get("Authorization") == "Bearer a" {
			return &http.Response{StatusCode: 401, Body: endless, Request: r}, nil
		}
		return &http.Response{StatusCode: 200, Body: newBody(""), Request: r}, nil
	})}
	resp, err := tr.RoundTrip(get(t, "https://api.example/"))
	if err != nil || resp.StatusCode != 200 || endless.closes != 1 {
		t.Errorf("RoundTrip = %v, %v; the refusal was closed %d times", resp, err, endless.closes)
	}
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { return len(b), nil }

// Nothing is sent in any of these cases, and the body is closed all the same.
func TestTransportErrors(t *testing.T) {
	t.Parallel()
	source := func(tok token.Token, err error) token.Source {
		return token.SourceFunc(func(context.Context) (token.Token, error) { return tok, err })
	}
	tests := []struct {
		name string
		tr   token.Transport
		url  string
		is   error
		isNo error
		want string
	}{
		{name: "no Source", want: "no Source"},
		{name: "Source fails", tr: token.Transport{Source: source(token.Token{}, errDeck)},
			is: errDeck, want: "token: no token for POST https://api.example: the upstream is away"},
		{name: "Source blames a presented token", tr: token.Transport{Source: source(token.Token{}, token.ErrExpired)},
			is: token.ErrRefused, isNo: token.ErrInvalid, want: "expired"},
		{name: "empty token", tr: token.Transport{Source: source(token.Token{}, nil)}, want: "empty token"},
		{name: "Origin", tr: token.Transport{Source: newDeck("a"), Origin: "https://u:secret@api.example"}, want: "Transport.Origin"},
		{name: "in the clear", tr: token.Transport{Source: newDeck("a")},
			url: "http://user:secret@api.example/?key=secret", want: "http://api.example,"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			sent := 0
			tr := test.tr
			tr.Base = roundTripFunc(func(*http.Request) (*http.Response, error) {
				sent++
				return nil, errors.New("sent")
			})
			r, sentBody := post(t, "text")
			if test.url != "" {
				r.URL = get(t, test.url).URL
			}
			resp, err := tr.RoundTrip(r)
			if err == nil || resp != nil {
				t.Fatalf("RoundTrip = %v, %v; want an error", resp, err)
			}
			if !strings.HasPrefix(err.Error(), "token: ") || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "secret") {
				t.Errorf("error %q; want %q and no secret", err, test.want)
			}
			if test.is != nil && !errors.Is(err, test.is) || test.isNo != nil && errors.Is(err, test.isNo) {
				t.Errorf("error %q; want it to be %v and not %v", err, test.is, test.isNo)
			}
			if sent != 0 || sentBody.closes != 1 {
				t.Errorf("sent %d requests, body closed %d times; want 0 and 1", sent, sentBody.closes)
			}
		})
	}
}

func TestTransportBaseFails(t *testing.T) {
	t.Parallel()
	src := newDeck("a", "b")
	failed := errors.New("connection reset")
	sent := 0
	tr := &token.Transport{Source: src, Base: roundTripFunc(func(r *http.Request) (*http.Response, error) {
		if sent++; sent == 2 {
			return nil, failed
		}
		return &http.Response{StatusCode: 401, Body: newBody(""), Request: r}, nil
	})}
	// The second time: the refusal is gone, so the error is all there is.
	if resp, err := tr.RoundTrip(get(t, "https://api.example/")); resp != nil || err != failed {
		t.Errorf("RoundTrip = %v, %v; want Base's own error", resp, err)
	}
	sent = 1
	if resp, err := tr.RoundTrip(get(t, "https://api.example/")); resp != nil || err != failed {
		t.Errorf("RoundTrip = %v, %v; want Base's own error", resp, err)
	}
	if diff := cmp.Diff([]string{"a"}, src.refused); diff != "" {
		t.Errorf("invalidated (-want +got):\n%s", diff)
	}
}

// Bases made by hand leave out what nobody asked them for yet.
func TestTransportSloppyBase(t *testing.T) {
	t.Parallel()
	src := newDeck("a", "b")
	tr := &token.Transport{Source: src, Base: roundTripFunc(func(r *http.Request) (*http.Response, error) {
		if r.Header.Get("Authorization") == "Bearer a" {
			return &http.Response{StatusCode: 401}, nil // no Request, no Body
		}
		return &http.Response{StatusCode: 200}, nil
	})}
	r := get(t, "https://api.example/")
	if resp, err := tr.RoundTrip(r); err != nil || resp.StatusCode != 200 || resp.Request != r {
		t.Errorf("RoundTrip = %v, %v", resp, err)
	}
	tr.Base = roundTripFunc(func(*http.Request) (*http.Response, error) { return nil, nil })
	if _, err := (&http.Client{Transport: tr}).Do(r); err == nil || !strings.Contains(err.Error(), "nil *Response") {
		t.Errorf("no response, no error: %v; want what http.Client says of that", err)
	}
}

func TestTransportCancelledWhileWaiting(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		waits := token.SourceFunc(func(ctx context.Context) (token.Token, error) {
			<-ctx.Done()
			return token.Token{}, ctx.Err()
		})
		tr := &token.Transport{Source: waits, Base: &only{}}
		r, sent := post(t, "text")
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		start := time.Now()
		_, err := tr.RoundTrip(r.WithContext(ctx))
		if took := time.Since(start); !errors.Is(err, context.DeadlineExceeded) || took != 50*time.Millisecond {
			t.Errorf("%v after %v; want DeadlineExceeded after 50ms", err, took)
		}
		if sent.closes != 1 {
			t.Errorf("body closed %d times", sent.closes)
		}
	})
}

// slow is a deck whose second token takes for ever.
type slow struct{ *deck }

func (s slow) Token(ctx context.Context) (token.Token, error) {
	if len(s.refused) > 0 {
		<-ctx.Done()
		return token.Token{}, ctx.Err()
	}
	return s.deck.Token(ctx)
}

func TestTransportCancelledWhileWaitingForAnother(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		base := &only{}
		tr := &token.Transport{Source: slow{newDeck("a", "b")}, Base: base}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		resp, err := tr.RoundTrip(get(t, "https://api.example/").WithContext(ctx))
		if err != nil || resp.StatusCode != 401 {
			t.Fatalf("RoundTrip = %v, %v; want the refusal", resp, err)
		}
		if diff := cmp.Diff([]int{0}, base.closes()); diff != "" {
			t.Errorf("closes of the refusal (-want +got):\n%s", diff)
		}
	})
}

// Requests made by hand may lack what http.NewRequest fills in.
func TestTransportBareRequest(t *testing.T) {
	t.Parallel()
	tr := &token.Transport{Source: newDeck("a"), Base: &only{good: "a"}}
	resp, err := tr.RoundTrip(&http.Request{URL: get(t, "https://api.example").URL})
	if err != nil || resp.StatusCode != 200 {
		t.Errorf("without Header: %v, %v", resp, err)
	}
	sent := newBody("")
	tr = &token.Transport{Source: newDeck("a"), Base: &http.Transport{}}
	if resp, err := tr.RoundTrip(&http.Request{Body: sent}); err == nil || sent.closes != 1 {
		t.Errorf("without URL: %v, %v, body closed %d times", resp, err, sent.closes)
	}
}

func TestTransportWraps(t *testing.T) {
	t.Parallel()
	base := &idler{}
	tr, ok := token.Wrap(newDeck("a"))(base).(*token.Transport)
	if !ok || tr.WrappedRoundTripper() != base {
		t.Fatalf("Wrap made %#v", tr)
	}
	(&http.Client{Transport: tr}).CloseIdleConnections()
	if base.closed != 1 {
		t.Errorf("CloseIdleConnections reached Base %d times", base.closed)
	}
	(&token.Transport{Base: &only{}}).CloseIdleConnections() // cannot, and need not
	if got := (&token.Transport{}).WrappedRoundTripper(); got != http.DefaultTransport {
		t.Errorf("without a Base it wraps %v", got)
	}
}

type idler struct {
	only
	closed int
}

func (i *idler) CloseIdleConnections() { i.closed++ }

func BenchmarkTransport(b *testing.B) {
	resp := &http.Response{StatusCode: 200, Body: http.NoBody}
	base := roundTripFunc(func(*http.Request) (*http.Response, error) { return resp, nil })
	for _, origin := range []string{"", "https://api.example"} {
		b.Run("Origin="+origin, func(b *testing.B) {
			tr := &token.Transport{Source: token.Static(bearer("a")), Base: base, Origin: origin}
			r, err := http.NewRequest("GET", "https://api.example/", nil)
			if err != nil {
				b.Fatal(err)
			}
			r.Header.Set("Accept", "application/json")
			b.ReportAllocs()
			for b.Loop() {
				if _, err := tr.RoundTrip(r); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
