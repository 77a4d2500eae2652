// Package tokenlife is the map of a library for the whole life of a token: get
// it, trust it, keep it fresh, and know why it was refused.
//
// The work is done by small packages that meet in two interfaces of one method:
// a token.Source supplies tokens, a token.Verifier judges them.
//
//	src := refresh.New(kube.NewSource(cs.CoreV1().ServiceAccounts("ci"), "builder", "vault"))
//	client := &http.Client{Transport: &token.Transport{Source: src}}
//
// The packages are:
//
//   - [github.com/tokenlife/tokenlife/token]: Secret, Token, Source, Verifier,
//     VerifierCache, Inspect, Transport, Require
//   - [github.com/tokenlife/tokenlife/token/jwt]: which JWTs to accept, and the
//     keys of their issuers; [github.com/tokenlife/tokenlife/token/jwt/jwttest]
//     is an issuer for tests
//   - [github.com/tokenlife/tokenlife/token/introspect]: opaque tokens, judged
//     and revoked by their issuer
//   - [github.com/tokenlife/tokenlife/token/seal]: sealing data under keys that
//     change, as compact JWE
//   - [github.com/tokenlife/tokenlife/token/jwe]: the other forms of JWE, that
//     of the Kubernetes Dashboard among them
//   - [github.com/tokenlife/tokenlife/refresh]: the cache that keeps any token
//     fresh, and Store, which shares it between runs and replicas
//   - [github.com/tokenlife/tokenlife/skew]: other machines' clocks, tolerated
//     and measured
//   - [github.com/tokenlife/tokenlife/kube]: Kubernetes TokenRequest, and a
//     client-go configuration whose only credential is a Source
//
// Only refresh.Source caches. Every other Source answers anew on each call, so
// refresh.New of it is always right.
//
// A program links what it imports: token, token/seal, token/introspect, skew and
// refresh need the standard library alone; JOSE libraries are in token/jwt and
// token/jwe, Kubernetes is in kube.
package tokenlife
