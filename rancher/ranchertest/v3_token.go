package ranchertest

import (
	"crypto/rand"
	"fmt"
	"math/big"
	"slices"
	"time"
)

// A V3Token is a token as the server keeps it.
type V3Token struct {
	Name, Secret, UserID, Description, Cluster string
	Created                                    time.Time
	TTL                                        time.Duration // 0 is for ever
	Derived, Enabled, Kubeconfig, Ext          bool

	LastUsed   time.Time // zero if it never was
	LastActive time.Time // when a UserActivity was last recorded; zero if never
}

// A v3Token is what else the server keeps of one.
type v3Token struct {
	V3Token
	uuid, provider, principal string
}

// Tokens returns all tokens that there are, also expired ones, the oldest first.
func (s *V3) Tokens() []V3Token {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []V3Token
	for _, t := range s.tokens {
		all = append(all, t.V3Token)
	}
	return all
}

// DisableToken disables a token, as the refresh of a provider's users does.
func (s *V3) DisableToken(name string) {
	s.mustFindToken("DisableToken", name, func(t *v3Token) { t.Enabled = false })
}

// DeleteToken deletes a token.
func (s *V3) DeleteToken(name string) { s.mustFindToken("DeleteToken", name, s.removeToken) }

// mustFindToken panics if there is no such token, as mustFindUser does.
func (s *V3) mustFindToken(call, name string, do func(*v3Token)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range s.tokens {
		if t.Name == name {
			do(t)
			return
		}
	}
	panic("ranchertest: " + call + ": there is no token " + name)
}

// addToken keeps a new token of a user: t says what is special about it. Without
// a name it gets one.
func (s *V3) addToken(u *v3User, t V3Token) *v3Token {
	if t.Name == "" {
		t.Name = s.freeName()
	}
	t.Secret, t.UserID, t.Enabled = randomText(54), u.id, true
	t.Created = s.now().UTC().Truncate(time.Second) // Kubernetes has no finer time
	kept := &v3Token{V3Token: t, uuid: randomUUID(), provider: u.provider, principal: u.principal}
	s.tokens = append(s.tokens, kept)
	return kept
}

// freeName returns a name that no token has.
func (s *V3) freeName() string {
	for {
		name := "token-" + randomName()
		if s.findToken(name, false) == nil && s.findToken(name, true) == nil {
			return name
		}
	}
}

func (s *V3) removeToken(t *v3Token) {
	s.tokens = slices.DeleteFunc(s.tokens, func(other *v3Token) bool { return other == t })
}

// findToken returns the token of a name, of those of ext.cattle.io or of the
// others, or nil.
func (s *V3) findToken(name string, ext bool) *v3Token {
	for _, t := range s.tokens {
		if t.Name == name && t.Ext == ext {
			return t
		}
	}
	return nil
}

// expired reports whether a token's time is over.
func (s *V3) expired(t *v3Token) bool {
	if t.Ext {
		return t.TTL != 0 && s.now().After(t.Created.Add(t.TTL))
	}
	return t.TTL != 0 && s.now().Sub(t.Created) >= t.TTL
}

// idle reports whether a session is over because nobody has been seen at it for
// long. As long as nobody ever was there is no limit.
func (s *V3) idle(t *v3Token) bool {
	limit := s.minutes("auth-user-session-idle-ttl-minutes")
	return !t.LastActive.IsZero() && limit != 0 && s.now().After(t.LastActive.Add(limit))
}

// expiresAt is when a token's time is over, in the form of Rancher's; empty if
// it is for ever.
func (t *v3Token) expiresAt() string {
	if t.TTL == 0 {
		return ""
	}
	return t.Created.Add(t.TTL).Format(time.RFC3339)
}

const tokenAlphabet = "bcdfghjklmnpqrstvwxz2456789"

func randomName() string { return randomText(5) }

func randomText(n int) string {
	b := make([]byte, n)
	for i := range b {
		k, _ := rand.Int(rand.Reader, big.NewInt(int64(len(tokenAlphabet)))) // never fails
		b[i] = tokenAlphabet[k.Int64()]
	}
	return string(b)
}

func randomUUID() string {
	var b [16]byte
	rand.Read(b[:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
