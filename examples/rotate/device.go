package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"golang.org/x/oauth2"

	"github.com/tokenlife/tokenlife/refresh"
)

// The device flow of RFC 8628, at the issuer in this program.

const deviceGrant = "urn:ietf:params:oauth:grant-type:device_code"

// devices are the logins under way.
type devices struct {
	mu    sync.Mutex
	codes map[string]*device // by device code
}

// A device waits for somebody to enter its user code.
type device struct {
	user    string // code
	scope   string
	subject string // who entered it; empty before
	ends    time.Time
}

// authorizeDevice begins a login.
func (l *local) authorizeDevice(w http.ResponseWriter, r *http.Request) {
	if r.PostFormValue("client_id") != localClient {
		refuse(w, "invalid_client")
		return
	}
	const life = 10 * time.Minute
	code, user := rand.Text(), rand.Text()[:8]
	l.devices.mu.Lock()
	defer l.devices.mu.Unlock()
	if l.devices.codes == nil {
		l.devices.codes = make(map[string]*device)
	}
	l.devices.codes[code] = &device{user: user, scope: r.PostFormValue("scope"), ends: time.Now().Add(life)}
	answer(w, http.StatusOK, map[string]any{
		"device_code": code, "user_code": user, "verification_uri": l.url + "/device",
		"expires_in": int(life / time.Second), "interval": 1,
	})
}

// confirmDevice is where a user enters the user code. The issuer of an example
// takes everybody's word for who they are.
func (l *local) confirmDevice(w http.ResponseWriter, r *http.Request) {
	l.devices.mu.Lock()
	defer l.devices.mu.Unlock()
	for _, d := range l.devices.codes {
		if d.user == r.PostFormValue("user_code") && time.Now().Before(d.ends) {
			d.subject = r.PostFormValue("user")
			return
		}
	}
	http.Error(w, "there is no such code", http.StatusNotFound)
}

// confirm is what a user does in a browser.
func (l *local) confirm(ctx context.Context, d *oauth2.DeviceAuthResponse) error {
	form := url.Values{"user_code": {d.UserCode}, "user": {"alice"}}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, d.VerificationURI, strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("the code was not taken: %s", resp.Status)
	}
	return nil
}

// grantDevice answers a device that asks for its pair.
func (l *local) grantDevice(w http.ResponseWriter, r *http.Request) {
	subject, scope, err := l.devices.take(r.PostFormValue("device_code"))
	if err != nil {
		refuse(w, err.Error())
		return
	}
	pair, err := l.issuer.Begin(r.Context(), refresh.Grant{Subject: subject, Client: localClient, Scope: scope})
	if err != nil {
		http.Error(w, "try again later", http.StatusServiceUnavailable)
		return
	}
	answer(w, http.StatusOK, map[string]any{
		"access_token": pair.Access.Value.Reveal(), "token_type": "Bearer",
		"expires_in":    int(pair.Access.ExpiresIn / time.Second),
		"refresh_token": pair.Refresh.Value.Reveal(), "scope": scope,
	})
}

// take returns who confirmed the device, which is then no longer under way. The
// error is a code of RFC 8628, section 3.5.
func (ds *devices) take(code string) (subject, scope string, err error) {
	ds.mu.Lock()
	defer ds.mu.Unlock()
	d := ds.codes[code]
	switch {
	case d == nil:
		return "", "", errors.New("invalid_grant")
	case !time.Now().Before(d.ends):
		delete(ds.codes, code)
		return "", "", errors.New("expired_token")
	case d.subject == "":
		return "", "", errors.New("authorization_pending")
	}
	delete(ds.codes, code)
	return d.subject, d.scope, nil
}
