// Package oauthclient runs OAuth 2.0 clients that others wrote, for tests of
// servers of ours: golang.org/x/oauth2, and openid-client, which comes from npm.
//
//	func TestEndpoint(t *testing.T) {
//		for _, c := range oauthclient.Start(t) {
//			answer := c.Refresh(t, server, app, refreshToken)
//			...
//		}
//	}
//
// openid-client is installed once, by hand or by CI, into the user's cache
// folder, by the lock file in folder program/client, and run by the Node that
// package oidcprovider installs:
//
//	go -C internal/e2e run ./oidcprovider/install
//	go -C internal/e2e run ./oauthclient/install
//
// Without it Start skips the test, or fails it where CI is set.
package oauthclient
