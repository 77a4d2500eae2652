// Package dashboard speaks the login and refresh protocol of the Kubernetes
// Dashboard 2.x, from both ends, and tells it from 7.x, which has no sessions.
//
// # A client
//
//	src := &dashboard.Source{
//		URL:   "https://dashboard.example",
//		Login: kube.NewSource(cs.CoreV1().ServiceAccounts("ci"), "viewer"),
//	}
//	client := &http.Client{Transport: &token.Transport{
//		Source: refresh.New(src), Origin: "https://dashboard.example",
//		Set: dashboard.Set, Refused: dashboard.Refused,
//	}}
//
// A [Source] logs in with a bearer token, and from then on has the Dashboard
// replace the session before it expires; when that is refused it logs in again.
// Dashboard 7.x gives the bearer token back and has nothing to replace: the token
// is then used as it is. Which it is shows in the answer to each login, so that
// one can take the place of the other while a client is at work.
//
// A session lasts as long as it is used: the refresh.Source asks for the next one
// when a request comes towards the end of this, and not otherwise. After a pause
// that is longer than a session there is a login. To keep a session without
// requests, call the refresh.Source's Run.
//
// A Dashboard 2.x takes sessions over TLS only, or with --enable-insecure-login.
// Of others it takes no notice, and answers with its own rights; so it does behind
// a proxy that ends the TLS. What GET /api/v1/login/status calls httpsMode says
// whether it takes them.
//
// # A server
//
//	server := &dashboard.Server{Keys: keys, CSRFKey: key, Authenticate: authenticate}
//	mux.Handle("/api/v1/", server.Require(api))
//	server.Register(mux)
//
// A [Server] answers what the Dashboard's own pages ask, in its words, and is
// better where its users complained: a session under a key that is gone is 401
// MSG_ENCRYPTION_KEY_CHANGED, and not a 500; keys can be replaced while sessions
// go on; a session can have a greatest age however often it is refreshed; what is
// believed of its dates is what the key vouches for.
package dashboard
