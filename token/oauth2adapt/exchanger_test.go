package oauth2adapt_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/oauth2"

	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/token"
	"github.com/tokenlife/tokenlife/token/oauth2adapt"
)

var _ refresh.Exchanger = (*oauth2adapt.Exchanger)(nil)

// What a request looks like, in each style.
func TestRequests(t *testing.T) {
	t.Parallel()
	const basic = "Basic Y2xpOmNTM2NyZXQlM0ElMkIlMkYlMjYlM0QreA==" // cli:cS3cret%3A%2B%2F%26%3D+x
	secretInBody := url.Values{"client_id": {"cli"}, "client_secret": {clientSecret}}
	for name, test := range map[string]struct {
		with          func(*oauth2adapt.Exchanger)
		authorization string
		form          url.Values // besides grant and token
	}{
		"auto, with a secret": {func(x *oauth2adapt.Exchanger) {}, basic, nil},
		"auto, public": {func(x *oauth2adapt.Exchanger) { x.Config.ClientSecret = "" }, "",
			url.Values{"client_id": {"cli"}}},
		"in the header": {func(x *oauth2adapt.Exchanger) { x.Config.Endpoint.AuthStyle = oauth2.AuthStyleInHeader }, basic, nil},
		"in the header, public": {func(x *oauth2adapt.Exchanger) {
			x.Config.Endpoint.AuthStyle, x.Config.ClientSecret = oauth2.AuthStyleInHeader, ""
		}, "Basic Y2xpOg==", nil},
		"in the body":                    {func(x *oauth2adapt.Exchanger) { x.Config.Endpoint.AuthStyle = oauth2.AuthStyleInParams }, "", secretInBody},
		"scopes are not asked for again": {func(x *oauth2adapt.Exchanger) { x.Config.Scopes = []string{"a", "b"} }, basic, nil},
		"an assertion, and no ID": {func(x *oauth2adapt.Exchanger) {
			x.Config.ClientID, x.Config.ClientSecret = "", ""
			x.Sign = func(_ context.Context, _ http.Header, form url.Values) error {
				form.Set("client_assertion", "signed")
				return nil
			}
		}, "", url.Values{"client_assertion": {"signed"}}},
		"what Sign may not change": {func(x *oauth2adapt.Exchanger) {
			x.Sign = func(_ context.Context, header http.Header, form url.Values) error {
				if form.Has("refresh_token") {
					t.Error("Sign got the token")
				}
				header.Set("DPoP", "proof")
				form.Set("resource", "https://api.example")
				header["accept"] = []string{"text/html"}
				header["content-type"] = []string{"text/plain"}
				header["CONTENT-LENGTH"] = []string{"1"}
				form.Add("grant_type", "password")
				form.Add("refresh_token", "another")
				return nil
			}
		}, basic, url.Values{"resource": {"https://api.example"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i := newIssuer(t, func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				form, _ := url.ParseQuery(string(body))
				want := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {presented}}
				for key, values := range test.form {
					want[key] = values
				}
				if diff := cmp.Diff(want, form); diff != "" {
					t.Errorf("form (-want +got):\n%s", diff)
				}
				if got := r.Header.Get("Authorization"); got != test.authorization {
					t.Errorf("Authorization %q, want %q", got, test.authorization)
				}
				if r.Method != "POST" || r.URL.String() != "/token?key=hush" || r.Header.Get("Accept") != "application/json" || len(r.Header["Accept"]) != 1 ||
					len(r.Header["Content-Type"]) != 1 || r.Header.Get("Content-Type") != "application/x-www-form-urlencoded" || r.ContentLength != int64(len(body)) {
					t.Errorf("%s %s %v, %d bytes", r.Method, r.URL, r.Header, r.ContentLength)
				}
				says(200, `{`+tokens+`}`)(w, r)
			})
			x := i.exchanger()
			test.with(x)
			for range 2 {
				if _, err := x.Exchange(t.Context(), old); err != nil {
					t.Fatal(err)
				}
			}
			if n := i.posts.Load(); n != 2 {
				t.Errorf("%d POSTs, want 2", n)
			}
		})
	}
}

