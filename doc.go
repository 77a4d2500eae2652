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
//     Inspect, Transport
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
// A program links what it imports: token, skew and refresh need the standard
// library alone; Kubernetes is in kube.
package tokenlife
