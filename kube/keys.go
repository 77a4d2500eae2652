package kube

import (
	"context"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tokenlife/tokenlife/token"
	"github.com/tokenlife/tokenlife/token/seal"
)

// keysItem is the item of a Secret's data that Keys reads.
const keysItem = "keys"

// Keys returns a function for seal.Keyring's Load that reads the keys from the item
// "keys" of a Secret, in the form that seal.ParseKeys reads, so that the replicas of a
// service share them:
//
//	keys := &seal.Keyring{Load: kube.Keys(cs.CoreV1().Secrets("web"), "session-keys")}
//
// Each call is one request to the API server, which needs the verb get on the resource
// "secrets" with that resourceName. A new key is added with this, which also makes the
// Secret, if the first line is left out; the file is as secret as what is in it, and is
// to be removed at the end:
//
//	kubectl -n web get secret session-keys -o go-template='{{.data.keys | base64decode}}{{"\n"}}' >keys &&
//	openssl rand -base64 32 >>keys &&
//	kubectl -n web create secret generic session-keys --from-file=keys --dry-run=client -o yaml |
//		kubectl apply --server-side --force-conflicts -f -
//
// A new key goes to the end at first: there it opens, and does not seal yet. Six
// minutes later every replica in use has read it, and it can be moved to the first
// line, where it seals. Another six minutes and the life of a session later nothing
// that the old key has sealed is of use, and it can go. So nobody is logged out.
//
// Errors are of type [*Error]: they name the Secret, the line, and the command that
// helps, and nothing of what is in it.
func Keys(c SecretGetter, name string) func(ctx context.Context) ([]token.Secret, error) {
	return func(ctx context.Context) ([]token.Secret, error) {
		op := "keys in Secret " + name
		switch {
		case c == nil:
			return nil, misconfigured(op, "the SecretGetter of Keys is nil: give it clientset.CoreV1().Secrets(namespace)")
		case name == "":
			return nil, misconfigured(op, "the name of the Secret is empty: give Keys one")
		}
		if err := ctx.Err(); err != nil {
			return nil, failed(op, err)
		}
		secret, err := c.Get(ctx, name, metav1.GetOptions{})
		switch {
		case isAbsent(err):
			e := failed(op, err)
			e.Remedy = fmt.Sprintf(`make it in the Client's namespace: kubectl create secret generic %s --from-literal=%s="$(openssl rand -base64 32)"`, name, keysItem)
			return nil, e
		case err != nil:
			e := failed(op, err)
			if e.Reason == Forbidden && e.Remedy == "" {
				e.Remedy = fmt.Sprintf("grant whoever asks the verb get on it: kubectl create role %s --verb=get --resource=secrets --resource-name=%[1]s, and a RoleBinding", name)
			}
			return nil, e
		case secret == nil || secret.Name != name:
			return nil, badAnswer(op, "the answer has another metadata.name, or none: is the Client one of a Kubernetes API server?")
		}
		op = "keys in Secret " + placed(secret)
		text, there := secret.Data[keysItem]
		if !there {
			e := misconfigured(op, `it has no item "`+keysItem+`"`)
			e.Reason = Missing
			e.Remedy = fmt.Sprintf(`add it: kubectl -n %s patch secret %s -p '{"stringData":{"%s":"'$(openssl rand -base64 32)'"}}'`, brief(secret.Namespace, 63), name, keysItem)
			return nil, e
		}
		keys, err := seal.ParseKeys(text)
		if err != nil {
			e := misconfigured(op, `item "`+keysItem+`": `+err.Error())
			e.Remedy = fmt.Sprintf("see it: kubectl -n %s get secret %s -o jsonpath='{.data.%s}' | base64 -d", brief(secret.Namespace, 63), name, keysItem)
			return nil, e
		}
		return keys, nil
	}
}
