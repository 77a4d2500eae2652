package jwt

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/tokenlife/tokenlife/internal/origin"
	"github.com/tokenlife/tokenlife/internal/panics"
	"github.com/tokenlife/tokenlife/token"
)

const (
	// maxDocument is the longest document, in bytes, that is read.
	maxDocument = 1 << 20

	// maxRedirects is how many are followed, within one origin.
	maxRedirects = 3

	// acceptKeys is what kube-apiserver asks for: it has keys as the first type
	// only, and answers 406 to whoever accepts just the second.
	acceptKeys = "application/jwk-set+json, application/json"
)

// read fetches the set, and whatever is needed to find it.
func (r *Remote) read(ctx context.Context, asked time.Time) (set *published, err error) {
	defer func() {
		if v := recover(); v != nil {
			set, err = nil, fmt.Errorf("fetching keys: %w", panics.Error("the Client or the Source", v))
		}
	}()
	return r.readSet(ctx, asked)
}

func (r *Remote) readSet(ctx context.Context, asked time.Time) (*published, error) {
	u, err := r.first()
	if err != nil {
		return nil, err
	}
	client := r.client(u)
	if r.URL == "" {
		if u, err = r.discover(ctx, client, u); err != nil {
			return nil, err
		}
	}
	body, header, err := r.get(ctx, client, u, acceptKeys)
	if err != nil {
		return nil, err
	}
	keys, err := readKeys(string(body))
	if err != nil {
		return nil, at(u, err)
	}
	return publish(keys, asked, lifetime(header, r.maxAge())), nil
}

// readKeys reads a set as it is published: as JSON, while ParseKeys would find
// PEM even in the middle of a web page.
func readKeys(text string) (Keys, error) {
	if !strings.HasPrefix(strings.TrimLeft(text, " \t\r\n"), "{") {
		return nil, errors.New("no JSON Web Key Set: it does not begin with a brace")
	}
	p := keyParser{published: true}
	if err := p.parseJSON(text); err != nil {
		return nil, err
	}
	return p.keys, p.nothing()
}

func (r *Remote) maxAge() time.Duration {
	if r.MaxAge < 0 {
		return minLife
	}
	return cmp.Or(r.MaxAge, time.Hour)
}

// client returns what makes the requests of one fetch that asks first at u.
func (r *Remote) client(u *url.URL) *http.Client {
	var c http.Client
	if r.Client != nil {
		c = *r.Client
	} else {
		// Until the next fetch no server would keep a connection, and an idle
		// one has goroutines.
		c.Transport = &http.Transport{Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true, MaxResponseHeaderBytes: 64 << 10}
	}
	if r.Source != nil {
		c.Transport = &token.Transport{Source: r.Source, Base: c.Transport, Origin: origin.Of(u).String(), Insecure: r.Insecure}
	}
	c.CheckRedirect = func(next *http.Request, via []*http.Request) error {
		switch to := origin.Of(next.URL); {
		case to != origin.Of(via[0].URL):
			return fmt.Errorf("redirected to %v, which is another origin: if that is where it is, name it in Remote.URL", to)
		case len(via) > maxRedirects:
			return fmt.Errorf("more than %d redirects", maxRedirects)
		}
		return nil
	}
	return &c
}

// get returns the document at u. Its error names u.
func (r *Remote) get(ctx context.Context, client *http.Client, u *url.URL, accept string) ([]byte, http.Header, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, nil, at(u, clipped(err))
	}
	req.Header.Set("Accept", accept)
	resp, err := client.Do(req)
	if err != nil {
		return nil, nil, at(u, clipped(err))
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, nil, at(u, r.status(u, resp))
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxDocument+1))
	switch {
	case err != nil:
		return nil, nil, at(u, clipped(err))
	case len(body) > maxDocument:
		return nil, nil, at(u, fmt.Errorf("more than %d bytes", maxDocument))
	}
	return body, resp.Header, nil
}

// at returns err with the place where it happened. The query is left out: it
// may have been given a secret.
func at(u *url.URL, err error) error {
	return fmt.Errorf("fetching keys: GET %s: %w", origin.Address(u), err)
}
