package kube

import "github.com/tokenlife/tokenlife/token"

// origin finds out whether this server has signed the token.
func (f *facts) origin() answer {
	if f.accepted() {
		return f.adopted()
	}
	// That it says something else of the token does not prove that it has verified it:
	// those may be the words of a webhook, which asks another cluster.
	altered := faultOf(f.review.status.Error).kind == token.ErrSignature
	switch {
	case altered, f.otherIssuer(), f.keyMissing():
		return no
	case f.keyThere() && (f.legacy() || f.server.issuer != ""):
		return yes // or it is forged, and void all the same if what it hangs on is gone
	}
	return maybe
}

// adopted finds out whether this server has signed a token that it takes: it can take
// those of other clusters as well, by its configuration of OpenID Connect.
func (f *facts) adopted() answer {
	user := f.review.status.User.Username
	if f.presentable() {
		user = f.probe.user
	}
	switch {
	case user != "" && user != f.username():
		return no
	case !f.legacy() && f.info.Claims.Issuer != f.server.issuer:
		return maybe
	}
	return yes
}

// accepted reports whether the server takes the token.
func (f *facts) accepted() bool { return f.presentable() || f.review.approves() }

// presentable reports whether the server takes it from whoever presents it.
func (f *facts) presentable() bool { return f.probe.accepted() && !f.replaced() }

// refused reports whether the server does not take it.
func (f *facts) refused() bool {
	return f.probe.refused() || f.review.refuses() && !f.presentable()
}

// replaced reports whether the server took the token for another.
func (f *facts) replaced() bool {
	p := f.probe
	if !p.accepted() || p.user == "" || !f.ofKubernetes() {
		return false
	}
	if id := f.info.Claims.ID; p.id != "" && id != "" {
		return p.id != id
	}
	if p.user == f.review.status.User.Username {
		return false // which nothing on the way has a hand in
	}
	return !f.otherIssuer() && p.user != f.username()
}

// accountPrefix is what the names of service accounts begin with as users.
const accountPrefix = "system:serviceaccount:"

// username returns the user whom an API server takes a token of its own for.
func (f *facts) username() string {
	a := f.info.ServiceAccount
	return accountPrefix + a.Namespace + ":" + a.Name
}
