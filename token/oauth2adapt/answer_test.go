package oauth2adapt_test

import (
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/token"
)

// summary is a Pair for comparison, in the clear.
type summary struct {
	Access, Type, Refresh string
	For, RefreshFor       time.Duration
}

func summarise(p refresh.Pair) summary {
	return summary{p.Access.Value.Reveal(), p.Access.Type, p.Refresh.Value.Reveal(), p.Access.ExpiresIn, p.Refresh.ExpiresIn}
}

const tokens = `"access_token":"` + newAccess + `","refresh_token":"` + newRefresh + `"`

// What servers answer who grant what they are asked for.
func TestPairs(t *testing.T) {
	t.Parallel()
	jwt := idFor(time.Now(), 5*time.Minute) // of long ago, it would be dead
	both := func(more summary) summary {
		more.Access, more.Refresh = newAccess, newRefresh
		return more
	}
	for name, test := range map[string]struct {
		body string
		want summary
	}{
		"of RFC 6749":            {`{` + tokens + `,"token_type":"Bearer","expires_in":3600,"scope":"a b"}`, both(summary{For: time.Hour})},
		"in any case":            {`{` + tokens + `,"token_type":"bEARER"}`, both(summary{})},
		"another scheme":         {`{` + tokens + `,"token_type":"DPoP"}`, both(summary{Type: "DPoP"})},
		"no scheme":              {`{` + tokens + `,"token_type":"Be arer\n"}`, both(summary{})},
		"a scheme that is none":  {`{` + tokens + `,"token_type":null}`, both(summary{})},
		"no new refresh token":   {`{"access_token":"` + newAccess + `","expires_in":60,"refresh_expires_in":600}`, summary{Access: newAccess, For: time.Minute}},
		"a refresh token null":   {`{"access_token":"` + newAccess + `","refresh_token":null}`, summary{Access: newAccess}},
		"a refresh token empty":  {`{"access_token":"` + newAccess + `","refresh_token":""}`, summary{Access: newAccess}},
		"the same one again":     {`{"access_token":"` + newAccess + `","refresh_token":"` + presented + `"}`, summary{Access: newAccess, Refresh: presented}},
		"expires_in a string":    {`{` + tokens + `,"expires_in":"3600"}`, both(summary{For: time.Hour})},
		"expires_in a fraction":  {`{` + tokens + `,"expires_in":59.5}`, both(summary{For: 59*time.Second + 500*time.Millisecond})},
		"expires_in 0":           {`{` + tokens + `,"expires_in":0}`, both(summary{})},
		"expires_in negative":    {`{` + tokens + `,"expires_in":-1}`, both(summary{})},
		"expires_in words":       {`{` + tokens + `,"expires_in":"never","refresh_expires_in":{}}`, both(summary{})},
		"expires_in NaN":         {`{` + tokens + `,"expires_in":"NaN"}`, both(summary{})},
		"expires_in endless":     {`{` + tokens + `,"expires_in":9223372036854775807}`, both(summary{For: math.MaxInt64})},
		"expires_in beyond":      {`{` + tokens + `,"expires_in":1e999}`, both(summary{For: math.MaxInt64})},
		"expires_in tiny":        {`{` + tokens + `,"expires_in":1e-99}`, both(summary{For: 1})},
		"Keycloak's":             {`{` + tokens + `,"refresh_expires_in":1800}`, both(summary{RefreshFor: 30 * time.Minute})},
		"Keycloak's offline":     {`{` + tokens + `,"refresh_expires_in":0}`, both(summary{})},
		"GitHub's":               {`{` + tokens + `,"refresh_token_expires_in":"1800"}`, both(summary{RefreshFor: 30 * time.Minute})},
		"a JWT, by its dates":    {`{"access_token":"` + jwt + `"}`, summary{Access: jwt, For: 5 * time.Minute}},
		"a JWT and expires_in":   {`{"access_token":"` + jwt + `","expires_in":60}`, summary{Access: jwt, For: time.Minute}},
		"a form":                 {"access_token=" + newAccess + "&refresh_token=" + newRefresh + "&expires_in=3600&token_type=bearer", both(summary{For: time.Hour})},
		"a form, escaped":        {"access_token=a%2Bb&refresh_token=c%26d%3D", summary{Access: "a+b", Refresh: "c&d="}},
		"with a byte order mark": {"\ufeff {" + tokens + "}", both(summary{})},
		"with something after":   {"{" + tokens + "}\n<!-- -->", both(summary{})},
		"with an error of none":  {"{" + tokens + `,"error":""}`, both(summary{})},
		"with escapes":           {`{"access_token":"a\u0062\/","refresh_token":"\u00e9"}`, summary{Access: "ab/", Refresh: "é"}},
		"in the last member":     {`{"access_token":"x",` + tokens + `}`, both(summary{})},
		"with other members":     {`{"ACCESS_TOKEN":"x",` + tokens + `,"Refresh_Token":"x","a":[{"refresh_token":"x"}]}`, both(summary{})},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i := newIssuer(t, says(200, test.body))
			p, err := i.exchanger().Exchange(t.Context(), old)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, summarise(p)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if n := i.posts.Load(); n != 1 {
				t.Errorf("%d POSTs", n)
			}
		})
	}
}

