package kube

import (
	"fmt"
	"strings"

	"github.com/tokenlife/tokenlife/token"
)

// plain returns s if it can stand in a command as it is, and otherwise what the
// reader has to fill in: names in tokens and answers are chosen by others, and
// people paste commands into a shell.
func plain(s, otherwise string) string {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	if s == "" || len(s) > 300 || strings.Trim(s, letters+"-._:/@+") != "" || strings.HasPrefix(s, "-") {
		return otherwise
	}
	return s
}

// named returns s if it is the name of an object, and no option of a command.
func named(s, otherwise string) string {
	if !isName(s) {
		return otherwise
	}
	return plain(s, otherwise)
}

func (f *facts) namespace() string { return named(f.info.ServiceAccount.Namespace, "NAMESPACE") }
func (f *facts) name() string      { return named(f.info.ServiceAccount.Name, "ACCOUNT") }

// ofKubernetes reports whether the token is a service account's.
func (f *facts) ofKubernetes() bool {
	return f.info.Kind == token.KindServiceAccount || f.legacy()
}

func (f *facts) legacy() bool { return f.info.Kind == token.KindLegacyServiceAccount }

// create is the command that makes another token, for whom this one is presented to.
// A command in a remedy goes on to the next comma, semicolon or parenthesis.
func (f *facts) create() string {
	s := fmt.Sprintf("kubectl -n %s create token %s", f.namespace(), f.name())
	if len(f.audiences) > 0 {
		s += " --audience=" + plain(f.audiences[0], "AUDIENCE")
	}
	return s
}

// subject names a user as kubectl create rolebinding has it.
func subject(user string) string {
	if account, ok := strings.CutPrefix(user, accountPrefix); ok {
		ns, name, _ := strings.Cut(account, ":")
		return "--serviceaccount=" + named(ns, "NAMESPACE") + ":" + named(name, "ACCOUNT")
	}
	return "--user=" + plain(user, "USER")
}

// empower says how to let the asker find out more.
func (f *facts) empower() string {
	log := "the API server's log says why as well: Unable to authenticate the request"
	if f.review.forbidden() {
		user := userIn(f.review.said.Message)
		if user != anonymous {
			return "let the asker review tokens: kubectl create clusterrolebinding NAME --clusterrole=system:auth-delegator " + subject(user) + "; " + log
		}
	}
	return "ask with a credential that may review tokens, such as an administrator's; " + log
}

// anew says how to get another token.
func (f *facts) anew() string {
	switch kind, _, _ := f.bound(); {
	case f.legacy():
		return "use tokens that expire (kube.Source): " + f.create() + "; or make another Secret of type kubernetes.io/service-account-token"
	case kind == "Pod":
		return "in the pod, read the token file again (kube.Projected does): the kubelet replaces it in time; elsewhere: " + f.create()
	case f.ofKubernetes():
		return "get a new one: " + f.create() + "; a program: kube.Source with refresh.New, which gets one before that"
	}
	return "get a new one from its issuer: log in again, or refresh it (refresh.New, before that)"
}

// anewBound says what to do when what a token is bound to has gone.
func (f *facts) anewBound(kind string) string {
	switch kind {
	case "Pod":
		return "use a token of a pod that lives, and in that pod alone: each pod has its own in its token file (kube.Projected); for programs elsewhere: " + f.create()
	case "Secret":
		return "whoever deleted it meant to end its tokens: get one that is bound to nothing: " + f.create() + ", or with --bound-object-kind=Secret and --bound-object-name to another"
	}
	return "get one that is bound to nothing: " + f.create() + ", or with --bound-object-kind=Node and --bound-object-name to one that there is"
}

// anewAccount says what to do when the service account has gone.
func (f *facts) anewAccount() string {
	return fmt.Sprintf("make it again, if it is to be there, with its role bindings, and get a new token: the old ones stay void: kubectl -n %s create serviceaccount %s && %s", f.namespace(), f.name(), f.create())
}

// secretName returns the name of the Secret that a legacy token is in.
func (f *facts) secretName() string { return named(f.info.ServiceAccount.Secret.Name, "SECRET") }

// reread says how to get the token that a Secret holds now.
func (f *facts) reread() string {
	return fmt.Sprintf("take the one that is there now (kube.Legacy): kubectl -n %s get secret %s -o jsonpath='{.data.token}' | base64 -d; better, use tokens that expire: %s", f.namespace(), f.secretName(), f.create())
}

// unmark says how to bring a legacy token back.
func (f *facts) unmark() string {
	return fmt.Sprintf("use tokens that expire (kube.Source): %s; what brings this one back for the time being: kubectl -n %s label secret %s %s-", f.create(), f.namespace(), f.secretName(), labelInvalidSince)
}
