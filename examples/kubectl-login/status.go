package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/tokenlife/tokenlife/token"
)

// A report is what status says of a login, and its JSON the form for programs.
type report struct {
	Issuer   string     `json:"issuer"`
	ClientID string     `json:"client_id"`
	Scopes   []string   `json:"scopes"`
	Cluster  string     `json:"cluster"`
	User     string     `json:"user,omitempty"` // as the ID token has it
	Login    string     `json:"login"`          // "good", "ended" or "unknown"
	Reason   string     `json:"reason,omitempty"`
	Expires  *time.Time `json:"token_expires,omitempty"` // of the ID token, by this machine's clock

	left time.Duration
}

// status says whose logins are kept. It asks no issuer, so that a login that has ended
// there is good until it is used.
func (o options) status(ctx context.Context, out io.Writer) error {
	s := openStore(o.cache)
	all, err := s.accounts(ctx)
	if err != nil {
		return err
	}
	reports := make([]report, 0, len(all))
	for _, a := range all {
		reports = append(reports, a.report(ctx, s))
	}
	if o.json {
		e := json.NewEncoder(out)
		e.SetIndent("", "  ")
		return e.Encode(reports)
	}
	if len(reports) == 0 {
		fmt.Fprintf(out, "no logins are kept in %s\n", o.cache)
		return nil
	}
	w := tabwriter.NewWriter(out, 0, 0, 3, ' ', 0)
	fmt.Fprintln(w, "CLUSTER\tISSUER\tCLIENT\tUSER\tLOGIN\tTOKEN")
	for _, r := range reports {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", brief(r.Cluster), brief(r.Issuer), brief(r.ClientID), r.User, r.Login, r.token())
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, r := range reports {
		if r.Reason != "" {
			fmt.Fprintf(out, "%s: %s\n", brief(r.Cluster), r.Reason)
		}
	}
	return nil
}

// report looks at the login of an account.
func (a account) report(ctx context.Context, s *store) report {
	r := report{Issuer: a.Issuer, ClientID: a.ClientID, Scopes: a.Scopes, Cluster: a.Cluster, Login: "good"}
	pair, err := newLogin(a, s, nil).rotator.Stored(ctx)
	switch {
	case errors.Is(err, token.ErrRefused):
		r.Login, r.Reason = "ended", brief(explain(err))
		return r
	case err != nil:
		r.Login, r.Reason = "unknown", brief(explain(err))
		return r
	}
	if pair.Access.IsZero() {
		return r
	}
	r.left = pair.Access.ExpiresIn
	expires := time.Now().Add(r.left).UTC().Truncate(time.Second)
	r.Expires = &expires
	if info, err := token.Inspect(pair.Access.Value); err == nil {
		r.User = user(info.Claims)
	}
	return r
}

// user returns what an ID token calls the user, for people: which claim the API server
// takes, only that knows.
func user(c token.Claims) string {
	var names struct {
		Email    string `json:"email"`
		Username string `json:"preferred_username"`
	}
	_ = c.Decode(&names) // if it cannot be, they are empty
	for _, name := range []string{names.Email, names.Username, c.Subject} {
		if name = brief(name); name != "" {
			return name
		}
	}
	return ""
}

// token says how long the ID token is good.
func (r report) token() string {
	switch {
	case r.Expires == nil:
		return "none"
	case r.left <= 0:
		return "expired, renewed when it is needed"
	}
	return "for " + round(r.left).String()
}

// round leaves off what nobody wants to read.
func round(d time.Duration) time.Duration {
	if d > time.Hour {
		return d.Round(time.Minute)
	}
	return d.Round(time.Second)
}
