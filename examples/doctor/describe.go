package main

import (
	"time"

	"github.com/tokenlife/tokenlife/kube/kubeconfig"
	"github.com/tokenlife/tokenlife/token"
)

// describe says what a token says; nil if it says nothing that can be read.
func describe(s token.Secret) *described {
	info, err := token.Inspect(s)
	if err != nil {
		return nil
	}
	d := &described{
		Format: info.Format.String(), Kind: info.Kind.String(),
		Algorithm: info.Algorithm, KeyID: info.KeyID, Name: info.Name,
		Issuer: info.Claims.Issuer, Subject: info.Claims.Subject, Audience: append([]string(nil), info.Claims.Audience...), ID: info.Claims.ID,
		IssuedAt: info.IssuedAt, NotBefore: info.Claims.NotBefore, WarnAfter: info.ServiceAccount.WarnAfter, Expiry: info.Expiry,
		BoundTo: boundTo(info),
	}
	if !info.Claims.Expiry.IsZero() {
		d.Expiry = info.Claims.Expiry // of a service account's, Info has the earlier of this and WarnAfter
	}
	if d.Expiry.IsZero() {
		d.Endless = endless[info.Kind]
	}
	return d
}

// endless says why a token does not say when it ends.
var endless = map[token.Kind]string{
	token.KindUnknown:              "it does not say how long it lives",
	token.KindServiceAccount:       "it does not say when it ends",
	token.KindLegacyServiceAccount: "it has no end: it is good as long as its Secret holds it",
	token.KindDashboard:            "it has no end: the Dashboard that made it was started with --token-ttl=0",
	token.KindRancher16:            "it does not say how long it lives, and Rancher 1.6 tells nobody: 16 hours from the login, unless its operators have changed that",
	token.KindRancher:              "it does not say how long it lives, but Rancher knows: say -rancher",
	token.KindRancherExt:           "it does not say how long it lives, but Rancher knows: say -rancher",
}

// boundTo lists what a token of a service account dies with.
func boundTo(info token.Info) (all []bound) {
	sa := info.ServiceAccount
	if sa.Name == "" {
		return nil
	}
	all = []bound{{"ServiceAccount", sa.Namespace, sa.Name, sa.UID}}
	for _, o := range []struct {
		kind, namespace string
		token.Object
	}{{"Pod", sa.Namespace, sa.Pod}, {"Secret", sa.Namespace, sa.Secret}, {"Node", "", sa.Node}} {
		// One of a pod names its node too, and does not die with that.
		if o.Name != "" && (o.kind != "Node" || sa.Pod.Name == "") {
			all = append(all, bound{o.kind, o.namespace, o.Name, o.UID})
		}
	}
	return all
}

// accountOf says who a user of a kubeconfig is.
func accountOf(u kubeconfig.User) *account {
	a := &account{
		Name: u.Name, File: u.File, Contexts: append([]string(nil), u.Contexts...), Current: u.Current, Kind: u.Kind.String(),
		As: u.As, TokenFile: u.TokenFile, Issuer: u.Issuer, ClientID: u.ClientID, Refreshable: u.Refreshable, Expiry: u.Expiry, Outlook: u.Outlook(),
	}
	if u.Exec != nil {
		a.Command = u.Exec.Command
	}
	return a
}

// seconds returns d in whole seconds.
func seconds(d time.Duration) *int64 { return new(int64(d.Round(time.Second) / time.Second)) }
