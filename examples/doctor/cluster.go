package main

import (
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"

	"github.com/tokenlife/tokenlife/kube/kubeconfig"
	"github.com/tokenlife/tokenlife/token"
)

// A cluster is the API server of a context.
type cluster struct {
	config *rest.Config // with what its user has, for looking things up
	url    *url.URL
	server *server
}

// cluster returns that of a context of the kubeconfig; the empty name is for the
// current one.
func (o options) cluster(context string) (*cluster, error) {
	// Its errors name the line and repeat no value, which those of clientcmd may.
	if _, err := o.files().Inspect(); err != nil {
		return nil, err
	}
	// The default rules would copy a file of old to where kubectl looks today.
	rules := &clientcmd.ClientConfigLoadingRules{Precedence: o.files()}
	all, err := rules.Load()
	if err != nil {
		return nil, errors.New("the kubeconfig cannot be read: kubectl config view says why")
	}
	if context == "" {
		context = all.CurrentContext
	}
	c, ok := all.Contexts[context]
	if !ok {
		names := slices.Sorted(maps.Keys(all.Contexts))
		return nil, fmt.Errorf("the kubeconfig has no context %.60q, but %.300s", context, cmp.Or(strings.Join(names, ", "), "none"))
	}
	if all.Clusters[c.Cluster] == nil {
		return nil, fmt.Errorf("the context %.60q is for the cluster %.60q, which is not in the kubeconfig", context, c.Cluster)
	}
	cfg, err := clientcmd.NewNonInteractiveClientConfig(*all, context, nil, rules).ClientConfig()
	if err != nil {
		// What its user has may be what is wrong: the cluster can be asked without.
		all.AuthInfos[c.AuthInfo] = api.NewAuthInfo()
		if cfg, err = clientcmd.NewNonInteractiveClientConfig(*all, context, nil, rules).ClientConfig(); err != nil {
			// Its text may have a password of proxy-url in it.
			return nil, fmt.Errorf("something is wrong with the cluster %.60q of the context %.60q: look at its server, its certificate-authority and its proxy-url", c.Cluster, context)
		}
	}
	u, _, err := rest.DefaultServerUrlFor(cfg)
	if err != nil {
		return nil, fmt.Errorf("the server of the cluster %.60q of the context %.60q is no URL", c.Cluster, context)
	}
	return &cluster{config: cfg, url: u, server: &server{Product: "Kubernetes", URL: address(u.String()), Context: context}}, nil
}

// clusterOf returns the cluster that a user of the kubeconfig is for; nil if nobody is
// to be asked.
func (o options) clusterOf(u kubeconfig.User) (*cluster, error) {
	switch {
	case o.offline:
		return nil, nil
	case o.context != "":
		return o.cluster(o.context)
	case len(u.Contexts) == 0 && o.access != nil:
		return nil, errors.New("-can needs a cluster to ask, and no context is for this user: say -context")
	case len(u.Contexts) == 0:
		return nil, nil
	}
	if u.Current {
		return o.cluster("")
	}
	return o.cluster(u.Contexts[0])
}

// clock asks what time it is there.
func (c *cluster) clock(ctx context.Context) clock {
	transport, err := rest.TransportFor(rest.AnonymousClientConfig(c.config))
	if err != nil {
		return clock{}
	}
	return readClock(ctx, transport, c.url.JoinPath("version").String())
}

// secrets are those of the context's own user, which nothing must repeat, and what a
// request has of them.
func (c *cluster) secrets() []token.Secret {
	basic := base64.StdEncoding.EncodeToString([]byte(c.config.Username + ":" + c.config.Password))
	return []token.Secret{token.NewSecret(c.config.BearerToken), token.NewSecret(c.config.Password), token.NewSecret(basic)}
}
