// Package jwt decides which JSON Web Tokens to accept (RFC 7519), and why not.
//
//	p := &jwt.Policy{
//		Issuer:   "https://issuer.example",
//		Audience: []string{"https://api.example"},
//		Keys:     &jwt.Remote{Issuer: "https://issuer.example"},
//	}
//	http.ListenAndServe(addr, token.Require(p, mux))
//
// A [Policy] is a [token.Verifier]. The zero Policy accepts no token, and says
// that it is itself at fault: who may issue a token, whom it must be for, and
// which keys sign it, has to be written down. To leave one of these open there
// is a field whose name begins with Any.
//
// # Keys choose the algorithm
//
// The algorithm is never the token's to choose: it must be the one that the key
// is for, by the key's own alg or else by its kind. [Keys] are known beforehand,
// and [ParseKeys] reads them from a file; [Remote] keeps those that an issuer
// publishes, through rotations, outages and floods of tokens with made-up key
// IDs.
//
// # Strictness
//
// Two readers must not take one token for two. So a token with a space or a
// line break in it, with bits that no byte needs, with a member twice or once
// in another case, or with a crit that this package does not understand, as it
// understands none, is refused, though other libraries accept it. A token must
// expire: exp is required, and there is no way around. It is taken for up to 30
// seconds longer, and as much before its nbf and iat, since clocks differ: see
// [Leeway]. What a Policy accepts, golang-jwt and go-jose accept too, with the
// same claims; only that Ed25519 is an alg (RFC 9864) they do not know yet.
//
// Nothing but the keys of the Policy counts. Where a token says that its key is
// in it, or could be fetched somewhere (jwk, jku, x5c, x5u), nobody looks. So the
// keys must be those of the one issuer: where two publish theirs together, each
// can sign for the other.
//
// One set of claims can be signed many times over, and of one ECDSA signature
// everybody can make a second. To remember which tokens were seen, or are not to
// be accepted any more, go by their jti, and never by their text.
//
// # Refusals
//
// The error of a refused token matches one of the kinds of [token.ErrInvalid],
// and says what to do. A token used outside its lifetime is a
// [token.TimeError], which tells a token that is old from a clock that is
// wrong. An error that does not match ErrInvalid means that nobody could tell,
// because the keys could not be fetched or the Policy is incomplete.
//
// # Whose code decides
//
// Signatures are checked by the methods of github.com/golang-jwt/jwt/v5 and
// JSON Web Keys read by github.com/go-jose/go-jose/v4; the types of neither are
// in this package's API. What is decoded, in which order, and what is refused
// is this package's.
//
// Package [github.com/tokenlife/tokenlife/token/jwt/jwttest] is an issuer for
// tests, of good tokens and of bad ones.
package jwt
