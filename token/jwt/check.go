package jwt

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Check reports what is missing or wrong in the Policy, so that a program can
// fail at its start rather than with its first token. It asks nobody for keys: of
// a [Remote] it looks at the Issuer, and [Remote.Fetch] can tell the rest.
func (p *Policy) Check() error {
	if err := p.complete(true); err != nil {
		return err
	}
	switch set := p.Keys.(type) {
	case Keys:
		return set.allUseless(p.mistake)
	case *Remote:
		if _, err := set.first(); err != nil {
			return err
		}
		if set.URL == "" && set.Issuer != p.Issuer && !p.AnyIssuer {
			return fmt.Errorf("jwt: Policy.Issuer is %+q, and that of its Keys, the Remote, is %+q: if both are right, set Remote.URL instead", p.Issuer, set.Issuer)
		}
	}
	return nil
}

// complete reports what is missing or wrong but for the keys themselves, or with
// Keys altogether. Nothing in the error is about a token.
func (p *Policy) complete(keys bool) error {
	if p == nil {
		return errors.New("jwt: the Policy is nil")
	}
	var faults []string
	fault := func(is bool, text string) {
		if is {
			faults = append(faults, text)
		}
	}
	fault(p.Issuer == "" && !p.AnyIssuer, "neither Issuer nor AnyIssuer is set")
	fault(p.Issuer != "" && p.AnyIssuer, "both Issuer and AnyIssuer are set: clear one")
	fault(len(p.Audience) == 0 && !p.AnyAudience, "neither Audience nor AnyAudience is set")
	fault(len(p.Audience) > 0 && p.AnyAudience, "both Audience and AnyAudience are set: clear one")
	fault(slices.Contains(p.Audience, ""), "Audience has an empty name")
	if keys {
		fault(!p.hasKeys(), "Keys is not set")
		fault(p.Algorithms != nil && len(p.Algorithms) == 0, "Algorithms is empty, and not nil")
		for _, alg := range p.Algorithms {
			if algorithms[alg] == nil {
				faults = append(faults, fmt.Sprintf("Algorithms has %+.20q, which is no signature algorithm that is ever accepted", alg)+meant(alg))
			}
		}
	}
	if faults == nil {
		return nil
	}
	return errors.New("jwt: Policy: " + strings.Join(faults, "; "))
}

// meant asks whether an algorithm is meant that is called alg in another case.
func meant(alg string) string {
	for name := range algorithms {
		if strings.EqualFold(name, alg) {
			return fmt.Sprintf(": is %q meant?", name)
		}
	}
	return ""
}

// hasKeys reports whether Keys is set. That [Discover] returned no Remote is
// easily missed.
func (p *Policy) hasKeys() bool {
	switch set := p.Keys.(type) {
	case nil:
		return false
	case Keys:
		return len(set) > 0
	case *Remote:
		return set != nil
	}
	return true
}

// filled reports that Keys are fixed and hold nothing to verify with, as when a
// secret was read from a variable that is not set. Then no token is at fault.
func (p *Policy) filled() error {
	if fixed, ok := p.Keys.(Keys); ok {
		return fixed.allUseless((*Key).unfilled)
	}
	return nil
}

// allUseless returns an error if why, which says why a key verifies nothing, says
// so of each of the keys.
func (ks Keys) allUseless(why func(*Key) string) error {
	var last string
	for i := range ks {
		if last = why(&ks[i]); last == "" {
			return nil
		}
	}
	return fmt.Errorf("jwt: Policy.Keys has no key that verifies anything; of the last, %v, %s", &ks[len(ks)-1], last)
}

// mistake says why k verifies nothing that the Policy accepts, and nothing if it
// does.
func (p *Policy) mistake(k *Key) string {
	if why := k.unfilled(); why != "" {
		return why
	}
	if k.Algorithm != "" && algorithms[k.Algorithm] == nil {
		return "its alg is no signature algorithm that is ever accepted" + meant(k.Algorithm)
	}
	why := otherKind
	for _, a := range algorithms {
		if p.Algorithms != nil && !slices.Contains(p.Algorithms, a.name) {
			continue
		}
		switch reason := a.unfit(k, p.Algorithms != nil); {
		case reason == "":
			return ""
		case reason != otherKind && (why == otherKind || a.usual):
			why = reason
		}
	}
	if why == otherKind {
		return "it is of a kind that Policy.Algorithms has nothing for"
	}
	return why
}

const nothingPublic = "Public is nil, or has nothing in it"

// unfilled says why there is nothing in k to verify with, and nothing if there
// is, however weak or meant for something else.
func (k *Key) unfilled() string {
	switch pub := k.Public.(type) {
	case *rsa.PublicKey:
		if pub != nil && pub.N != nil {
			return ""
		}
		return nothingPublic
	case *ecdsa.PublicKey:
		if pub != nil && pub.Curve != nil {
			return ""
		}
		return nothingPublic
	case ed25519.PublicKey:
		return ""
	case nil:
		switch {
		case !k.Shared.IsZero():
			return ""
		case k.Private != nil:
			return "only Private is set, which does not verify: set Public too"
		}
		return "neither Public nor Shared is set"
	case *rsa.PrivateKey, *ecdsa.PrivateKey, ed25519.PrivateKey:
		return "Public holds a private key: set it to its public half"
	}
	return fmt.Sprintf("Public is of type %T, and must be *rsa.PublicKey, *ecdsa.PublicKey or ed25519.PublicKey", k.Public)
}