// An answer that grants something and cannot be used: the refresh token in it is
// what may not be lost.
func TestSalvage(t *testing.T) {
	t.Parallel()
	const only = `"refresh_token":"` + newRefresh + `"`
	for name, test := range map[string]struct {
		body string
		want string // kept
	}{
		"no access token":          {`{` + only + `}`, newRefresh},
		"an empty one":             {`{"access_token":"",` + only + `}`, newRefresh},
		"one of another kind":      {`{"access_token":{},` + only + `}`, newRefresh},
		"one that no header takes": {`{"access_token":"a\r\nX: y",` + only + `}`, newRefresh},
		"cut":                      {`{"access_token":"` + newAccess + `",` + only + `,"exp`, newRefresh},
		"cut before it":            {`{"access_token":"` + newAccess + `","refresh_tok`, ""},
		"cut within it":            {`{"access_token":"` + newAccess + `","refresh_token":"` + newRefresh, ""},
		"cut after an escape":      {`{"refresh_token":"` + newRefresh + `\"`, ""},
		"with spaces":              {`{ "refresh_token" : "` + newRefresh + `" , `, newRefresh},
		"escaped":                  {`{"refresh_token":"a\"\u0062", "x`, `a"b`},
		"in a page":                {`<html><pre>{` + only + `}</pre>`, newRefresh},
		"after a guard":            {`)]}',{` + tokens + `}`, newRefresh},
		"deeper":                   {`{"data":{` + tokens + `}}`, newRefresh},
		"twice the same":           {`[{` + only + `},{` + only + `}]`, newRefresh},
		"two":                      {`[{` + only + `},{"refresh_token":"another"}]`, ""},
		"the outer one":            {`{"a":{"refresh_token":"another"},` + only + `}`, newRefresh},
		"the one presented":        {`{"refresh_token":"` + presented + `"}`, ""},
		"beside the one presented": {`[{"refresh_token":"` + presented + `"},{` + only + `}]`, newRefresh},
		"with an error":            {`{"error":"invalid_grant",` + only + `}`, newRefresh},
		"no UTF-8":                 {"{\"refresh_token\":\"a\xff\"}", ""},
		"half a surrogate pair":    {`{"refresh_token":"a\ud800"}`, ""},
		"with control bytes":       {`{"refresh_token":"a\u0000b"}`, ""},
		"a number":                 {`{"refresh_token":true}`, ""},
		"in a form":                {"token_type=bearer&refresh_token=" + newRefresh + "&expires_in=1", newRefresh},
		"last in a form":           {"refresh_token=" + newRefresh, newRefresh},
		"escaped in a form":        {"refresh_token=a%26b", "a&b"},
		"badly in a form":          {"refresh_token=a%2&x=y", ""},
		"too long":                 {`{` + only + `,"x":"` + strings.Repeat("x", 1<<20) + `"}`, newRefresh},
		"nothing":                  {"", ""},
		"an array":                 {"[]", ""},
		"a page":                   {"<html>", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i := newIssuer(t, says(200, test.body))
			p, err := i.exchanger().Exchange(t.Context(), old)
			e := exchanged(t, p, err)
			if got := e.Refresh.Value.Reveal(); got != test.want || e.Outcome != refresh.Unknown {
				t.Errorf("outcome %v, kept %q, want %q (%v)", e.Outcome, got, test.want, err)
			}
		})
	}
}

