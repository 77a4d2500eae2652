package refresh

import (
	"errors"
	"net/http"

	"github.com/tokenlife/tokenlife/internal/panics"
	"github.com/tokenlife/tokenlife/token"
)

// An Endpoint serves an [Issuer] over HTTP to any OAuth 2.0 client: its methods
// are handlers for the refresh_token grant of a token endpoint (RFC 6749, section
// 6) and for a revocation endpoint (RFC 7009).
//
//	e := &refresh.Endpoint{Issuer: issuer}
//	mux.HandleFunc("POST /token", e.Token)
//	mux.HandleFunc("POST /revoke", e.Revoke)
//
// What a client learns of a refusal is the kind of it. Why an answer could not
// be had is told to the Issuer's OnAudit, and the client that it may try again.
type Endpoint struct {
	// Issuer does what is asked. Required.
	Issuer *Issuer

	// Client authenticates who asks and returns their client id, and, if the
	// request proves possession of a key, its thumbprint, as in Grant.Confirm.
	// It finds the parameters in r.PostForm; the body was read. Its error is
	// answered with invalid_client, or, if the error says when to come back
	// ([token.RetryAfter]), with 503. Nil means that clients are public and say
	// who they are in client_id.
	Client func(r *http.Request) (id, confirm string, err error)
}

// Token serves the refresh_token grant. A server that has other grants too calls
// it for those requests whose grant_type is refresh_token; it may have parsed
// the form by then.
//
// A refused token is answered with invalid_grant, and one that was used before
// with "the refresh token was used before" as the description. If the Issuer
// could not tell, the answer is 503 with Retry-After: temporarily_unavailable if
// the refresh token is as good as before, server_error if it may have been spent.
// Either can be presented again.
func (e *Endpoint) Token(w http.ResponseWriter, r *http.Request) {
	f := e.form(w, r)
	if f == nil {
		switch r.PostForm.Get("grant_type") {
		case "refresh_token":
		case "":
			f = invalidRequest("grant_type is missing")
		default:
			f = &fault{http.StatusBadRequest, "unsupported_grant_type", "this endpoint serves the grant refresh_token only"}
		}
	}
	if f != nil {
		f.answer(w)
		return
	}
	q, ok := e.request(w, r, "refresh_token")
	if !ok {
		return
	}
	q.Scope = r.PostForm.Get("scope")
	pair, granted, err := e.Issuer.exchange(r.Context(), q)
	if err != nil {
		refuseRefresh(w, err)
		return
	}
	answerPair(w, pair, granted.Scope)
}

// Revoke serves revocation requests for refresh tokens. Any other token, such as
// an access token, is unknown to it, and the answer to that is the same as to
// success (RFC 7009, section 2.2).
func (e *Endpoint) Revoke(w http.ResponseWriter, r *http.Request) {
	if f := e.form(w, r); f != nil {
		f.answer(w)
		return
	}
	q, ok := e.request(w, r, "token")
	if !ok {
		return
	}
	if err := e.Issuer.Revoke(r.Context(), q); err != nil {
		refuseRefresh(w, err)
		return
	}
	noStore(w)
	w.WriteHeader(http.StatusOK)
}

// request returns who presents which token, the one in the parameter of the
// given name. Otherwise it has answered.
func (e *Endpoint) request(w http.ResponseWriter, r *http.Request, name string) (q Request, ok bool) {
	id, confirm, f, err := e.client(r)
	switch {
	case err != nil:
		e.Issuer.audit(r.Context(), Audit{Kind: AuditFailed, Err: err})
		unavailable(w, err, temporarilyUnavailable)
		return q, false
	case f != nil:
		if f.status == http.StatusUnauthorized {
			challenge(w, r)
		}
		f.answer(w)
		return q, false
	}
	presented := token.NewSecret(r.PostForm.Get(name))
	if presented.IsZero() {
		invalidRequest(name + " is missing").answer(w)
		return q, false
	}
	return Request{Refresh: presented, Client: id, Confirm: confirm}, true
}

// client returns who asks, or how to refuse them, or why that could not be told.
func (e *Endpoint) client(r *http.Request) (id, confirm string, f *fault, err error) {
	named := r.PostForm.Get("client_id")
	if e.Client == nil {
		switch {
		case r.Header.Get("Authorization") != "":
			return "", "", invalidClient("clients of this endpoint are public: send client_id, and no Authorization header"), nil
		case named == "":
			return "", "", invalidClient("client_id is missing"), nil
		}
		return named, "", nil, nil
	}
	returned := false
	err = panics.Call("Endpoint.Client", func() (err error) {
		id, confirm, err = e.Client(r)
		returned = true
		return err
	})
	switch {
	case err != nil && (!returned || token.RetryAfter(err) > 0):
		return "", "", nil, err
	case err != nil:
		return "", "", invalidClient("the client did not authenticate"), nil
	case id == "":
		return "", "", nil, errors.New("refresh: Endpoint.Client returned neither a client id nor an error")
	case named != "" && named != id:
		return "", "", invalidRequest("client_id is not the client that authenticated"), nil
	}
	return id, confirm, nil, nil
}
