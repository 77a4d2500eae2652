package main

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/oauth2"

	"github.com/tokenlife/tokenlife/refresh"
)

// askDevice goes through the device flow (RFC 8628), for a machine without a browser.
func (g *getter) askDevice(ctx context.Context, config *oauth2.Config) (refresh.Pair, error) {
	ctx = g.oauth2(ctx)
	d, err := config.DeviceAuth(ctx)
	if err != nil {
		return refresh.Pair{}, refusal(err)
	}
	if d.DeviceCode == "" || d.UserCode == "" || d.VerificationURI == "" {
		return refresh.Pair{}, errors.New("the issuer's device authorization endpoint gave no code to enter, or nowhere to enter it")
	}
	g.tell(ctx, "", fmt.Sprintf("on any device, open %s and enter the code %s", brief(d.VerificationURI), brief(d.UserCode)))
	if d.Interval <= 0 || d.Interval > 60 {
		d.Interval = 5 // seconds, as if it had not been said; less than none would be a panic
	}
	tok, err := config.DeviceAccessToken(ctx, d)
	switch e, said := asRetrieveError(err); {
	case errors.Is(err, context.DeadlineExceeded), said && e.ErrorCode == "expired_token":
		return refresh.Pair{}, errors.New("nobody has entered the code in time: try again")
	case err != nil:
		return refresh.Pair{}, refusal(err)
	}
	return g.accept(ctx, tok, "")
}

// asRetrieveError returns the error with which the issuer has answered, if err is one.
func asRetrieveError(err error) (*oauth2.RetrieveError, bool) {
	e, ok := errors.AsType[*oauth2.RetrieveError](err)
	if ok && e.Response == nil {
		return nil, false
	}
	return e, ok
}
