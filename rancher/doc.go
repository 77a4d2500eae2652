// Package rancher works with the tokens of Rancher: those of 1.6, which has the
// v2-beta API, and those of 2.x, which has v3 and its successors.
//
// Both are opaque, and neither has a call to refresh one. A token of 1.6 is
// renewed by another login ([V2BetaSource]), one of 2.x by a token that is made
// with it ([V3Source]). Either is a [token.Source]; wrap it in refresh.New:
//
//	server := &rancher.Server{URL: "https://rancher.example"}
//	src := refresh.New(&rancher.V3Source{
//		Client: &rancher.V3{Server: server},
//		First:  token.Static(token.New(apiKey)),
//		Store:  &refresh.Dir{Path: dir}, Key: "ci",
//	})
//	client := &http.Client{Transport: (&rancher.V3{Server: server}).Transport(src)}
//
// Where it is not known which Rancher there is, [Server.Open] finds out, and
// gives what both can do as an [API].
//
// # Two products of one name
//
// Rancher 1.6 and Rancher 2.x share a name and little else:
//
//	                    1.6                            2.x
//	a token is          40 letters and digits          token-xxxxx:secret, or ext/token-xxxxx:secret
//	one gets it by      POST /v2-beta/token            POST /v1-public/login, before 2.13 /v3-public;
//	                                                   with a token, POST /v3/tokens makes others
//	it is sent as       the cookie token               Authorization: Bearer
//	or, instead, as     Authorization: Bearer          the cookie R_SESS
//	                    (a cookie, if sent, wins)      (a header, if sent, wins)
//	it lives for        16 hours                       16 hours from a login, else what was asked for
//	says who            api.auth.jwt.token.expiry      see below
//	its end is          told to nobody                 in expiresAt, or created and ttl
//	it is renewed by    another login                  making the next with it
//	it is ended by      DELETE with the cookie         POST /v1/logout, or DELETE of its name
//	it is listed        nowhere                        for its own user, without the secret
//	a refusal is        401, expired or never known    401, whatever the reason
//
// [V2Beta] and [V3] are the clients. Each has Set and Refused, which present a
// token and recognise its refusal as a [token.Transport] wants it, and Transport,
// which makes one.
//
// # Rancher 1.6
//
// A login gives a token that says nothing, and nothing can be asked about it but
// whether it is good now ([V2Beta.Probe]). Its life is fixed when it is made and
// never slides, whatever is done with it: so [V2Beta.Login] computes the end from
// the server's own clock and the setting, which only administrators may read, and
// otherwise from the 16 hours that are the default. Another login neither needs
// nor ends the token before, unless api.auth.restrict.concurrent.sessions is on.
// For a program that runs briefly and often, the Store of the refresh.Source
// around a V2BetaSource keeps the token from one run to the next.
//
// Of a cookie called token and a header Authorization, Rancher 1.6 looks at the
// cookie alone, also if it is stale. Set and SetBearer therefore take every other
// credential off a request. [V2Beta.Logout] sends the cookie, since a DELETE with
// Bearer revokes nothing.
//
// # Rancher 2.x
//
// There are three sorts of tokens. A login makes a session. What is made with
// another token is derived: an API key, and each token of a [V3Source]. A
// kubeconfig has one of a third sort in it. How long each lives is decided when it
// is made, by the lesser of what was asked for and what the server's settings
// say, and without a word: a program that asks for a year gets 90 days and a
// 201. [V3.Create] says what was granted, and a V3Source tells of it in a
// [V3Event].
//
//	auth-user-session-ttl-minutes         a login; what it asks for is not looked at
//	auth-user-session-idle-ttl-minutes    a login that has recorded a UserActivity (2.11)
//	auth-token-max-ttl-minutes            all others: the most that is granted; 0 is no limit
//	kubeconfig-default-token-ttl-minutes  a kubeconfig, within that maximum
//
// No life slides, and no use of a token prolongs it. A derived token outlives the
// one it was made with, also if that is logged out. Only its own user sees it, and
// it is refused, by a 401 that says nothing, when it has expired, was deleted or
// disabled, when its user or their provider is disabled, and outside of the
// cluster that it is confined to. Where Rancher passes a request on to Kubernetes
// the same is a 403, and the header X-API-Cattle-Auth, from 2.6 on, tells whether
// it is the token that is refused or its user who may not.
//
// A V3Source makes each token with the one before, tries it, goes over to it, and
// deletes the one before the last, so that requests which are on their way do not
// fail. From 2.12 on there are tokens of ext.cattle.io as well ([V3.CreateExt]),
// which administrators can list and revoke for everybody.
//
// # What an administrator sees
//
// For each chain of a V3Source there are two tokens in the user's list, and three
// during a renewal, with the Description and, behind it, digits that tell this
// holder's from all others'. A token is created about once in its Lifetime, and
// one deleted. Those of logins have the description of the [Credentials]. The
// field lastUsedAt shows which are in use.
//
// Rancher 1.6 shows nothing of a token; a V2BetaSource logs the token before the
// last out, so that there are two of them.
//
// To end it all: Close of either Source; deleting the tokens; disabling the user.
//
// # What is never done
//
//   - A token is sent to no other origin than the Server's, whatever redirects and
//     links in answers say, and over https alone, unless that is permitted by name.
//   - Cookie and header are never sent together.
//   - A Source deletes no token but its own: what a V3Source deletes carries a
//     number that it had written down before it made it.
//   - A renewal never widens: it is for the same user and cluster, and no longer.
//   - No token lives for ever because somebody forgot to say how long. A Lifetime
//     of 0 is 24 hours; AnyLifetime is what asks for ever.
//   - A wrong password is not sent again and again.
//   - No secret, and nothing that a server wrote in prose, is in an error, an event
//     or a diagnosis.
//
// Rancher's tokens have no audience: a service that accepts one from its callers
// ([V3Verifier]) can act as them, everywhere.
//
// # Why a token is refused
//
// Diagnose, of either client, says why, and what to change: which setting, its
// unit, its present value and whether the server's environment overrides it. It
// asks by GET alone, and changes nothing. More of it is certain if the [Suspect]
// says what is known of the token, and if the client's Source supplies another
// token of the same user, who may see the record of the first.
//
// # Settings that do not exist
//
// A widely read page on expired tokens names settings that Rancher does not have.
// These are the ones that do what it says of them:
//
//	rancher.auth.token-max-ttl, tokenMaxTtl  auth-token-max-ttl-minutes: minutes rather
//	                                         than seconds, and not for logins
//	session-cookie-max-age-seconds,          none: R_SESS has no Max-Age, and ends with the
//	session-cookie-max-age                   browser. The token in it ends by
//	                                         auth-user-session-ttl-minutes, and from 2.11 on
//	                                         auth-user-session-idle-ttl-minutes
//	kubeconfig-kubeconfig-max-ttl            kubeconfig-default-token-ttl-minutes, within
//	                                         auth-token-max-ttl-minutes; up to 2.7 also
//	                                         kubeconfig-token-ttl-minutes
//	values of the Helm chart for these       none: extraEnv, with CATTLE_ and the name in
//	                                         capitals: CATTLE_AUTH_TOKEN_MAX_TTL_MINUTES
//	a restart that resets the values         what is set survives restarts. An environment
//	                                         variable overrides it (source "env"), and an
//	                                         upgrade, such as to 2.8, changes the defaults of
//	                                         what nobody has set (source "default")
//	clock skew between client and server     Rancher never looks at a client's clock. It has
//	                                         its own and those of its API server and of the
//	                                         clusters; a client only misjudges what is left
//	the identity provider's token expires    that ends no session. Rancher asks the provider
//	                                         as auth-user-info-max-age-seconds (seconds) and
//	                                         auth-user-info-resync-cron say; if that denies
//	                                         access, logins are deleted and the rest disabled
//	the 16 hours of 1.6 are fixed            they are api.auth.jwt.token.expiry, milliseconds
//
// GET /v3/settings/NAME, or [V3.Setting], shows what is in force and where it is
// from; in 1.6 that is GET /v2-beta/settings/NAME, or [V2Beta.Setting].
//
// # Tests
//
// Package [github.com/tokenlife/tokenlife/rancher/ranchertest] has a Rancher of
// either kind for the tests of programs that use this one.
package rancher
