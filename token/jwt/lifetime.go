package jwt

import (
	"errors"
	"fmt"
	"time"

	"github.com/tokenlife/tokenlife/skew"
	"github.com/tokenlife/tokenlife/token"
)

// maxOffset is how far from Now a Policy's Clock counts at most.
const maxOffset = 5 * time.Minute

// checkDates checks that c are claims for now.
func (p *Policy) checkDates(c *token.Claims) error {
	switch {
	case c.Expiry.IsZero():
		return malformed("claims", errors.New("exp: missing, and a token must expire"))
	case p.MaxAge > 0 && c.IssuedAt.IsZero():
		return malformed("claims", errors.New("iat: missing, and Policy.MaxAge needs it"))
	case !c.NotBefore.IsZero() && !c.Expiry.After(c.NotBefore):
		return malformed("claims", errors.New("exp: not after nbf, so it was never valid"))
	case !c.IssuedAt.IsZero() && !c.Expiry.After(c.IssuedAt):
		return malformed("claims", errors.New("exp: not after iat, so it was never valid"))
	}
	now := time.Now
	if p.Now != nil {
		now = p.Now
	}
	local := now()
	if err := p.checkLifetime(c, local); err != nil {
		return err
	}
	if p.Clock == nil {
		return nil
	}
	offset := p.Clock.Estimate().Offset
	offset = max(-maxOffset, min(offset, maxOffset))
	if err := p.checkLifetime(c, local.Add(offset)); err != nil {
		return fmt.Errorf("jwt: good by the local clock, but not by Policy.Clock: %w", err)
	}
	return nil
}

// checkLifetime checks c at a time. As RFC 7519, section 4.1.4, has it, a token
// is not good any more at the very instant of its exp.
func (p *Policy) checkLifetime(c *token.Claims, now time.Time) error {
	expiry := skew.Leeway(p.Leeway.Expiry)
	if !now.Before(c.Expiry.Add(expiry)) {
		return &token.TimeError{Claim: "exp", Limit: c.Expiry, Now: now, Leeway: expiry}
	}
	if leeway := skew.Leeway(p.Leeway.NotBefore); !c.NotBefore.IsZero() && now.Before(c.NotBefore.Add(-leeway)) {
		return &token.TimeError{Claim: "nbf", Limit: c.NotBefore, Now: now, Leeway: leeway}
	}
	if c.IssuedAt.IsZero() {
		return nil
	}
	if leeway := skew.Leeway(p.Leeway.IssuedAt); now.Before(c.IssuedAt.Add(-leeway)) {
		return &token.TimeError{Claim: "iat", Limit: c.IssuedAt, Now: now, Leeway: leeway}
	}
	if p.MaxAge > 0 && !now.Before(c.IssuedAt.Add(p.MaxAge).Add(expiry)) {
		return &token.TimeError{Claim: "iat", Limit: c.IssuedAt.Add(p.MaxAge), Now: now, Leeway: expiry}
	}
	return nil
}
