// Package fosite runs an OAuth 2.0 server made of ory/fosite, the library inside
// Ory Hydra, for tests: in the process of the test, on 127.0.0.1, with fosite's
// memory store. It has logins by authorization code, exchanges refresh tokens,
// each of which is good once, and ends the login that one comes of which comes
// again.
//
//	func TestRotation(t *testing.T) {
//		server := fosite.Start(t)
//		pair := oauth2adapt.Pair(server.Login(t))
//		...
//		if n := server.Count().Revoked; n != 0 {
//			...
package fosite
