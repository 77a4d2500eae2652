package rancher

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/tokenlife/tokenlife/internal/foreign"
	"github.com/tokenlife/tokenlife/token"
)

// refusal is what there is to say of a token that the server refuses.
func (f *v3Facts) refusal() []token.Finding {
	if f.within != "" && f.place.accepted() {
		return []token.Finding{f.onlyThere()}
	}
	var d []token.Finding
	if f.mistaken {
		d = append(d, f.prefix())
	} else if f.record != nil {
		d = f.byRecord()
	} else {
		d = f.byCircumstance()
	}
	switch {
	case len(d) == 0:
		d = append(d, f.alike())
	case !settled(d) && !f.second.accepted() && !f.second.refused():
		last := &d[len(d)-1]
		last.Remedy += "; " + f.surer()
	}
	if f.over() && f.clocks.astray() {
		d = append(d, f.clocks.finding())
	}
	return append(d, f.shortened()...)
}

// onlyThere is what there is to say of a token that the server accepts below a
// cluster, and refuses otherwise.
func (f *v3Facts) onlyThere() token.Finding {
	evidence := []token.Evidence{f.probe.evidence(), f.place.evidence()}
	if r := f.record; r != nil && r.Cluster != f.within {
		return likely("the token is good, and not all that answers takes it: one of several replicas, or of several Ranchers behind one name, does not know it, or could not read what it knows",
			"ask again, and see whether all that is behind the server's name is one Rancher", append(evidence, f.says("clusterId", orNone(foreign.Brief(r.Cluster, 60))))...)
	}
	only := confined(f.within, evidence...)
	if only.Certain = f.record != nil; !only.Certain {
		only.Remedy += "; " + f.surer()
	}
	return only
}

// byRecord is what the server's record of the token says.
func (f *v3Facts) byRecord() (d []token.Finding) {
	r := f.record
	if ended := f.life.finding(f.clocks, renew3); ended != nil {
		ended.Certain = r.Expired // a proxy may have written the Date
		ended.Evidence = append(ended.Evidence, f.says("expired", r.Expired))
		d = append(d, *ended)
	} else if r.Expired {
		d = append(d, certain("the token has expired", renew3, f.says("expired", true)))
	}
	if !r.Enabled {
		d = append(d, f.turnedOff())
	}
	if f.disabled {
		d = append(d, f.ownerDisabled())
	}
	d = append(d, f.idle()...)
	if r.Cluster != "" && !f.inside.refused() {
		only := confined(r.Cluster, f.says("clusterId", foreign.Brief(r.Cluster, 60)), f.probe.evidence(), f.inside.evidence())
		only.Certain = f.inside.accepted()
		d = append(d, only)
	}
	d = append(d, f.providerGone(r.Provider, len(f.providers) > 0)...) // while it starts, there are none
	if len(d) == 0 {
		d = append(d, likely(fmt.Sprintf("the secret is not that of %s: the server knows a token of that name, which is enabled and has not expired", f.who()),
			"use the whole token as it was given out; if it is lost, make another", f.looked.evidence(), f.probe.evidence()))
		if f.form.odd != "" {
			d[0].Evidence = append(d[0].Evidence, saw("its text", "%s", f.form.odd))
		}
	}
	return d
}

