package jwt

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/tokenlife/tokenlife/internal/origin"
)

// first returns what a fetch asks first: URL, or the discovery document of
// Issuer.
func (r *Remote) first() (*url.URL, error) {
	var u *url.URL
	err := errors.New("Remote has neither URL nor Issuer: set one, to where the keys are or to who signs")
	switch {
	case r.URL != "":
		u, err = r.address("Remote.URL", r.URL)
	case r.Issuer != "":
		u, err = r.discoveryURL()
	}
	if err != nil {
		return nil, fmt.Errorf("jwt: %w", err)
	}
	return u, nil
}

// address reads text, from where keys or the way to them may be fetched. Its
// error calls it by name and does not quote it: it may hold a password.
func (r *Remote) address(name, text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" || u.User != nil || strings.Contains(text, "#") {
		return nil, fmt.Errorf("%s is not of the form https://host[:port]/path, without user, password and fragment", name)
	}
	switch o := origin.Of(u); {
	case o.Encrypted(), o.Plain() && (r.Insecure || o.Loopback()):
		return u, nil
	case o.Plain():
		return nil, fmt.Errorf("%s is http, and whoever is on the way could put in other keys: use https, or a loopback address such as 127.0.0.1, or set Remote.Insecure", name)
	}
	return nil, fmt.Errorf("%s is neither https nor http", name)
}
