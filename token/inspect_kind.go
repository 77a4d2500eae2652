package token

// A Kind says which system a token is of, as far as its form tells.
type Kind int

// The kinds of tokens that [Inspect] knows apart.
const (
	KindUnknown Kind = iota

	// KindServiceAccount is a Kubernetes service account token from a
	// TokenRequest or a projected volume. It expires, and is bound to the life
	// of its service account and of one object more, if it names one.
	KindServiceAccount

	// KindLegacyServiceAccount is a Kubernetes service account token from a
	// Secret. It never expires; it is valid as long as the Secret holds it.
	KindLegacyServiceAccount

	// KindDashboard is a session of the Kubernetes Dashboard 2.x. What is
	// encrypted in it is the credential of whoever logged in.
	KindDashboard

	// KindRancher16 is a token of a Rancher 1.6 login. Its form is all there
	// is to tell it by: 40 characters of base58.
	KindRancher16

	// KindRancher is a Rancher 2.x token of the form name:secret, for a login,
	// an API key, a kubeconfig or an agent.
	KindRancher

	// KindRancherExt is a Rancher 2.x token of the form ext/name:secret, which
	// is managed through the group ext.cattle.io.
	KindRancherExt
)

// String returns what a token of kind k is called by people.
func (k Kind) String() string {
	switch k {
	case KindServiceAccount:
		return "Kubernetes service account token"
	case KindLegacyServiceAccount:
		return "Kubernetes service account token from a Secret"
	case KindDashboard:
		return "Kubernetes Dashboard session"
	case KindRancher16:
		return "Rancher 1.6 token"
	case KindRancher:
		return "Rancher 2.x token"
	case KindRancherExt:
		return "Rancher 2.x token (ext.cattle.io)"
	}
	return "unknown"
}