// byCircumstance is what can be said without a record.
func (f *v3Facts) byCircumstance() (d []token.Finding) {
	if ended := f.life.finding(f.clocks, renew3); ended != nil {
		if f.looked.status == http.StatusNotFound {
			ended.Evidence = append(ended.Evidence, f.looked.evidence())
		}
		d = append(d, *ended)
	}
	if n, ok := f.server.minor(); ok && n < 12 && f.form.ext {
		d = append(d, certain("this is a token of ext.cattle.io, and the server has none of those: Rancher 2.12 is the first that has",
			"use a token that this server has made", saw("GET /rancherversion", "%s", foreign.Brief(f.server.Version, 30))))
	}
	if f.disabled {
		d = append(d, f.ownerDisabled())
	}
	d = append(d, f.providerGone(f.user.Provider, false)...) // a user can have more than one
	switch {
	case settled(d):
	case f.looked.status == http.StatusNotFound && f.ofAnother():
		d = append(d, likely("the token is of another user than the second credential, which therefore cannot see it", "set V3.Source to another token of the user "+foreign.Brief(f.user.ID, 60),
			f.second.evidence(), f.looked.evidence()))
	case f.looked.status == http.StatusNotFound:
		d = append([]token.Finding{f.gone()}, d...)
	case f.form.odd != "":
		d = append(d, likely("the token is cut off or mistyped", "use the whole token as it was given out; if it is lost, make another", saw("its text", "%s", f.form.odd), f.probe.evidence()))
	}
	if f.second.refused() && !settled(d) {
		d = append(d, likely("the user, or the provider that they log in with, is disabled, or no token arrives: a second token is refused as well",
			"have an administrator look at the user (enabled) and at the provider (Users & Authentication), or log in: what that says tells which it is; or find out what takes the header Authorization off", f.probe.evidence(), f.second.evidence()))
	}
	return d
}

// says returns a member of the token's record as a fact.
func (f *v3Facts) says(member string, value any) token.Evidence {
	return saw(f.looked.what, "%s: %v", member, value)
}

// gone is the finding that there is no such token.
func (f *v3Facts) gone() token.Finding {
	remedy, evidence := "make another. ", []token.Evidence{f.second.evidence(), f.looked.evidence()}
	if f.user.ID == "" {
		remedy = "if it may be another user's, have V3.Source supply a token of theirs, who alone is told; otherwise make another. "
	}
	if f.form.odd != "" {
		evidence = append(evidence, saw("its text", "%s", f.form.odd))
	}
	if f.listed.asked() {
		evidence = append(evidence, f.listed.evidence())
	}
	gone := likely(fmt.Sprintf("the user %s has no token of this name: it was deleted, logged out, or purged, as is done within some hour of its expiry; or it is another user's, another Rancher's, or so new that not every replica knows it", orUnknown(f.secondID)),
		remedy+"Who deletes tokens: a logout, another holder of the same token, the refresh of the provider, which deletes logins, and the disabling of a provider; an administrator sees those of all users with kubectl get tokens.management.cattle.io on the cluster local",
		evidence...)
	gone.Certain = f.listed.status == http.StatusOK
	return gone
}

// ofAnother reports whether it is known that the token is not the second
// credential's user's.
func (f *v3Facts) ofAnother() bool {
	return f.user.ID != "" && f.secondID != "" && f.user.ID != f.secondID
}

// idle is the finding that nobody has been seen at a session for too long.
func (f *v3Facts) idle() []token.Finding {
	r := f.record
	if r.Derived || r.LastActive.IsZero() && !f.deserted {
		return nil
	}
	s, known := f.settings[idleSetting]
	most, _ := s.minutes()
	by := func(now time.Time) bool { return now.Sub(r.LastActive.Add(most)) >= 0 }
	over := known && most > 0 && !r.LastActive.IsZero() && f.activity.status != http.StatusOK && by(f.clocks.now())
	if !over && !f.deserted {
		return nil
	}
	var evidence []token.Evidence
	if !r.LastActive.IsZero() {
		evidence = append(evidence, f.says("activityLastSeenAt", stamp(r.LastActive)))
	}
	if f.deserted {
		evidence = append(evidence, saw(f.activity.what, "the session has ended because nobody was active"))
	}
	if known {
		evidence = append(evidence, s.evidence())
	}
	s.Name = idleSetting
	idle := likely("the session was idle for too long: calls do not count as activity, only a UserActivity does, and once there has been one, there must be others",
		"log in again, and record a UserActivity now and then (V3.KeepActive), or use an API key, which is never idle; or "+s.mend(), evidence...)
	idle.Certain = f.deserted || f.clocks.known() && by(f.clocks.received) // a proxy may have written the Date
	return append([]token.Finding{idle}, s.behind()...)
}

