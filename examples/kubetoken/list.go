package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"strings"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/tokenlife/tokenlife/kube"
	"github.com/tokenlife/tokenlife/refresh"
)

// every is how often the namespaces are listed with -watch.
const every = 10 * time.Second

// list prints the namespaces, once or, with watch, until ctx is done.
func (o options) list(ctx context.Context, stdout, stderr io.Writer) error {
	cfg, namespace, err := o.cluster()
	if err != nil {
		return err
	}
	cfg.WarningHandlerWithContext = kube.Warnings{} // what the server says of a token goes to OnEvent
	mine, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		return fmt.Errorf("the kubeconfig: %w", err)
	}

	// From here on, the account's token is got by our own credential, and all
	// else is done with the token.
	base := kube.NewSource(mine.CoreV1().ServiceAccounts(namespace), o.serviceAccount)
	base.Namespace, base.Lifetime = namespace, o.lifetime
	if o.audience != "" {
		base.Audiences = []string{o.audience}
	}
	if o.pod != "" {
		base.BoundTo = &authenticationv1.BoundObjectReference{APIVersion: "v1", Kind: "Pod", Name: o.pod}
	}
	src := refresh.New(base)
	out, notes := log.New(stdout, "", log.Ltime), log.New(stderr, "kubetoken: ", 0)
	if o.watch {
		notes = out
		src.OnEvent = func(e refresh.Event) { out.Printf("token: %s", oneLine(e.String())) }
	}
	base.OnEvent = func(e kube.Event) { notes.Print(oneLine(e.String())) }
	theirs, err := kubernetes.NewForConfig(kube.Config(cfg, src))
	if err != nil {
		return fmt.Errorf("the kubeconfig: %w", err)
	}

	if !o.watch {
		names, err := namespaces(ctx, theirs)
		for _, name := range names {
			fmt.Fprintln(stdout, name)
		}
		return err
	}
	for ctx.Err() == nil {
		names, err := namespaces(ctx, theirs)
		switch {
		case err == nil:
			out.Printf("%d namespaces: %s", len(names), strings.Join(names, " "))
		case ctx.Err() == nil: // else this is how Ctrl-C looks from there
			out.Printf("failed, and goes on: %s", oneLine(err.Error()))
		}
		select {
		case <-ctx.Done():
		case <-time.After(every):
		}
	}
	return nil
}

// cluster returns how to reach the cluster with our own credential, and the
// namespace of the account.
func (o options) cluster() (*rest.Config, string, error) {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = o.kubeconfig
	loader := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, &clientcmd.ConfigOverrides{})
	cfg, err := loader.ClientConfig()
	if clientcmd.IsEmptyConfig(err) {
		return nil, "", fmt.Errorf("no way to the cluster: %s names none, and this is not a pod: say -kubeconfig", strings.Join(rules.GetLoadingPrecedence(), ", nor "))
	}
	if err != nil {
		return nil, "", fmt.Errorf("no way to the cluster: %w", err)
	}
	if o.namespace != "" {
		return cfg, o.namespace, nil
	}
	namespace, _, err := loader.Namespace()
	if err != nil {
		return nil, "", fmt.Errorf("no namespace: %w; say -namespace", err)
	}
	return cfg, namespace, nil
}

func namespaces(ctx context.Context, client kubernetes.Interface) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	list, err := client.CoreV1().Namespaces().List(ctx, metav1.ListOptions{})
	if e, ok := errors.AsType[*kube.Error](err); ok {
		return nil, e // there is no token, which has nothing to do with the namespaces
	}
	if apierrors.IsUnauthorized(err) {
		return nil, fmt.Errorf("listing namespaces: the API server refused the token of the account: %w; is -audience a name that it goes by?", err)
	}
	if err != nil {
		return nil, fmt.Errorf("listing namespaces: %w", err)
	}
	var names []string
	for _, n := range list.Items {
		names = append(names, n.Name)
	}
	return names, nil
}