// A proof is made for each POST.
func TestSignEach(t *testing.T) {
	t.Parallel()
	var n atomic.Int64
	seen := make(chan string, 3)
	i := newIssuer(t, func(w http.ResponseWriter, r *http.Request) {
		seen <- r.Header.Get("DPoP")
		says(503, "")(w, r)
	})
	x := i.exchanger()
	x.Sign = func(_ context.Context, header http.Header, _ url.Values) error {
		header.Set("DPoP", fmt.Sprint(n.Add(1)))
		return nil
	}
	for want := range 3 {
		p, err := x.Exchange(t.Context(), old)
		exchanged(t, p, err)
		if got := <-seen; got != fmt.Sprint(want+1) {
			t.Errorf("proof %s, want %d", got, want+1)
		}
	}
}

// Where a field is missing or wrong, nothing is sent, and Check says the same.
func TestFields(t *testing.T) {
	t.Parallel()
	i := newIssuer(t, says(200, `{`+tokens+`}`))
	for want, with := range map[string]func(*oauth2adapt.Exchanger){
		"Exchanger.Config is nil":                                  func(x *oauth2adapt.Exchanger) { x.Config = nil },
		"Exchanger.Config.Endpoint.TokenURL is empty":              func(x *oauth2adapt.Exchanger) { x.Config.Endpoint.TokenURL = "" },
		"Exchanger.Config.ClientID is empty":                       func(x *oauth2adapt.Exchanger) { x.Config.ClientID = "" },
		"Exchanger.Config.Endpoint.AuthStyle is 7":                 func(x *oauth2adapt.Exchanger) { x.Config.Endpoint.AuthStyle = 7 },
		"TokenURL is neither https nor http":                       func(x *oauth2adapt.Exchanger) { x.Config.Endpoint.TokenURL = "ftp://hush" },
		"TokenURL is not of the form https://host[:port]/path":     func(x *oauth2adapt.Exchanger) { x.Config.Endpoint.TokenURL = "https://a:hush@host/" },
		"TokenURL is not of the form https://host[:port]/path, ":   func(x *oauth2adapt.Exchanger) { x.Config.Endpoint.TokenURL = "https://host/#hush" },
		"TokenURL is not of the form https://host[:port]/path, w":  func(x *oauth2adapt.Exchanger) { x.Config.Endpoint.TokenURL = "://hush" },
		"TokenURL is not of the form https://host[:port]/path, wi": func(x *oauth2adapt.Exchanger) { x.Config.Endpoint.TokenURL = "https:///hush" },
		"no token was sent to http://issuer.example/token, where others could read it": func(x *oauth2adapt.Exchanger) {
			x.Config.Endpoint.TokenURL = "http://issuer.example/token?hush"
		},
		"no token was sent to http://localhost:": func(x *oauth2adapt.Exchanger) {
			x.Config.Endpoint.TokenURL = strings.Replace(i.URL, "127.0.0.1", "localhost", 1)
		},
		"no token was sent to http://127.0.0.1:": func(x *oauth2adapt.Exchanger) {
			x.Client = &http.Client{Transport: &http.Transport{Proxy: http.ProxyURL(&url.URL{Scheme: "http", Host: "proxy.example:1"})}}
		},
	} {
		x := i.exchanger()
		with(x)
		if err := x.Check(); err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "oauth2adapt: ") {
			t.Errorf("Check: got %v, want %q", err, want)
		} else {
			keepsSecrets(t, err)
		}
		p, err := x.Exchange(t.Context(), old)
		if e := exchanged(t, p, err); e.Outcome != refresh.Transient || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v %v, want %q", e.Outcome, err, want)
		}
	}
	var none *oauth2adapt.Exchanger
	if err := none.Check(); err == nil {
		t.Error("a nil Exchanger is fine")
	}
	if err := i.exchanger().Check(); err != nil {
		t.Error(err)
	}
	p, err := i.exchanger().Exchange(t.Context(), token.Secret{})
	if e := exchanged(t, p, err); e.Outcome != refresh.Terminal {
		t.Errorf("without a refresh token: %v", err)
	}
	if n := i.posts.Load(); n != 0 {
		t.Errorf("%d POSTs", n)
	}
	insecure := i.exchanger()
	insecure.Insecure = true
	insecure.Config.Endpoint.TokenURL = strings.Replace(i.URL, "127.0.0.1", "localhost", 1)
	if err := insecure.Check(); err != nil {
		t.Error(err)
	}
}

