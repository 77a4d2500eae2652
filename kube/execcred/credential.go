package execcred

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	"github.com/tokenlife/tokenlife/token"
)

// readCredential reads the token in text, which a plugin wrote that was asked for an
// ExecCredential of version at now.
func readCredential(text []byte, version string, now time.Time) (token.Token, error) {
	if len(bytes.TrimSpace(text)) == 0 {
		return token.Token{}, errors.New("standard output: empty: is it a credential plugin, and are its Args complete?")
	}
	o := parse(text)
	if o.text("kind") != kind {
		o.fail("kind", "not "+kind)
	}
	switch got := o.text("apiVersion"); got {
	case version:
	case V1, V1Beta1:
		o.fail("apiVersion", got+", and "+version+" was asked for: set Request.APIVersion to what the plugin speaks")
	default:
		checkVersion(o, got)
	}
	status, ok := o.object("status")
	if !ok {
		o.fail("status", "missing")
	}
	certificate, key := status.text("clientCertificateData"), status.text("clientKeyData")
	value, end := status.text("token"), readStamp(status)
	switch why := unsendable(value); {
	case certificate != "" && key == "":
		status.fail("clientKeyData", "missing beside clientCertificateData")
	case certificate == "" && key != "":
		status.fail("clientCertificateData", "missing beside clientKeyData")
	case value == "" && certificate != "":
		status.fail("token", "missing, for this plugin prints a client certificate: give it to client-go itself, as the ExecProvider of a rest.Config")
	case value == "":
		status.fail("token", "missing or empty")
	case why != "":
		status.fail("token", why)
	}
	if *o.fault != nil {
		return token.Token{}, fmt.Errorf("standard output: %w; it must be an ExecCredential and nothing else", *o.fault)
	}
	t := token.New(token.NewSecret(value))
	if end.IsZero() {
		return t, nil
	}
	if t.Expiry, t.ExpiresIn = end, end.Sub(now); t.ExpiresIn <= 0 {
		return token.Token{}, fmt.Errorf("standard output: status.expirationTimestamp: %v ago: its tokens are expired on arrival, or this machine's clock is wrong; does it keep old ones in a cache that is to be cleared?", t.ExpiresIn.Abs().Round(time.Second))
	}
	return t, nil
}

// readStamp returns the expirationTimestamp of status, or the zero time, which stands
// for none to client-go too.
func readStamp(status object) time.Time {
	const name, otherwise = "expirationTimestamp", "no time of RFC 3339"
	var text *string // a time.Time would not take the escapes of JSON, such as \u002b for +
	status.read(name, &text, otherwise)
	if text == nil {
		return time.Time{}
	}
	end, err := time.Parse(time.RFC3339, *text)
	if err != nil {
		status.fail(name, otherwise)
	}
	return end.UTC()
}
