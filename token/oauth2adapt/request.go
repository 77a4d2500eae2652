package oauth2adapt

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"golang.org/x/oauth2"

	"github.com/tokenlife/tokenlife/internal/origin"
	"github.com/tokenlife/tokenlife/internal/panics"
	"github.com/tokenlife/tokenlife/internal/sent"
	"github.com/tokenlife/tokenlife/token"
)

// A post is a request that is about to be sent, once.
type post struct {
	request *http.Request
	body    *sent.Body
	client  *http.Client
	to      string // for errors
	refresh string // the token presented
	idToken bool   // Exchanger.IDToken
	hides   hidden
}

// prepare makes the request for an exchange.
func (e *Exchanger) prepare(ctx context.Context, refreshToken token.Secret) (*post, error) {
	u, err := e.address()
	if err != nil {
		return nil, err
	}
	added, form := http.Header{}, url.Values{}
	if err := e.authenticate(added, form); err != nil {
		return nil, err
	}
	if e.Sign != nil {
		err := panics.Call("Exchanger.Sign", func() error { return e.Sign(ctx, added, form) })
		if err != nil {
			return nil, fmt.Errorf("Exchanger.Sign gave nothing: %w", err)
		}
	}
	hides := hidden{refreshToken.Reveal(), e.Config.ClientSecret}
	hides.add(added)
	hides.add(form)
	// What is asked is not Sign's to say.
	form.Set("grant_type", "refresh_token")
	form.Set("refresh_token", refreshToken.Reveal())

	b := sent.NewBody(form.Encode()) // the refresh token is in it, and nowhere else
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), b)
	if err != nil {
		return nil, err
	}
	r.ContentLength = b.Size()
	r.GetBody = nil // without it no transport can send the request a second time
	// Under another spelling a field would be sent beside ours, and even a
	// Content-Length would.
	for key, values := range added {
		key = http.CanonicalHeaderKey(key)
		r.Header[key] = append(r.Header[key], values...)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Accept", "application/json")
	client, err := e.sender(r)
	if err != nil {
		return nil, err
	}
	return &post{r, b, client, origin.Address(u), refreshToken.Reveal(), e.IDToken, hides}, nil
}

// address returns where the token endpoint is. The error says what is missing or
// wrong, without the text of the URL, which may have a password in it.
func (e *Exchanger) address() (*url.URL, error) {
	switch {
	case e == nil || e.Config == nil:
		return nil, errors.New("Exchanger.Config is nil: set it to the client's")
	case e.Config.Endpoint.TokenURL == "":
		return nil, errors.New("Exchanger.Config.Endpoint.TokenURL is empty: set it to the address of the token endpoint")
	case e.Config.ClientID == "" && e.Sign == nil:
		return nil, errors.New("Exchanger.Config.ClientID is empty: set it to the client's ID")
	}
	u, err := url.Parse(e.Config.Endpoint.TokenURL)
	if err != nil || u.User != nil || u.Hostname() == "" || strings.Contains(e.Config.Endpoint.TokenURL, "#") {
		return nil, errors.New("Exchanger.Config.Endpoint.TokenURL is not of the form https://host[:port]/path, without user or fragment")
	}
	if o := origin.Of(u); !o.Encrypted() && !o.Plain() {
		return nil, errors.New("Exchanger.Config.Endpoint.TokenURL is neither https nor http")
	}
	return u, e.authenticate(http.Header{}, url.Values{})
}

// authenticate adds who the client is, as RFC 6749, section 2.3.1, has it, in
// the one style that is chosen.
func (e *Exchanger) authenticate(header http.Header, form url.Values) error {
	id, secret := e.Config.ClientID, e.Config.ClientSecret
	style := e.Config.Endpoint.AuthStyle
	if style == oauth2.AuthStyleAutoDetect {
		style = oauth2.AuthStyleInParams
		if secret != "" {
			style = oauth2.AuthStyleInHeader
		}
	}
	switch style {
	case oauth2.AuthStyleInHeader:
		pair := url.QueryEscape(id) + ":" + url.QueryEscape(secret)
		header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(pair)))
	case oauth2.AuthStyleInParams:
		if id != "" {
			form.Set("client_id", id)
		}
		if secret != "" {
			form.Set("client_secret", secret)
		}
	default:
		return fmt.Errorf("Exchanger.Config.Endpoint.AuthStyle is %d, which is none: use AuthStyleInHeader or AuthStyleInParams", style)
	}
	return nil
}

// ownTransport is that of an Exchanger without a Client.
var ownTransport = sync.OnceValue(func() http.RoundTripper {
	t, ok := http.DefaultTransport.(*http.Transport)
	if !ok {
		return http.DefaultTransport
	}
	t = t.Clone()
	t.DisableKeepAlives = true
	return t
})

// sender returns a client that sends r to where it is for and no further.
func (e *Exchanger) sender(r *http.Request) (*http.Client, error) {
	var client http.Client // a copy, since the caller's may be shared
	if e.Client != nil {
		client = *e.Client
	}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	if client.Transport == nil {
		client.Transport = ownTransport()
	}
	to := origin.Of(r.URL)
	if !e.Insecure && !to.Encrypted() && !(to.Loopback() && origin.Direct(client.Transport, r)) {
		return nil, fmt.Errorf("no token was sent to %s, where others could read it: use https, or a loopback address such as 127.0.0.1 over an http.Transport without a proxy, or set Exchanger.Insecure", origin.Address(r.URL))
	}
	return &client, nil
}
