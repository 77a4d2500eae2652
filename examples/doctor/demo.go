package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/tokenlife/tokenlife/kube"
	"github.com/tokenlife/tokenlife/token"
)

// A patient is a case of the demo: what somebody asks, of whom, and what must come
// of it.
type patient struct {
	title   string
	command string // what somebody would type
	examine func(ctx context.Context) (*report, error)
	cause   string // what the first cause has in it; empty means that nothing is wrong
	certain bool
}

// demo plays a case of each system.
func demo(ctx context.Context, out io.Writer) error {
	dir, err := os.MkdirTemp("", "doctor-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	w, err := newWard(filepath.Join(dir, "config"))
	if err != nil {
		return err
	}
	defer w.close()
	fmt.Fprintln(out, "An API server, a kubeconfig, a Rancher 1.6, a Rancher 2.x and a Dashboard, all of them\nin this program; and what is wrong with some of their tokens.")
	s := screenOf(out)
	patients := w.patients()
	for i, p := range patients {
		r, err := p.examine(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			return fmt.Errorf("%s: %w", p.title, err)
		}
		var b strings.Builder
		r.write(&b, s)
		if _, err := fmt.Fprintf(out, "\n%s\n$ %s\n%s", s.paint(bold, fmt.Sprintf("-- %d. %s", i+1, p.title)), strings.TrimSpace("doctor "+p.command), b.String()); err != nil {
			return err
		}
		if err := p.check(r); err != nil {
			return fmt.Errorf("%s: %w", p.title, err)
		}
	}
	fmt.Fprintf(out, "\nAll %d were named as they must be.\n", len(patients))
	return nil
}

// check returns an error if a report is not as it must be.
func (p patient) check(r *report) error {
	switch {
	case p.cause == "" && len(r.Findings) > 0:
		return errors.New("something is found, and nothing is wrong")
	case p.cause == "":
		return nil
	case len(r.Findings) == 0:
		return errors.New("nothing is found")
	case !strings.Contains(r.Findings[0].Cause, p.cause) || r.Findings[0].Certain != p.certain:
		return fmt.Errorf("what must be found is %q", p.cause)
	}
	return nil
}

// patients are the cases.
func (w *ward) patients() []patient {
	pasted := func(a asking, suspect func(ctx context.Context) (token.Secret, error)) func(context.Context) (*report, error) {
		return func(ctx context.Context) (*report, error) {
			tok, err := suspect(ctx)
			if err != nil {
				return nil, err
			}
			return a.examine(ctx, tok), nil
		}
	}
	asking := func(o options) asking {
		a, err := o.asking(context.Background())
		if err != nil {
			panic(err) // the addresses are those of servers of ours
		}
		return a
	}
	cluster := options{kubeconfig: w.kubeconfig, context: "demo"}
	may := cluster
	may.access = &kube.Access{Verb: "list", Resource: "pods", Namespace: "ci"}
	return []patient{
		{"A token that is pasted, and nobody is asked", "", pasted(asking(options{}), w.expired), "expired", false},
		{"A token whose pod is gone, at its cluster", "-context demo", pasted(asking(cluster), w.podGone), "the Pod that the token is bound to has been deleted", true},
		{"A token that is good, and may not do something", `-context demo -can "list pods -n ci"`, pasted(asking(may), w.good), "permission", true},
		{"A token that is good", "-context demo", pasted(asking(cluster), w.good), "", false},
		{"A user of the kubeconfig", "-user old", func(ctx context.Context) (*report, error) {
			return options{kubeconfig: w.kubeconfig, user: "old", ofUser: true}.examine(ctx, nil, io.Discard)
		}, "expired", true},
		{"A token of Rancher 1.6 whose user has lost access", "-rancher " + w.rancher16, pasted(asking(options{rancher: w.rancher16}), w.lockedOut), "access", true},
		{"A token of Rancher 2.x that somebody has disabled", "-rancher " + w.rancher2 + " -rancher-token-file other", func(ctx context.Context) (*report, error) {
			a := asking(options{rancher: w.rancher2})
			tok, other, err := w.disabled(ctx)
			a.rancher.second = other
			return a.examine(ctx, tok), err
		}, "disabled", true},
		{"A session of a Dashboard whose key was replaced", "-dashboard " + w.dashboard, pasted(asking(options{dashboard: w.dashboard}), w.otherKey), "no key of the Dashboard opens the session", true},
		{"A session of a Dashboard", "-dashboard " + w.dashboard, pasted(asking(options{dashboard: w.dashboard}), w.session), "", false},
	}
}