// What Sign does wrong is not the refresh token's fault, nor a caller's.
func TestSignFails(t *testing.T) {
	t.Parallel()
	i := newIssuer(t, says(200, `{`+tokens+`}`))
	for want, sign := range map[string]func() error{
		"Exchanger.Sign gave nothing: no key": func() error { return errors.New("no key") },
		"Exchanger.Sign panicked":             func() error { panic(clientSecret) },
		"token: invalid: expired":             func() error { return token.ErrExpired },
	} {
		x := i.exchanger()
		x.Sign = func(context.Context, http.Header, url.Values) error { return sign() }
		p, err := x.Exchange(t.Context(), old)
		e, ok := errors.AsType[*refresh.ExchangeError](err)
		if !ok || e.Outcome != refresh.Transient || !strings.Contains(err.Error(), want) || errors.Is(err, token.ErrInvalid) || !p.Access.IsZero() {
			t.Errorf("got %v, want %q", err, want)
		}
		keepsSecrets(t, err)
	}
	if n := i.posts.Load(); n != 0 {
		t.Errorf("%d POSTs", n)
	}
}

// No redirect is followed, and so nobody else gets the token.
func TestRedirects(t *testing.T) {
	t.Parallel()
	elsewhere := newIssuer(t, says(200, `{`+tokens+`}`))
	for _, status := range []int{301, 302, 303, 307, 308} {
		i := newIssuer(t, says(status, "", "Location", elsewhere.URL+"/hush"))
		x := i.exchanger()
		x.Client = &http.Client{}
		p, err := x.Exchange(t.Context(), old)
		if e := exchanged(t, p, err); e.Outcome != refresh.Transient || !strings.Contains(err.Error(), "redirects, which is not followed") {
			t.Errorf("%d: %v %v", status, e.Outcome, err)
		}
		if x.Client.CheckRedirect != nil {
			t.Error("the caller's client was changed")
		}
	}
	if n := elsewhere.posts.Load(); n != 0 {
		t.Errorf("%d requests were made elsewhere", n)
	}

	// A transport that follows them by itself is found out, and not believed.
	x := elsewhere.exchanger()
	x.Insecure = true
	x.Config.Endpoint.TokenURL = "http://127.0.0.1:1/token"
	x.Client = &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
		r = r.Clone(r.Context())
		r.URL, _ = url.Parse(elsewhere.URL)
		return http.DefaultTransport.RoundTrip(r)
	})}
	p, err := x.Exchange(t.Context(), old)
	if e := exchanged(t, p, err); e.Outcome != refresh.Unknown || !strings.Contains(err.Error(), "the answer is not from") {
		t.Errorf("%v %v", e.Outcome, err)
	}
}

// A request on a connection that turns out to be dead is not sent again on
// another, as net/http would do for one that can be read twice and says that it
// may be repeated.
func TestNoSecondRequest(t *testing.T) {
	t.Parallel()
	i := newIssuer(t, nil)
	i.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		if i.posts.Add(1) == 1 {
			says(200, `{`+tokens+`}`)(w, r)
			return
		}
		c, _, _ := http.NewResponseController(w).Hijack()
		c.Close() // it has been read, and is not answered
	})
	x := i.exchanger()
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	x.Client = &http.Client{Transport: transport}
	x.Sign = func(_ context.Context, header http.Header, _ url.Values) error {
		header.Set("Idempotency-Key", "once")
		return nil
	}
	if _, err := x.Exchange(t.Context(), old); err != nil {
		t.Fatal(err)
	}
	p, err := x.Exchange(t.Context(), old)
	if e := exchanged(t, p, err); e.Outcome != refresh.Unknown {
		t.Errorf("%v: %v", e.Outcome, err)
	}
	if n := i.posts.Load(); n != 2 {
		t.Errorf("%d POSTs, want 2", n)
	}
}

