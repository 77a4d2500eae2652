package rancher

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/tokenlife/tokenlife/token"
)

// A V3Kubeconfig is what a server keeps of a kubeconfig that it has made. The
// kubeconfig itself, which has a secret in it, is not.
type V3Kubeconfig struct {
	Name        string // "kubeconfig-x7k2p"
	Description string
	Clusters    []string
	Tokens      []string // the names of its tokens, which are deleted with it

	Created   time.Time
	Lifetime  time.Duration // of its tokens, as granted; 0 is for ever
	ExpiresAt time.Time     // by the server's clock; zero is never
}

// A V3KubeconfigRequest asks for a kubeconfig.
type V3KubeconfigRequest struct {
	// Description is what is seen beside it, of up to 512 bytes; empty means
	// "tokenlife".
	Description string

	// Clusters are those that it is to be for; the one element "*" means all
	// that the user may see. Empty means Rancher itself alone.
	Clusters []string

	// CurrentContext is the cluster that is in use from the start; empty means
	// Rancher itself.
	CurrentContext string

	// Lifetime is how long its tokens should live, in whole seconds; 0 means 24
	// hours, or less if the server allows no more than that. A server refuses
	// more than its setting kubeconfig-default-token-ttl-minutes.
	Lifetime time.Duration

	// AnyLifetime leaves the lifetime to that setting, which may be for ever.
	// Lifetime must be 0.
	AnyLifetime bool
}

// CreateKubeconfig makes a kubeconfig for any number of clusters, with tokens of
// its own (ext.cattle.io). It is YAML, and not to be had again.
//
// An error that matches [ErrNotFound] says from which version on a server can do
// that; [V3.GenerateKubeconfig] is for those before it.
func (c *V3) CreateKubeconfig(ctx context.Context, r V3KubeconfigRequest) (token.Secret, V3Kubeconfig, error) {
	req := call{op: "create a kubeconfig", method: http.MethodPost, path: extKubeconfigs.path(""), most: longestList}
	ttl, err := r.check()
	if err != nil {
		return token.Secret{}, V3Kubeconfig{}, req.fail(err)
	}
	a, most, err := c.createKubeconfig(ctx, req, r, ttl)
	if err != nil && r.Lifetime == 0 && 0 < most && most < ttl {
		a, _, err = c.createKubeconfig(ctx, req, r, most)
	}
	if err != nil {
		return token.Secret{}, V3Kubeconfig{}, err
	}
	k, config, err := parseKubeconfig(a)
	if err == nil && config.IsZero() {
		err = errors.New("status.value: missing")
	}
	failed := a.wider(r.wider(k))
	if err != nil {
		failed = a.unreadable(err)
	}
	if failed != nil {
		return token.Secret{}, V3Kubeconfig{}, discard(ctx, "ext kubeconfig", k.Name, failed, c.DeleteKubeconfig)
	}
	return config, k, nil
}

// wider says in which way k is good for more than r asks for; empty means that it
// is not.
func (r V3KubeconfigRequest) wider(k V3Kubeconfig) string {
	most := cmp.Or(r.Lifetime, defaultLifetime)
	switch {
	case r.AnyLifetime:
		return ""
	case k.Lifetime == 0:
		return "its tokens live for ever"
	case k.Lifetime > most:
		return fmt.Sprintf("its tokens live for %v", k.Lifetime)
	}
	return ""
}

// createKubeconfig asks once, for a lifetime in seconds. Where that is too long
// it returns what the server says is the most, if it says so.
func (c *V3) createKubeconfig(ctx context.Context, req call, r V3KubeconfigRequest, ttl int64) (a *answer, most int64, err error) {
	req.body = extBody("Kubeconfig", "", struct {
		Clusters       []string `json:"clusters,omitempty"`
		CurrentContext string   `json:"currentContext,omitempty"`
		Description    string   `json:"description,omitempty"`
		TTL            int64    `json:"ttl"`
	}{r.Clusters, r.CurrentContext, r.Description, ttl})
	a, err = c.ext(ctx, extKubeconfigs, req)
	e, ok := err.(*Error)
	if !ok || a == nil {
		return a, 0, err
	}
	most, tooLong := parseMaxTTL(read(a).message)
	switch {
	case tooLong && most == 0:
		e.Saw = "it makes none but those that live for ever"
		e.Remedy = "have an administrator set kubeconfig-default-token-ttl-minutes to other than 0, or set V3KubeconfigRequest.AnyLifetime"
	case tooLong:
		e.Saw = fmt.Sprintf("the lifetime is more than %v", seconds(most))
		e.Remedy = "ask for less, or have an administrator raise kubeconfig-default-token-ttl-minutes"
	}
	return nil, most, e
}

// check returns how long a lifetime is asked for, in seconds.
func (r *V3KubeconfigRequest) check() (ttl int64, err error) {
	if r.Description, err = describe(r.Description); err != nil {
		return 0, err
	}
	for _, cluster := range slices.Concat(r.Clusters, []string{r.CurrentContext}) {
		if err := checkName("cluster", cluster); err != nil && cluster != "*" && cluster != "" {
			return 0, err
		}
	}
	switch {
	case r.AnyLifetime && r.Lifetime != 0:
		return 0, errors.New("V3KubeconfigRequest has a Lifetime and AnyLifetime: set one of them")
	case r.AnyLifetime:
		return 0, nil
	case r.Lifetime == 0:
		return int64(defaultLifetime / time.Second), nil
	case r.Lifetime < time.Second:
		return 0, errors.New("V3KubeconfigRequest.Lifetime is less than a second: set how long its tokens should live, or 0 for 24 hours")
	}
	return int64(r.Lifetime / time.Second), nil
}

// DeleteKubeconfig deletes a kubeconfig that [V3.CreateKubeconfig] has made, and
// its tokens. One that is gone already is no error.
func (c *V3) DeleteKubeconfig(ctx context.Context, name string) error {
	return c.deleteExt(ctx, extKubeconfigs, name)
}

// GenerateKubeconfig returns a kubeconfig for a cluster
// (POST /v3/clusters/ID?action=generateKubeconfig). It is YAML.
//
// Each has a new token in it, that lives for as long as the setting
// kubeconfig-default-token-ttl-minutes says, which may be for ever, and is to be
// found among [V3.Tokens]; or, where the setting kubeconfig-generate-token is
// false, none, and has kubectl run "rancher token".
func (c *V3) GenerateKubeconfig(ctx context.Context, cluster string) (token.Secret, error) {
	req := call{op: "generate a kubeconfig", method: http.MethodPost, body: "{}"}
	if err := checkName("cluster", cluster); err != nil {
		return token.Secret{}, req.fail(err)
	}
	req.op, req.path = "generate a kubeconfig for cluster "+cluster, "/v3/clusters/"+url.PathEscape(cluster)+"?action=generateKubeconfig"
	a, err := c.call(ctx, token.Token{}, req)
	if err != nil {
		return token.Secret{}, err
	}
	config, err := parseGenerated(a)
	if err != nil {
		return token.Secret{}, a.unreadable(err)
	}
	return config, nil
}
