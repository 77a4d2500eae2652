package foreign

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/url"
)

// Untrusted returns the error of a server's certificate that could not be verified, if
// err is that; nil otherwise, and if it is a proxy's.
func Untrusted(err error) error {
	untrusted, ok := errors.AsType[*tls.CertificateVerificationError](err)
	if system, isSystem := errors.AsType[*net.OpError](err); !ok || isSystem && system.Op == "proxyconnect" {
		return nil
	}
	return untrusted
}

// Bare returns err without the URL that an HTTP client puts in front, which may have a
// secret in it, and without that of a proxy, which may have a password.
func Bare(err error) error {
	for e, ok := errors.AsType[*url.Error](err); ok; e, ok = errors.AsType[*url.Error](err) {
		err = e.Err
	}
	return err
}

// Broken says in brief what is wrong with a connection, given the error of an HTTP
// client, [Bare]. Once there is a connection, the text of an error can be the server's,
// and the server knows the secrets: "malformed MIME header line: …".
func Broken(err error, connected bool) string {
	const most = 300
	timed, isTimed := errors.AsType[net.Error](err) // which *url.Error is
	err = Bare(err)
	system, isSystem := errors.AsType[*net.OpError](err)
	switch {
	case !connected:
		return Brief(err.Error(), most)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.ErrClosedPipe):
		return "the connection ended before the answer did"
	case isSystem:
		return Brief(system.Error(), most)
	case isTimed && timed.Timeout():
		return "it took too long"
	}
	return "what came cannot be read as HTTP"
}