// confined is the finding that a token is for one cluster.
func confined(cluster string, evidence ...token.Evidence) token.Finding {
	cluster = foreign.Brief(cluster, 60)
	return certain(fmt.Sprintf("the token is good, but only for the cluster %s; anywhere else it is answered like one that is not", cluster),
		fmt.Sprintf("use it below /k8s/clusters/%s or /v3/clusters/%[1]s, or make a token that is not confined (without clusterId)", cluster), evidence...)
}

// providerGone is the finding that the provider a token came by is not enabled.
// Proved says that it is known by which one it came, and the server has some.
// Local users can be hidden, but their tokens stay good.
func (f *v3Facts) providerGone(name string, proved bool) []token.Finding {
	if name == "" || strings.EqualFold(name, "local") || f.providers == nil || slices.ContainsFunc(f.providers, func(p string) bool { return strings.EqualFold(p, name) }) {
		return nil
	}
	gone := likely(fmt.Sprintf("the provider %s, by which the token came, is not enabled any more, so every token of its users is refused", foreign.Brief(name, 60)),
		"log in by a provider that is enabled, or have an administrator enable it again: the tokens that were deleted when it was disabled do not come back with that",
		saw("the providers that are enabled", "%s", orNone(foreign.Brief(strings.Join(f.providers, ", "), 300))))
	gone.Certain = proved
	return []token.Finding{gone}
}

// prefix is the finding that ext/ is before the name where it must not be, or
// the reverse.
func (f *v3Facts) prefix() token.Finding {
	if f.form.ext {
		return certain("the token is not one of ext.cattle.io, though ext/ stands before its name", "leave the ext/ off", f.looked.evidence())
	}
	return certain("the token is one of ext.cattle.io, and lacks the ext/ before its name, which is a part of it", "write ext/ before it", f.looked.evidence())
}

// alike says that causes are left that look alike.
func (f *v3Facts) alike() token.Finding {
	const others = "was deleted or logged out, is another Rancher's, was idle for too long, is confined to a cluster, or it, its user or their provider is disabled"
	remedy := "make another token, or log in; " + f.surer()
	evidence := []token.Evidence{f.probe.evidence()}
	switch {
	case f.same:
		evidence = append(evidence, saw("V3.Source", "supplies the very token that is refused"))
	case f.second.asked():
		evidence = append(evidence, f.second.evidence())
		if f.looked.asked() {
			evidence = append(evidence, f.looked.evidence())
		}
	}
	if f.life.at(f.clocks.now()) != running {
		return likely("the token has expired, "+others+": Rancher answers all of these alike",
			remedy+". Created and Lifetime in the Suspect would tell whether it has expired", evidence...)
	}
	evidence = append(evidence, f.life.evidence())
	if f.life.guessed {
		return likely("the token has expired, if less was granted than was asked for, or it "+others+": Rancher answers all of these alike",
			remedy+". Lifetime in the Suspect, which is what was granted, would tell whether it has expired", evidence...)
	}
	return likely("the token was refused before its end: it "+others+", which Rancher answers alike", remedy, evidence...)
}

// surer says what would make certain what is only likely.
func (f *v3Facts) surer() string {
	return "to be certain, set V3.Source to another token of the same user: with that, GET " + recordPath(cmp.Or(f.form.name, "NAME"), f.form.ext) + " tells which it is"
}

// minor returns the N of a version 2.N.
func (p Product) minor() (n int, ok bool) {
	_, err := fmt.Sscanf(p.Version, "v2.%d", &n)
	return n, err == nil
}

func isKubeconfig(name string) bool { return strings.HasPrefix(name, "kubeconfig-") }

func orNone(s string) string { return cmp.Or(s, "none") }

func orUnknown(s string) string { return cmp.Or(s, "that is not known") }
