// Package session keeps people logged in to a web service: in a sealed cookie,
// for as long as they are there, and not longer.
//
//	keys := &seal.Keyring{Load: seal.File("session.keys")}
//	sessions := &session.Manager[User]{Keys: keys, Store: store}
//
//	mux.Handle("/", sessions.Require(home))
//	mux.Handle("GET /login", loginPage) // asks for no session
//	mux.HandleFunc("POST /login", func(w http.ResponseWriter, r *http.Request) {
//		// ... who is it? ...
//		if _, err := sessions.Start(w, r, user.Name, user); err != nil {
//			http.Error(w, "try again later", http.StatusServiceUnavailable)
//			return
//		}
//		sessions.Return(w, r, "/")
//	})
//	http.ListenAndServe(addr, sessions.Handler(mux))
//
// A [Manager] seals the session's data and gives it to the browser to keep. With
// a Store it can also be taken back: see below.
//
// # How long a session lasts
//
// It ends after Manager.Idle without a request, after Manager.Lifetime whatever
// happens, and with the token that it carries, if Manager.Until tells of one:
// whichever comes first. The cookie is written again only when a tenth of Idle
// has passed since it was last, so that most responses set none; so a session may
// end up to a tenth of Idle sooner after the last request.
//
// Every request that [Manager.Handler] finds a session in extends it, with two
// exceptions: those to [Manager.TimeLeft], where a page asks how long is left, and
// those with the header X-Session-Passive, which a page sends with what it asks
// on its own account, such as a poll. So somebody who is working stays logged in,
// and a page that is only open does not keep itself alive.
//
// # What a session is not
//
// What is sealed cannot be read or changed by whoever has the cookie, but an
// older copy can be put back, as long as that has not expired: two tabs may do it
// without meaning to, when their answers cross. So nothing belongs into the data
// that somebody could gain by setting back, such as a balance, a counter, or what
// may be used once. A refresh token that rotates never rides in a cookie, since
// the browser may keep the one that was spent: [Manager.Source] keeps it in the
// Store.
//
// # Logout
//
// Without a Store, a logout takes the cookie from the browser, and a copy of it
// stays good until it expires. With one, [Manager.End] ends the session for
// whoever has a copy, and [Manager.EndAll] ends all sessions of a subject, on all
// replicas that share the Store, at once. That costs two reads a request, made
// at the same time. Any copy of a session can log it out, also one from before
// [Manager.Renew], or one that nobody has used for longer than Idle.
//
// A Store that loses what it was told, as a cache that restarts empty does, lets
// ended sessions in again until they expire: put new keys in the place of all old
// ones then, which logs everybody out.
//
// An answer that is on its way while somebody logs out may bring the cookie back.
// Without a Store they are logged in again then.
//
// No call of the Store is waited for longer than 3 seconds. While it is away
// nobody knows whether a session was ended, and requests that need one are
// answered 503. With Manager.Grace set, sessions that this process has itself
// seen good less than Grace ago go on, read only: requests that change nothing
// (GET, HEAD, OPTIONS) are served, and Session.ReadOnly says so; all others are
// answered 503. They are not extended. After a logout that failed there is no
// grace for the session in the process where it was tried; one that was ended on
// another replica may go on until this process hears of it, or Grace is over.
//
// # Keys
//
// Keys are replaced while people are logged in, as [seal.Keyring] says: the new
// one is put second everywhere, then first everywhere. The old one must stay for
// as long as something counts that it has sealed:
//
//   - for Idle after it left the first place, for cookies: one that is still in use
//     was written anew by then, and others have expired;
//   - for Lifetime, where [Manager.SetPair] is used: a pair lies in the Store as it
//     was sealed until it is exchanged. So it is where pages with CSRF tokens stay
//     open, unless they may be loaded again.
//
// To that come the 5 minutes for which a Keyring may not have read the keys again.
// Whoever has a cookie of a key that is gone, or such a pair, logs in again.
//
// # Cross-site requests
//
// [Manager.Handler] refuses requests that another site makes a browser send, by
// [http.CrossOriginProtection], which needs no token. Those who must send one all
// the same find it in [Manager.CSRFToken] and [Manager.CheckCSRF]. Requests with
// GET are let through, so they must change nothing.
//
// # Browsers without cookies
//
// A browser that takes no cookies, or none over plain HTTP from a Manager that is
// not Insecure, is sent to the login page again after each login. A login page
// that asks nothing of anybody, because another service tells it who they are,
// must stop that itself: after a login it can send the browser to a page of its
// own, which looks for the session before it sends it on.
//
// # Form
//
// The cookie is what [seal.Keyring] makes for the purpose "cookie/" with the
// cookie's name behind it: a compact JWE that any JOSE library opens, given the
// key of [seal.Keyring.Key]. In it is a JSON object:
//
//	{"v":1,"id":"...","sub":"mira","began":1764132345123,"seen":1764132345123,"data":{...}}
//
// with times in milliseconds since 1970. The id has 1 to 64 letters of base64url;
// the sub is not empty. If the session has had another ID before, there is login,
// the ID that it began with, and if sessions of its subject were ended before it
// began by [Manager.EndAll], epoch: what [Manager.Epoch] returned then. Other
// members are ignored.
//
// What does not fit into one cookie is cut into up to five: NAME, NAME-1 and so
// on. The first then begins with their number and a random name of the set,
// "3.SET.", and the others with the name of the set, "SET."; the place it was
// sealed for is "3.SET", so that neither can be changed. That of a single cookie
// is "1".
package session