// Without a Client each exchange has a connection of its own.
func TestOwnConnection(t *testing.T) {
	t.Parallel()
	var connections atomic.Int64
	i := newIssuer(t, nil)
	i.Close()
	i.Server = httptest.NewUnstartedServer(says(200, `{`+tokens+`}`))
	i.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	i.Start()
	t.Cleanup(i.Server.Close)
	for range 3 {
		if _, err := i.exchanger().Exchange(t.Context(), old); err != nil {
			t.Fatal(err)
		}
	}
	if n := connections.Load(); n != 3 {
		t.Errorf("%d connections for 3 exchanges", n)
	}
}

// Nobody was reached: the token is as good as before.
func TestNobodyReached(t *testing.T) {
	t.Parallel()
	untrusted := httptest.NewTLSServer(says(200, `{`+tokens+`}`))
	untrusted.Config.ErrorLog = log.New(io.Discard, "", 0)
	t.Cleanup(untrusted.Close)
	ended, end := context.WithCancel(t.Context())
	end()
	live := newIssuer(t, says(200, `{`+tokens+`}`))
	for name, test := range map[string]struct {
		ctx context.Context
		url string
	}{
		"nobody listens":       {t.Context(), "http://127.0.0.1:1"}, // a port that no server is given by chance
		"a certificate of his": {t.Context(), untrusted.URL},
		"no TLS there":         {t.Context(), strings.Replace(live.URL, "http:", "https:", 1)},
		"the caller is gone":   {ended, live.URL},
	} {
		x := live.exchanger()
		x.Config.Endpoint.TokenURL = test.url
		p, err := x.Exchange(test.ctx, old)
		if e := exchanged(t, p, err); e.Outcome != refresh.Transient || !strings.Contains(err.Error(), "the refresh token was not sent to "+test.url) {
			t.Errorf("%s: %v %v", name, e.Outcome, err)
		}
	}
	if n := live.posts.Load(); n != 0 {
		t.Errorf("%d POSTs", n)
	}
}

// Once the token may have gone out, nobody knows.
func TestSentAndNoAnswer(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	defer close(done)
	i := newIssuer(t, func(_ http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		cancel()
		<-done
	})
	p, err := i.exchanger().Exchange(ctx, old)
	if e := exchanged(t, p, err); e.Outcome != refresh.Unknown || !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "which may have spent the refresh token") {
		t.Errorf("%v %v", e.Outcome, err)
	}
}

// Whatever a transport does after the exchange is over, it does not send the
// token then: the outcome that was reported stays true.
func TestLateTransport(t *testing.T) {
	t.Parallel()
	var kept *http.Request
	x := newIssuer(t, nil).exchanger()
	x.Insecure = true
	x.Client = &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
		kept = r
		return nil, errors.New("later")
	})}
	p, err := x.Exchange(t.Context(), old)
	if e := exchanged(t, p, err); e.Outcome != refresh.Transient {
		t.Errorf("%v %v", e.Outcome, err)
	}
	if b, err := io.ReadAll(kept.Body); len(b) > 0 || err == nil {
		t.Errorf("%d bytes of the body can still be read (%v)", len(b), err)
	}
	if kept.GetBody != nil {
		t.Error("the body can be had again")
	}
}

