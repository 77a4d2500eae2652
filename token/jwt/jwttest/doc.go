// Package jwttest is an issuer of JSON Web Tokens for tests. It publishes its
// keys, signs good tokens and bad ones, and does what goes wrong with issuers:
// it replaces its keys, is down, and has a wrong clock.
//
//	func TestAPI(t *testing.T) {
//		issuer := jwttest.NewIssuer(t)
//		api := newAPI(issuer.URL, issuer.Client()) // what is tested: an http.Handler
//
//		claims := map[string]any{"sub": "alice", "aud": "https://api.example"}
//		if got := status(api, issuer.Mint(claims)); got != 200 {
//			t.Errorf("a good token: %d, want 200", got)
//		}
//		for _, bad := range issuer.Bad(claims) {
//			if got := status(api, bad.Token); got != 401 {
//				t.Errorf("%s: %d, want 401", bad.Name, got)
//			}
//		}
//	}
//
// What a token says is up to [Issuer.Mint], and what it should not say as well.
// Of an issuer's troubles there are these:
//
//	issuer.Rotate()    // a new key, and the old one withdrawn
//	issuer.AddKey()    // a new key beside the old one, until issuer.Withdraw()
//	issuer.Down(503)   // until issuer.Up()
//	issuer.Now = wrong // set before first use
//
// # How to reach it
//
// An Issuer made by [NewIssuer] has no port: what gets its [Issuer.Client]
// reaches it, and it alone, through [net.Pipe]. Nothing is left running between
// two requests, so that it can be used in a bubble of [testing/synctest], where
// an hour passes at once. One made by [NewServer] also listens on a loopback
// address, for programs that take a URL and no client.
package jwttest
