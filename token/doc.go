// Package token defines what the rest of this module composes through: a
// [Token], the [Source] that supplies one and the [Verifier] that judges one.
//
// # Sources
//
// A Source has one method. Everything that can produce a token is a Source: a
// file kept fresh by the kubelet, a TokenRequest, a Rancher login, a rotating
// OAuth 2.0 refresh token. Only package refresh's Source caches; every other
// Source answers anew on each call, so that wrapping it in refresh.New is
// always right and never hides a refresh.
//
//	src := refresh.New(token.File("/var/run/secrets/tokens/vault"))
//	client := &http.Client{Transport: &token.Transport{Source: src}}
//
// A Source is bound to one identity, audience and scope. To speak to two
// audiences, make two Sources.
//
// # Time left, not time of day
//
// Two machines seldom agree what time it is, but they agree how long a minute
// is. So a Source that has a token issued says in [Token.ExpiresIn] how long it
// has left, and whoever holds the token counts that down on its own clock,
// wherever that clock may stand. [Token.Expiry] is compared with a clock only
// where no duration is known.
//
// # Verifiers
//
// A Verifier answers whether a presented token is good and whom it speaks for.
// Its errors match [ErrInvalid] when the token is at fault; any other error
// means that no answer could be had, and a server should say 503, not 401.
// [Require] does. What can be read of a token without verifying it, [Inspect]
// reads.
//
// # Secrets
//
// A [Secret] does not print, in any verb, encoder or log handler, wherever it
// sits. The only way to its text is [Secret.Reveal], and the only form of a
// Token that can be stored is its [Record].
package token
