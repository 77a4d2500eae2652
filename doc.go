// Package tokenlife is the map of a library for the whole life of a token: get
// it, trust it, keep it fresh, rotate it, seal it into a session, and know why it
// was refused.
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
//   - [github.com/tokenlife/tokenlife/token/oauth2adapt]: to and from
//     golang.org/x/oauth2, and refresh tokens exchanged at an OAuth server
//   - [github.com/tokenlife/tokenlife/refresh]: the cache that keeps any token
//     fresh; Group, the same for many keys; Rotator, which holds a rotating pair,
//     and Issuer, its other end; Store, which shares either between runs and
//     replicas
//   - [github.com/tokenlife/tokenlife/refresh/sqlstore] and
//     [github.com/tokenlife/tokenlife/refresh/redisstore]: Stores in PostgreSQL,
//     SQLite and Redis; [github.com/tokenlife/tokenlife/refresh/storetest]
//     checks one of your own
//   - [github.com/tokenlife/tokenlife/session]: browser sessions in sealed
//     cookies, which slide, and can be ended everywhere;
//     [github.com/tokenlife/tokenlife/session/dashboard] is the Kubernetes
//     Dashboard's login, both ends
//   - [github.com/tokenlife/tokenlife/skew]: other machines' clocks, tolerated
//     and measured
//   - [github.com/tokenlife/tokenlife/rancher]: the tokens of Rancher 1.6 and
//     2.x; [github.com/tokenlife/tokenlife/rancher/ranchertest] is both servers,
//     for tests
//   - [github.com/tokenlife/tokenlife/kube]: Kubernetes service account tokens,
//     requested, kept for many, read from files, and reviewed; a client-go
//     configuration whose only credential is a Source; a Store in Secrets; why a
//     token is refused
//   - [github.com/tokenlife/tokenlife/kube/kubeconfig]: the credentials in
//     kubeconfig files, and their OpenID Connect logins kept fresh
//   - [github.com/tokenlife/tokenlife/kube/execcred]: kubectl's exec credential
//     plugins, both ends
//
// Only refresh.Source caches. Every other Source answers anew on each call, so
// refresh.New of it is always right.
//
// A program links what it imports: token, token/seal, token/introspect, skew,
// session, rancher, kube/execcred and refresh need the standard library alone, and
// so do its Stores, which import no driver; JOSE libraries are in token/jwt,
// token/jwe and session/dashboard, golang.org/x/oauth2 is in token/oauth2adapt,
// Kubernetes is in kube, and kube/kubeconfig adds a YAML reader.
package tokenlife
