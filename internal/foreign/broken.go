package foreign

import (
	"errors"
	"io"
	"net"
	"net/url"
)

// Broken says in brief what is wrong with a connection, given the error of an HTTP
// client, without the URL that it puts in front. Once there is a connection, the
// text of an error can be the server's, and the server knows the secrets:
// "malformed MIME header line: …".
func Broken(err error, connected bool) string {
	const most = 300
	timed, isTimed := errors.AsType[net.Error](err) // which *url.Error is
	if e, ok := errors.AsType[*url.Error](err); ok {
		err = e.Err
	}
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