// What is wrong with an answer that is none.
func TestSalvageTexts(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		strings.Repeat("x", 1<<20+1): "is longer than 1048576 bytes: is Config.Endpoint.TokenURL the token endpoint's?",
		strings.Repeat("x", 1<<20):   "there is no usable access token in the answer of ",
		"{}":                         "(200 OK): is Config.Endpoint.TokenURL the token endpoint's?",
	} {
		i := newIssuer(t, says(200, body))
		p, err := i.exchanger().Exchange(t.Context(), old)
		if e := exchanged(t, p, err); e.Outcome != refresh.Unknown || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	// Nothing is granted by an answer that says otherwise.
	for _, status := range []int{400, 401, 500, 302} {
		i := newIssuer(t, says(status, `{`+tokens+`}`))
		p, err := i.exchanger().Exchange(t.Context(), old)
		if e := exchanged(t, p, err); !e.Refresh.IsZero() {
			t.Errorf("%d: a refresh token was kept", status)
		}
	}
}

// An answer without an end is read to its limit.
func TestEndlessAnswer(t *testing.T) {
	t.Parallel()
	body := &endless{left: 8 << 20}
	x := newIssuer(t, nil).exchanger()
	x.Insecure = true
	x.Client = &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 200, Body: body, Request: r}, nil
	})}
	p, err := x.Exchange(t.Context(), old)
	if e := exchanged(t, p, err); e.Outcome != refresh.Unknown || 8<<20-body.left > 2<<20 || !body.closed {
		t.Errorf("%d bytes were read, closed %t: %v", 8<<20-body.left, body.closed, err)
	}
}

type endless struct {
	left   int
	closed bool
}

func (e *endless) Read(p []byte) (int, error) {
	n := min(len(p), e.left)
	if e.left -= n; n == 0 {
		return 0, io.EOF
	}
	return n, nil
}

func (e *endless) Close() error { e.closed = true; return nil }

// raw is a server that answers with these bytes and closes the connection.
func raw(t *testing.T, answer string) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				buf := make([]byte, 4096)
				for got := ""; !strings.Contains(got, presented); {
					n, err := c.Read(buf)
					if err != nil {
						return
					}
					got += string(buf[:n])
				}
				fmt.Fprint(c, answer)
			}()
		}
	}()
	return "http://" + l.Addr().String() + "/token?key=hush"
}

// A connection that breaks while the answer comes.
func TestCut(t *testing.T) {
	t.Parallel()
	const head = "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"
	for name, test := range map[string]struct {
		answer string
		kept   string
		pair   bool
	}{
		"before it":             {answer: ""},
		"in the header":         {answer: "HTTP/1.1 200 OK\r\nContent-"},
		"after the header":      {answer: head},
		"in the body":           {answer: head + `{` + tokens + `,`, kept: newRefresh},
		"after the last brace":  {answer: head + `{` + tokens + `}`, pair: true},
		"in a form":             {answer: head + "access_token=a&refresh_token=" + newRefresh[:8]},
		"in a form, later":      {answer: head + "access_token=a&refresh_token=" + newRefresh + "&expires_in=36", kept: newRefresh},
		"no HTTP":               {answer: `{` + tokens + "}\r\n\r\n"},
		"a status that is none": {answer: "HTTP/1.1 " + newRefresh + " OK\r\n\r\n"},
		"in a compressed body":  {answer: "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\n\x1f\x8b\x08\x00"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := newIssuer(t, nil).exchanger()
			x.Config.Endpoint.TokenURL = raw(t, test.answer)
			p, err := x.Exchange(t.Context(), old)
			if test.pair {
				if err != nil || !p.Refresh.Value.Equal(token.NewSecret(newRefresh)) {
					t.Errorf("got %v", err)
				}
				return
			}
			e := exchanged(t, p, err)
			if got := e.Refresh.Value.Reveal(); got != test.kept || e.Outcome != refresh.Unknown {
				t.Errorf("outcome %v, kept %q, want %q (%v)", e.Outcome, got, test.kept, err)
			}
			t.Log(err)
		})
	}
}

// A refusal is one however its body ends.
func TestCutRefusal(t *testing.T) {
	t.Parallel()
	x := newIssuer(t, nil).exchanger()
	x.Config.Endpoint.TokenURL = raw(t, "HTTP/1.1 400 Bad Request\r\nContent-Length: 1000\r\n\r\n"+`{"error":"invalid_client"`)
	p, err := x.Exchange(t.Context(), old)
	if e := exchanged(t, p, err); e.Outcome != refresh.Unknown {
		t.Errorf("outcome %v: %v", e.Outcome, err)
	}
}

var _ http.RoundTripper = roundTripper(nil)
