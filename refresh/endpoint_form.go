package refresh

import (
	"errors"
	"mime"
	"net/http"
)

// maxForm bounds the body of a request, in bytes.
const maxForm = 64 << 10

// form reads the parameters of a request into r.PostForm: from its body, and
// nowhere else, since what is in a URL ends up in logs (RFC 6749, section 3.2).
func (e *Endpoint) form(w http.ResponseWriter, r *http.Request) *fault {
	if e.Issuer == nil {
		return &fault{http.StatusInternalServerError, "server_error", "the server's Endpoint has no Issuer"}
	}
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		return &fault{http.StatusMethodNotAllowed, "invalid_request", "the method must be POST"}
	}
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/x-www-form-urlencoded" {
		return invalidRequest("the Content-Type must be application/x-www-form-urlencoded")
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	switch err := r.ParseForm(); { // nothing, if it was parsed already
	case errors.As(err, new(*http.MaxBytesError)):
		return &fault{http.StatusRequestEntityTooLarge, "invalid_request", "the body is too long"}
	case err != nil:
		return invalidRequest("the body is not a form")
	}
	for _, values := range r.PostForm {
		if len(values) > 1 {
			return invalidRequest("a parameter is there more than once")
		}
	}
	return nil
}
