// Package oidcprovider runs node-oidc-provider, an OpenID Connect server that
// others wrote, for tests: on 127.0.0.1 only, with clients and a signing key of
// its own, ready in about a second.
//
//	func TestPolicy(t *testing.T) {
//		server := oidcprovider.Start(t)
//		tok := server.Token(t, server.Basic, oidcprovider.JWT)
//		...
//		pair := server.Login(t, server.Post) // with a refresh token that is good once
//		...
//		server.Rotate(t, "RS256")     // the old key is gone, the new one there
//		server.SetClock(t, time.Hour) // the server's, not the test's
//		server.Restart(t)             // gone, and back on the same port
//	}
//
// A kube-apiserver trusts an issuer over TLS alone, and people log in by way of a
// browser and with a client that has no secret:
//
//	server := oidcprovider.StartTLS(t)
//	server.SetIDTokenLife(t, 8*time.Second)
//	... server.CA ... server.Public ...
//	text, err := oidcprovider.Visit(ctx, server.HTTPClient(), page)
//
// The server comes from npm, with the Node it needs, by the lock file in folder
// program/server. It is installed once, by hand or by CI, into the user's cache
// folder; that takes some ten seconds and 200 MB, and needs npm:
//
//	go -C internal/e2e run ./oidcprovider/install
//
// Without it Start skips the test, or fails it where CI is set.
package oidcprovider
