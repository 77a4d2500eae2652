package kube

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	authenticationv1 "k8s.io/api/authentication/v1"

	"github.com/tokenlife/tokenlife/token"
)

const (
	// anonymous is whom the API server takes for the user of a request without a
	// token. It reviews what it is given as if it were in a header, so that one of
	// nothing but spaces is as good as none, and comes back authenticated, for
	// whatever audience was asked for.
	anonymous       = "system:anonymous"
	unauthenticated = "system:unauthenticated" // the group of anonymous

	// credentialID is where the server says which token it was, as "JTI=" and
	// the token's jti (Kubernetes 1.30).
	credentialID = "authentication.kubernetes.io/credential-id"
)

// judge returns nil if s, what the server says of the token text, is an approval
// for this service. It leaves in s.Audiences what the Reviewer asked for.
func (r *Reviewer) judge(s *authenticationv1.TokenReviewStatus, text string) error {
	user := s.User.Username
	switch {
	case !s.Authenticated:
		return refusal(s.Error, text)
	case s.Error != "":
		return contradictory("status.authenticated is true, and status.error is " + excerpt(s.Error, text))
	case user == "":
		return contradictory("status.authenticated is true, and status.user.username is empty")
	case !utf8.ValidString(user):
		return contradictory("status.user.username is not UTF-8")
	case user == anonymous || slices.Contains(s.User.Groups, unauthenticated):
		return fmt.Errorf("%w: the API server takes whoever has it for %s", token.ErrInvalid, anonymous)
	case r.AnyAudience:
		return nil
	}
	said := s.Audiences
	s.Audiences = slices.DeleteFunc(slices.Clone(said), func(name string) bool { return !slices.Contains(r.Audiences, name) })
	switch {
	case len(s.Audiences) > 0:
		return nil
	case len(said) == 0:
		return fmt.Errorf("%w: status.audiences is empty: what reviews tokens here knows no audiences, and this one may be for the API server: have it say whom they are for", token.ErrAudience)
	}
	return fmt.Errorf("%w: status.audiences is %s, none of %q: request tokens for one of them", token.ErrAudience, excerpt(fmt.Sprintf("%+.100q", said[:min(3, len(said))]), text), r.Audiences)
}

// contradictory returns an error of an answer that has no meaning. An API server
// gives one only if it was given it.
func contradictory(what string) *Error {
	e := badAnswer(reviewing, what)
	e.Remedy = "have the authentication webhook corrected that the API server asks, if it does"
	return e
}

// refusal returns the error for a token that is not authenticated, where the
// server says why in the words of said: of a kind of ErrInvalid, unless they say
// that the server could not find out itself.
func refusal(said, text string) error {
	if said == "" {
		return fmt.Errorf("%w: the API server does not say why: its answer has neither status.authenticated nor status.error", token.ErrInvalid)
	}
	f := faultOf(said)
	if f.kind == nil {
		err := badAnswer(reviewing, "the API server could not tell: status.error is "+excerpt(said, text))
		err.Reason = Away
		err.Remedy = "it asks others about tokens, such as a webhook or an OpenID Connect issuer: its log says which"
		return err
	}
	return fmt.Errorf("%w: the API server says: %s%s", f.kind, excerpt(said, text), f.remedy)
}

// idOf returns the ID of the token that the server says user came with, or "".
func idOf(user *authenticationv1.UserInfo) string {
	if ids := user.Extra[credentialID]; len(ids) == 1 {
		if id, ok := strings.CutPrefix(ids[0], "JTI="); ok {
			return id
		}
	}
	return ""
}

// longestExcerpt is how many bytes of the server's words an error repeats. They
// may be those of anything that the server asks, and a few of them the token's.
const longestExcerpt = 500

// excerpt returns what said begins with, in one line and without the token text.
func excerpt(said, text string) string {
	return brief(strings.ReplaceAll(said, text, redacted), longestExcerpt)
}
