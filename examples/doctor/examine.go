package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"k8s.io/client-go/rest"

	"github.com/tokenlife/tokenlife/kube"
	"github.com/tokenlife/tokenlife/kube/kubeconfig"
	"github.com/tokenlife/tokenlife/session/dashboard"
	"github.com/tokenlife/tokenlife/token"
)

// examine does what the command line asks for. The error is that there is nothing to
// look at, or no way to.
func (o options) examine(ctx context.Context, stdin *os.File, stderr io.Writer) (*report, error) {
	if o.ofUser {
		return o.examineUser(ctx, stdin)
	}
	a, err := o.asking(ctx)
	if err != nil {
		return nil, err
	}
	suspect, err := o.readToken(ctx, stdin, stderr)
	if err != nil {
		return nil, err
	}
	return a.examine(ctx, suspect), nil
}

// An asking is who is asked about a token, and what more is known of it.
type asking struct {
	cluster   *cluster
	rancher   *rancherServer
	dashboard *dashboardServer

	audiences []string
	access    *kube.Access
}

// examine says what there is to say of a token.
func (a asking) examine(ctx context.Context, suspect token.Secret) *report {
	r := &report{Version: 1, Now: now(), Token: describe(suspect), Findings: []finding{}}
	secrets := []token.Secret{suspect}
	var clock clock
	switch info, _ := token.Inspect(suspect); {
	case a.rancher != nil:
		r.Server, clock = a.rancher.server, readClock(ctx, a.rancher.transport, a.rancher.server.URL)
		secrets = append(secrets, a.rancher.second)
		r.add(a.rancher.diagnose(ctx, suspect, r.Token))
	case a.dashboard != nil:
		r.Server, clock = a.dashboard.server, readClock(ctx, a.dashboard.transport, a.dashboard.server.URL)
		r.add(a.dashboard.source.Diagnose(ctx, suspect))
	case a.cluster != nil:
		r.Server, clock = a.cluster.server, a.cluster.clock(ctx)
		secrets = append(secrets, a.cluster.secrets()...)
		r.add(kube.Diagnose(ctx, kube.Suspect{Token: suspect, Audiences: a.audiences, Access: a.access}, a.cluster.config))
	case info.Kind == token.KindDashboard, ofDashboard(suspect):
		r.add(new(dashboard.Source).Diagnose(ctx, suspect))
	case info.Kind == token.KindRancher16 || info.Kind == token.KindRancher || info.Kind == token.KindRancherExt:
		// It says nothing but its name, and that is said.
	default:
		r.add(kube.Diagnose(ctx, kube.Suspect{Token: suspect, Audiences: a.audiences}, nil))
	}
	r.timed(clock)
	r.tidy(secrets...)
	return r
}

// ofDashboard reports whether a text begins as what people take for a session of a
// Dashboard: a cookie, an answer, or half of one.
func ofDashboard(s token.Secret) bool {
	begin := strings.ToLower(s.Reveal()[:min(len(s.Reveal()), 10)])
	for _, p := range []string{"{", `"{\"`, "%7b", "jwetoken"} {
		if strings.HasPrefix(begin, p) {
			return true
		}
	}
	return false
}

// examineUser says what there is to say of a user of the kubeconfig.
func (o options) examineUser(ctx context.Context, stdin *os.File) (*report, error) {
	files := o.files()
	u, err := files.User(o.user)
	if err != nil {
		return nil, err
	}
	c, err := o.clusterOf(u)
	if err != nil {
		return nil, err
	}
	var ofPlugin token.Diagnosis
	if o.run != "" {
		if ofPlugin, err = o.runPlugin(ctx, &u, stdin); err != nil {
			return nil, err
		}
		if c != nil && o.context == "" { // that is how it is called then
			c.config.BearerToken = u.Token.Value.Reveal()
		}
	}
	secrets := []token.Secret{u.Token.Value}
	if u.Kind == kubeconfig.Certificate {
		u.Token = token.Token{} // the API server goes by the certificate
	}
	r := &report{Version: 1, Now: now(), User: accountOf(u), Findings: []finding{}}
	if !u.Token.IsZero() {
		r.Token = describe(u.Token.Value)
	}
	r.add(ofPlugin)
	if u.Token.IsZero() { // nobody can be asked about it
		if len(r.Findings) == 0 && (o.access != nil || o.audiences != nil) {
			return nil, fmt.Errorf("-can and -audience need a token, and the kubeconfig has none of the user %.60q (%s)", u.Name, u.Kind)
		}
		if c = nil; len(r.Findings) == 0 {
			r.Unseen = unseen[u.Kind]
		}
	}
	var clock clock
	var config *rest.Config
	if c != nil {
		r.Server, clock, config = c.server, c.clock(ctx), c.config
		secrets = append(secrets, c.secrets()...)
	}
	asked := kube.Suspect{Token: u.Token.Value, Audiences: o.audiences, Access: o.access}
	ofToken := !u.Token.IsZero() && (o.run != "" || o.audiences != nil || o.access != nil)
	whom := config
	if ofToken && o.audiences != nil {
		whom = nil // which would say of the token whether it is for the API server
	}
	d, err := files.Diagnose(ctx, u.Name, whom)
	if err != nil {
		return nil, err
	}
	if ofToken {
		r.add(kube.Diagnose(ctx, asked, config)) // first: of two findings alike this one knows more
	}
	d.Findings = slices.DeleteFunc(d.Findings, func(f token.Finding) bool { return f.Cause == notRun })
	r.add(d)
	r.timed(clock)
	r.tidy(secrets...)
	return r, nil
}

// unseen says of credentials that they were not looked at, and how they can be.
var unseen = map[kubeconfig.Kind]string{
	kubeconfig.Exec:        "The plugin was not run, and so what it prints was not looked at, nor was anybody asked: if you trust it, say -run and the plugin as it is named here.",
	kubeconfig.Certificate: "The cluster was not asked: doctor sends no client certificate, and kubectl auth whoami does.",
}

// notRun is what a diagnosis of the kubeconfig says of each user with a plugin. It is
// no reason to be refused, which is what findings are, so that it is said in unseen.
const notRun = "the credential is what a plugin prints, and no plugin is run to find out"

// files are the kubeconfig.
func (o options) files() kubeconfig.Files {
	if o.kubeconfig != "" {
		return kubeconfig.Files{o.kubeconfig}
	}
	return kubeconfig.Default()
}

// timed says what time it is at the server, and so what is left of the token.
func (r *report) timed(c clock) {
	if c.known && r.Server != nil {
		r.Server.ClockAhead = seconds(c.ahead)
	}
	if r.Token != nil && !r.Token.Expiry.IsZero() {
		r.Token.ExpiresIn = new(r.Token.Expiry.Unix() - r.Now.Add(c.ahead).Unix())
	}
}

// now is the time to the second, as tokens have it.
func now() time.Time { return time.Now().UTC().Truncate(time.Second) }
