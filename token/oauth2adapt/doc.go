// Package oauth2adapt goes between this module and golang.org/x/oauth2: an
// [Exchanger] keeps a login with refresh tokens, [Source] and [TokenSource] turn
// one kind of source into the other, and [Pair] takes over what a login brought.
// [Discover] finds the endpoints of an OpenID Connect issuer.
//
// # From oauth2.ReuseTokenSource in five lines
//
// Where a program has
//
//	client := oauth2.NewClient(ctx, oauth2.ReuseTokenSource(tok, config.TokenSource(ctx, tok)))
//
// it gets
//
//	src := refresh.New(&refresh.Rotator{
//		Exchanger: &oauth2adapt.Exchanger{Config: config},
//		Store:     &refresh.Dir{Path: dir}, Key: "github",
//		Initial:   oauth2adapt.Pair(tok)})
//	client := &http.Client{Transport: &token.Transport{Source: src}}
//
// where tok is what the login brought, by config.Exchange or
// config.DeviceAccessToken as before, or what was kept of it until now, as in a
// file of its JSON. From then on the Store keeps the pair: tok may be nil, and
// such a file can go.
//
//	                     golang.org/x/oauth2             here
//	context              that of the constructor         that of each request
//	a new refresh token  in memory, until the end        in the Store, for every process
//	two processes        both spend the token            one does, the other takes its pair
//	a token runs out     the next caller waits for it    renewed before, in the background
//	requests             a second one after an error,    one POST; never sent again by itself
//	                     unless AuthStyle is set
//	redirects            followed, the token with them   not followed
//	an answer is lost    an error                        "unknown", then asked again, with care
//	the login is dead    an error like any other         matches token.ErrRefused
//	errors               quote the answer                say what to do, and no secret
//	a 401                the caller's matter             renewed, and sent once more
//	an http.Client       oauth2.HTTPClient in a context  Exchanger.Client; Transport.Base
//	for a proxy or a CA
//
// A server that wants the secret in the body needs Endpoint.AuthStyle to say so
// (AuthStyleInParams): it is not found out by trying.
//
// # The first pair
//
// A login is oauth2's part, as it was: config.Exchange with the code that the
// browser brought back (and oauth2.GenerateVerifier for PKCE), or, where there is
// no browser, config.DeviceAuth and config.DeviceAccessToken; ask for the scope
// offline_access where the server wants that before it gives refresh tokens. Pair
// turns the token that comes of it into a Rotator's Initial. When the login is
// dead, which [token.ErrRefused] says, the pair of the next one goes to
// [refresh.Rotator.Replace], and the program goes on with a new refresh.Source,
// since the one it has may repeat the error for up to a minute.
//
// # ID tokens
//
// A Kubernetes API server takes the ID token of a login, not its access token. An
// Exchanger with IDToken hands that out, and IDTokenPair is then what Pair is
// otherwise:
//
//	provider, err := oauth2adapt.Discover(ctx, nil, "https://issuer.example")
//	config := &oauth2.Config{ClientID: "kubectl", Endpoint: provider.Endpoint, Scopes: []string{"openid", "offline_access"}}
//	...
//	pair, err := oauth2adapt.IDTokenPair(tok)
//	rotator := &refresh.Rotator{
//		Exchanger: &oauth2adapt.Exchanger{Config: config, IDToken: true},
//		Store:     &refresh.Dir{Path: dir}, Key: "kubectl",
//		Initial:   pair}
//
// Not every issuer gives an ID token for a refresh token (OpenID Connect Core 1.0,
// section 12.2, leaves it open). With one that does not, the error says so.
//
// # What answers mean
//
// An issuer's answer to a refresh token tells apart three things, by its status,
// its error code and its description: see [refresh.Outcome].
//
//	a whole answer with an access token (1)       the new pair
//	2xx without one, or cut, or unreadable        unknown; a refresh token in it is kept
//	without one (1), but with an access token
//	and no other refresh token                    transient: the old one stays good
//	invalid_grant                                 terminal
//	invalid_request that asks to retry            transient
//	invalid_request, 400 without a known code     terminal
//	invalid_client and the like, 401, 403, 404,
//	other 4xx, a redirect                         transient: the client's set-up is at fault
//	temporarily_unavailable, 408, 425, 429, 503   transient
//	server_error, any other 5xx                   unknown
//	nothing sent, as when no one could be dialed  transient
//	no answer                                     unknown
//
// Of an answer with both, a status of 5xx, 408, 425 or 429 decides, unless the
// code is the server's own trouble; otherwise the code does. A terminal answer is
// one of reuse where its description says that the token was used before.
//
// (1) With Exchanger.IDToken it is the ID token that counts.
package oauth2adapt
