// Package refresh keeps tokens fresh.
//
// [Source] caches the tokens of another [token.Source] and replaces each before
// it dies.
//
//	src := refresh.New(kube.NewSource(cs.CoreV1().ServiceAccounts("ci"), "builder", "vault"))
//	client := &http.Client{Transport: &token.Transport{Source: src}}
//
// # The life of a token
//
// A token is fresh, then due, then dead.
//
// A fresh token is handed out at once. It becomes due when its issuer said
// ([token.Token.RefreshIn]), or else after four fifths of its life, less up to
// a tenth of it at random, so that a fleet started together does not refresh
// together; and in any case after a day. A due token is still handed out at
// once, and one attempt to replace it starts in the background: nobody waits
// for an early refresh. A dead token is never handed out: callers wait for the
// attempt, each until its own deadline.
//
// A token is dead once its time is used up, less a margin of two seconds, or of
// a tenth of a shorter life: lifetimes are whole seconds, cut down, and a
// request takes time to arrive.
//
// # Clocks
//
// How long a token has left is counted from the instant before it was asked
// for, so the time of day does not matter, neither here nor at the issuer. It
// is counted twice, by the wall clock and by the monotonic one, and the token
// is as old as the older of the two says: the monotonic clock stops while a
// machine is suspended, and the wall clock can be set. Either is noticed within a
// millisecond of the machine being awake.
//
// Only a token that does not say how long it has left ([token.Token.ExpiresIn]
// is zero) is judged by comparing its Expiry with a clock: with the local one,
// or with Source.Clock.
//
// # Attempts
//
// There is one attempt at a time. It belongs to no caller: it carries the values
// of the context of the call that started it, but neither its deadline nor its
// cancellation, and is bounded by Source.Timeout. A caller that gives up spoils
// nothing for the others. No goroutine outlives an attempt, and a Source that
// nobody asks does nothing; [Source.Run] is for a program that wants its token
// replaced all the same.
//
// While attempts fail, the good token is handed out to its end. A failure is
// followed by a pause of between d/2 and d, where d is one second after the
// first in a row and doubles with each, up to a minute; longer if the error says
// so, as [token.RetryAfter] reads it. During a pause callers that have no token
// get the last error at once.
//
// # Refused tokens
//
// [Source.Invalidate], which [token.Transport] calls on a 401, gives up the
// token, and the next caller waits for another. If that one is refused too,
// sooner than a pause after it came, getting more of them is no help: it stays
// in use until the pause is over. So one endpoint that answers 401 to everybody
// neither floods the issuer nor takes the token away from the others.
package refresh