// A transport of the user's that fails.
func TestTransportFails(t *testing.T) {
	t.Parallel()
	reads := func(r *http.Request) { io.ReadFull(r.Body, make([]byte, 1)) }
	for name, test := range map[string]struct {
		f    func(*http.Request) (*http.Response, error)
		want refresh.Outcome
		text string
	}{
		"at once":            {func(r *http.Request) (*http.Response, error) { return nil, errors.New("no way") }, refresh.Transient, "no way"},
		"after a byte":       {func(r *http.Request) (*http.Response, error) { reads(r); return nil, errors.New("no way") }, refresh.Unknown, "no way"},
		"panics":             {func(r *http.Request) (*http.Response, error) { panic(presented) }, refresh.Transient, "Exchanger.Client panicked"},
		"panics after":       {func(r *http.Request) (*http.Response, error) { reads(r); panic(presented) }, refresh.Unknown, "Exchanger.Client panicked"},
		"blames a token":     {func(r *http.Request) (*http.Response, error) { reads(r); return nil, token.ErrExpired }, refresh.Unknown, "expired"},
		"blames our own":     {func(r *http.Request) (*http.Response, error) { return nil, token.ErrRefused }, refresh.Transient, "refused"},
		"tells the token":    {func(r *http.Request) (*http.Response, error) { reads(r); return nil, errors.New("sent " + presented) }, refresh.Unknown, "withheld"},
		"tells a piece":      {func(r *http.Request) (*http.Response, error) { return nil, errors.New("sent " + presented[2:10]) }, refresh.Transient, "withheld"},
		"tells the secret":   {func(r *http.Request) (*http.Response, error) { return nil, errors.New(clientSecret) }, refresh.Transient, "withheld"},
		"tells a great deal": {func(r *http.Request) (*http.Response, error) { return nil, errors.New(strings.Repeat("no ", 1e6)) }, refresh.Transient, "no no"},
		"asks to wait":       {func(r *http.Request) (*http.Response, error) { return nil, waitError{} }, refresh.Transient, "wait"},
		"body panics": {func(r *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 200, Body: panicBody{}, Request: r}, nil
		}, refresh.Unknown, "Exchanger.Client panicked"},
	} {
		x := newIssuer(t, nil).exchanger()
		x.Insecure = true
		x.Client = &http.Client{Transport: roundTripper(test.f)}
		p, err := x.Exchange(t.Context(), old)
		if e := exchanged(t, p, err); e.Outcome != test.want || !strings.Contains(err.Error(), test.text) {
			t.Errorf("%s: %v %v", name, e.Outcome, err)
		}
		if name == "asks to wait" && token.RetryAfter(err) != time.Minute {
			t.Errorf("RetryAfter is %v", token.RetryAfter(err))
		}
	}
}

type waitError struct{}

func (waitError) Error() string             { return "wait" }
func (waitError) RetryAfter() time.Duration { return time.Minute }

// What came is kept even if the body cannot be closed.
func TestBodyDoesNotClose(t *testing.T) {
	t.Parallel()
	x := newIssuer(t, nil).exchanger()
	x.Client = &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
		io.Copy(io.Discard, r.Body)
		return &http.Response{StatusCode: 200, Body: unclosable{strings.NewReader(`{` + tokens + `}`)}, Request: r}, nil
	})}
	x.Insecure = true
	p, err := x.Exchange(t.Context(), old)
	if err != nil || p.Refresh.Value.Reveal() != newRefresh {
		t.Errorf("got a pair: %t, %v", !p.Refresh.IsZero(), err)
	}
}

type unclosable struct{ io.Reader }

func (unclosable) Close() error { panic(newRefresh) }

type panicBody struct{}

func (panicBody) Read([]byte) (int, error) { panic(newRefresh) }
func (panicBody) Close() error             { return nil }

// An endpoint that never answers: ctx decides, and ten seconds without one.
func TestTimeout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		x := &oauth2adapt.Exchanger{
			Config: &oauth2.Config{ClientID: "cli", Endpoint: oauth2.Endpoint{TokenURL: "https://issuer.example/token"}},
			Client: &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
				io.ReadAll(r.Body)
				<-r.Context().Done()
				return nil, r.Context().Err()
			})},
		}
		for _, limit := range []time.Duration{0, time.Second, time.Minute} {
			ctx, want := context.Background(), 10*time.Second
			if limit > 0 {
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, limit)
				defer cancel()
				want = limit
			}
			began := time.Now()
			p, err := x.Exchange(ctx, old)
			e := exchanged(t, p, err)
			if took := time.Since(began); took != want || e.Outcome != refresh.Unknown || !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), fmt.Sprint("within ", want)) {
				t.Errorf("after %v: %v %v", took, e.Outcome, err)
			}
		}
	})
}
