package kube

import (
	"time"

	"github.com/tokenlife/tokenlife/token"
)

// leeway is what an API server allows for clocks, either way.
const leeway = time.Minute

// A life is when a token is good, as it says itself; zero is not known.
type life struct {
	issued, from, until time.Time
	warn                time.Time // when it was to be replaced
}

func lifeOf(info token.Info) life {
	if info.Format != token.JWT {
		return life{issued: info.IssuedAt, until: info.Expiry}
	}
	c := info.Claims
	l := life{issued: c.IssuedAt, from: c.NotBefore, until: c.Expiry, warn: info.ServiceAccount.WarnAfter}
	if info.Kind == token.KindServiceAccount && c.IssuedAt.After(l.from) {
		l.from = c.IssuedAt // an API server takes none of its own that was issued later than now
	}
	return l
}

// cause returns why a token is refused by its dates at a time, or "".
func (l life) cause(now time.Time) string {
	switch {
	case !l.until.IsZero() && now.Sub(l.until) >= leeway:
		return causeExpired
	case l.from.Sub(now) > leeway:
		return causeNotYet
	case !l.until.IsZero() && now.After(l.until):
		return causeEnding
	case !l.warn.IsZero() && now.After(l.warn):
		return causeStale
	}
	return ""
}

// evidence says the dates that matter to cause.
func (l life) evidence(cause string, c readings) []token.Evidence {
	now := c.now()
	var e []token.Evidence
	date := func(what string, t time.Time) {
		if !t.IsZero() {
			e = append(e, saw(what, "%s", when(t, now)))
		}
	}
	switch cause {
	case causeNotYet:
		date("issued (iat)", l.issued)
		if !l.from.Equal(l.issued) {
			date("good from (nbf)", l.from)
		}
	case causeStale:
		date("to be replaced by (warnafter)", l.warn)
		date("expires (exp)", l.until)
	default:
		date("issued (iat)", l.issued)
		date("expires (exp)", l.until)
	}
	return append(e, c.evidence()...)
}

// dated is what the dates of the token say, if anything: nothing of that is certain
// but what both clocks say, for a proxy may have written the header Date.
func (f *facts) dated() []token.Finding {
	cause := f.life.cause(f.clocks.now())
	if cause == "" || cause == causeStale {
		return nil
	}
	remedy := f.anew()
	switch cause {
	case causeNotYet:
		remedy = "set the clock that is wrong (NTP): that of whoever issued the token, or that of the API server; or wait"
	case causeEnding:
		remedy = "renew tokens earlier, as refresh.New does; now: " + remedy
	}
	proved := f.clocks.known() && f.life.cause(f.clocks.received) == cause && !f.accepted() && (cause == causeExpired || cause == causeNotYet)
	return []token.Finding{finding(proved, cause, remedy, f.life.evidence(cause, f.clocks)...)}
}

// stale is that the token should have been replaced: a reason to mend a program, and
// to no API server one to refuse it.
func (f *facts) stale() []token.Finding {
	if f.life.cause(f.clocks.now()) != causeStale {
		return nil
	}
	return []token.Finding{likely(causeStale, "have the program read its token file again and again, as kube.Projected does, and client-go since 2019: the kubelet has replaced what is in it long since",
		f.life.evidence(causeStale, f.clocks)...)}
}

// apart is that the clocks of this machine and of the API server are apart. Of the
// header Date it is not known who has written it: some proxies do so anew.
func (f *facts) apart() []token.Finding {
	if !f.clocks.astray() {
		return nil
	}
	cause := causeClockAhead
	if f.clocks.off() < 0 {
		cause = causeClockBehind
	}
	evidence := f.clocks.evidence()
	there, here := verdict(f.life.cause(f.clocks.date)), verdict(f.life.cause(f.clocks.received))
	if there != here {
		evidence = append(evidence, saw("the token by the API server's clock", "%s", there), saw("the token by this machine's clock", "%s", here))
	}
	if i := f.life.issued; i.After(f.clocks.date.Add(leeway)) && !i.After(f.clocks.received.Add(leeway)) {
		evidence = append(evidence, saw("whose is wrong", "whoever issued the token had a clock like this machine's, so it is probably the API server's"))
	} else if i.After(f.clocks.received.Add(leeway)) && !i.After(f.clocks.date.Add(leeway)) {
		evidence = append(evidence, saw("whose is wrong", "whoever issued the token had a clock like the API server's, so it is probably this machine's"))
	}
	return []token.Finding{likely(cause, "set the clock that is wrong (NTP: timedatectl, chronyc tracking): this machine's, the API server's, or that of a proxy before it which writes the Date. An API server judges tokens by its own; a holder need not trust any if it counts a token's ExpiresIn down", evidence...)}
}

// verdict says what a token is by its dates, given the cause to refuse it.
func verdict(cause string) string {
	switch cause {
	case causeExpired:
		return "expired"
	case causeNotYet:
		return "not valid yet"
	case causeEnding:
		return "at its end"
	}
	return "good"
}
