// Package jwe opens and makes encrypted tokens (RFC 7516).
//
//	p := &jwe.Policy{
//		Keys:     jwt.Keys{{Shared: secret}},
//		Issuer:   "https://issuer.example",
//		Audience: []string{"https://api.example"},
//	}
//	http.ListenAndServe(addr, token.Require(p, mux))
//
// # Encrypted is not signed
//
// Whoever can encrypt could have made the token. Under a shared secret that is
// whoever has the secret, and a [Policy] takes claims encrypted under one as
// those of a signed token. Under a public key it is anybody, so that a token
// must be signed inside: then package jwt's Policy judges it, once its Decrypt,
// a [Decrypter], has opened it.
//
// # Keys choose the algorithm
//
// As in package jwt, a key is only used for the algorithm it is for, by its own
// alg or else by its kind:
//
//	secret of 16, 24 or 32 bytes    dir, with A128GCM, A192GCM or A256GCM
//	RSA of 2048 bits or more        RSA-OAEP-256
//	P-256, P-384, P-521             ECDH-ES, also with +A128KW, +A192KW or +A256KW
//
// Where alg names another, or an Algorithms field lists it, A128KW, A192KW,
// A256KW and RSA-OAEP can be used too; and dir with A128CBC-HS256,
// A192CBC-HS384 or A256CBC-HS512, if that is the key's alg. With all but dir,
// these three and the three above encrypt the content. Nothing else is ever
// opened: neither RSA1_5, which leaks what it decrypts, nor passwords (PBES2),
// nor anything compressed (zip).
//
// # Refusals
//
// A token that cannot be decrypted is a [token.ErrSignature], whatever the
// reason: an error that tells more is an oracle. One that is not a JWE as RFC
// 7516 has it, in its one spelling, is a [token.ErrMalformed]. The rest is as in
// package jwt.
//
// # The Kubernetes Dashboard
//
// [Dashboard] makes and opens the session tokens of the Kubernetes Dashboard
// 2.x, which are JWEs in JSON with dates that everybody can read.
//
// # Whose code decides
//
// Tokens made with dir and AES-GCM are opened with the standard library, and
// all others by github.com/go-jose/go-jose/v4. What is decoded, and what is
// refused, is this package's.
package jwe
