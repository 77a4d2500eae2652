package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/tokenlife/tokenlife/token"
)

// logout ends logins: the one that there is, or those that the flags name.
func (o options) logout(ctx context.Context, out io.Writer) error {
	s := openStore(o.cache)
	defer s.close()
	all, err := s.accounts(ctx)
	if err != nil {
		return err
	}
	if len(all) == 0 {
		fmt.Fprintln(out, "not logged in")
		return nil
	}
	if o.issuer != "" {
		all = slices.DeleteFunc(all, func(a account) bool { return a.Issuer != o.issuer })
	}
	switch {
	case len(all) == 0:
		return fmt.Errorf("there is no login at %s: kubectl-login status lists those that there are", o.issuer)
	case len(all) > 1 && !o.all && o.issuer == "":
		return fmt.Errorf("there are %d logins, at %s: say -issuer, or -all", len(all), issuers(all))
	}
	var failed []error
	for _, a := range all {
		if err := a.end(ctx, s, out); err != nil {
			failed = append(failed, err)
		}
	}
	return errors.Join(failed...)
}

// end ends a login. One whose issuer cannot be told is ended here all the same.
func (a account) end(ctx context.Context, s *store, out io.Writer) error {
	where := fmt.Sprintf("%s at %s", brief(a.Cluster), brief(a.Issuer))
	issuerCA, unread := readCA(a.CA)
	l := newLogin(a, s, issuerCA)
	if unread != nil {
		l.rotator.Revoke = func(context.Context, token.Secret) error { return unread }
	}
	pair, _ := l.rotator.Stored(ctx)
	err := l.rotator.Forget(ctx)
	if err != nil {
		if _, still := l.rotator.Stored(ctx); !errors.Is(still, token.ErrRefused) {
			return fmt.Errorf("%s: the login is still kept: %w", where, err)
		}
	}
	if err := s.unlist(ctx, a.Key); err != nil {
		return fmt.Errorf("%s: logged out, but still in the list: %w", where, err)
	}
	switch {
	case errors.Is(err, errNoRevocation):
		fmt.Fprintf(out, "logged out of %s, here only: %v\n", where, errNoRevocation)
	case err != nil:
		return fmt.Errorf("%s: the login is forgotten here, but the issuer may still take its refresh token: %w", where, err)
	default:
		fmt.Fprintf(out, "logged out of %s\n", where)
	}
	if left := pair.Access.ExpiresIn; left > 0 {
		fmt.Fprintf(out, "a kubectl that runs may have an ID token that is good for another %v\n", round(left))
	}
	return nil
}

// issuers lists those of accounts.
func issuers(all []account) string {
	var urls []string
	for _, a := range all {
		if url := brief(a.Issuer); !slices.Contains(urls, url) {
			urls = append(urls, url)
		}
	}
	return strings.Join(urls, ", ")
}
