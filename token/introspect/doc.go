// Package introspect has the server that issued a token judge it (RFC 7662), and
// revoke it (RFC 7009). It is for tokens that mean something only to their
// issuer, and for those that must be seen to be revoked at once.
//
//	v := &introspect.Verifier{
//		URL:      "https://issuer.example/oauth2/introspect",
//		Auth:     introspect.Basic("orders-api", secret),
//		Audience: []string{"https://orders.example"},
//	}
//	http.ListenAndServe(addr, token.Require(&token.VerifierCache{Verifier: v}, mux))
//
// A [Verifier] asks anew each time; the [token.VerifierCache] around it is what
// makes it quick, and lets a revoked token in for 10 seconds more, or another
// TTL.
//
// # Whose fault it is
//
// A token that its issuer does not call active, or that is not for this service,
// is refused with an error that matches [token.ErrInvalid]. Everything else, an
// issuer that is down, that answers what cannot be read, or that refuses this
// service's own credential ([token.ErrRefused]), says nothing of the token, and
// a server answers 503.
//
// # Who is asking
//
// An introspection endpoint must know who is asking, or it would tell thieves
// which tokens are good. How this service proves that is its [Auth], which is
// chosen and never guessed: none is tried after another. [Basic] and [Post] send
// a client's ID and secret, [Bearer] a token of this service's own; an
// [AuthFunc] signs a client assertion (RFC 7523); a client certificate (RFC 8705)
// goes into the Client, beside [ClientID].
//
// # Where tokens go
//
// A presented token goes to the configured URL and nowhere else: in the body of
// a POST, over https or to a loopback address, with no redirect followed. It is
// in no URL, error or log.
package introspect
