// Package skew deals with other machines' clocks: how far apart two clocks may
// be taken to be ([Leeway], [Window]) and what another machine's clock reads
// now ([Clock]).
//
// # Tolerating
//
// The two parties to a token err in opposite directions. A verifier, who must
// not turn away an honest caller for a fast clock, widens the token's window; a
// holder, who must not be turned away, narrows it:
//
//	w := skew.Window{From: notBefore, Until: expiry}
//	w.Widen(skew.DefaultLeeway).Contains(now)  // shall I accept this?
//	w.Narrow(skew.DefaultLeeway).Contains(now) // shall I still send this?
//
// # Measuring
//
// A holder can do better than guess. Every answer of the issuer says what time
// the issuer believes it is, and a Clock learns from that:
//
//	var issuer skew.Clock
//	client := &http.Client{Transport: issuer.Transport(nil)}
//	...
//	earliest, latest := issuer.Bounds()
//	good := w.Contains(earliest) && w.Contains(latest)
//
// One reading, sent for at one local time and received at another, proves two
// things: the remote clock had not yet passed it when it was sent for, or else
// by no more than its resolution, and had reached it when it was received. So
// each bounds the offset of the remote clock from both sides, and the estimate
// is what all bounds have in common: forty HTTP dates, each good to a second,
// agree to within a tenth of one. Between readings the bounds drift apart, by
// 100 parts in a million, and where the local clock was set or the machine was
// suspended they widen until they cover either explanation.
//
// A reading that contradicts the others replaces them, because clocks do get
// set; but the old estimate is kept beside the new one until another reading
// says which is right, and [Clock.Bounds] covers both. A holder who goes by the
// bounds is therefore as careful as the worse of the two demands.
//
// # Holders, not verifiers
//
// A Clock follows what a peer says. That is right for a holder, whose token is
// judged by the peer's clock whatever it shows. A verifier must not be fed from
// anything that a presenter of tokens can influence: moving the verifier's
// clock brings dead tokens back to life. Verifiers in this module go by the
// local clock, and what a Clock says may only narrow what they accept.
//
// Most programs need none of this: a token that comes with the time it has left
// is counted down on the local clock, wherever that stands.
package skew
