package ranchertest

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// A v3Kubeconfig is a Kubeconfig of ext.cattle.io as the server keeps it, which
// is without its text.
type v3Kubeconfig struct {
	name, uid, userID, description, current string
	clusters                                []string
	ttl                                     time.Duration
	created                                 time.Time
	tokens                                  []string
}

func (s *V3) createKubeconfig(c *v3Call) v3Answer {
	var asked struct {
		Spec struct {
			Clusters       []string `json:"clusters"`
			CurrentContext string   `json:"currentContext"`
			Description    string   `json:"description"`
			TTL            int64    `json:"ttl"` // seconds, other than that of a token
		} `json:"spec"`
	}
	if a, refused := decodeExt(c, "Kubeconfig", &asked); refused {
		return a
	}
	spec := asked.Spec
	most, err := s.kubeconfigTTL()
	if err != nil {
		return kubeError(http.StatusInternalServerError, "InternalError", "Internal error occurred: error getting default token TTL: "+err.Error(), nil)
	}
	ttl := time.Duration(spec.TTL) * time.Second
	clusters := spec.Clusters
	if len(clusters) > 0 && clusters[0] == "*" {
		clusters = slices.Clone(s.clusters)
	}
	switch {
	case len(slices.Compact(slices.Sorted(slices.Values(spec.Clusters)))) != len(spec.Clusters):
		return extBadRequest("spec.clusters must be unique")
	case ttl < 0:
		return extBadRequest("spec.ttl can't be negative")
	case ttl == 0:
		ttl = most
	case ttl > most:
		return extBadRequest(fmt.Sprintf("spec.ttl %d exceeds max ttl %d", spec.TTL, most/time.Second))
	}
	for _, id := range clusters {
		if !s.hasCluster(id) {
			return extBadRequest("cluster " + id + " not found")
		}
	}
	if spec.CurrentContext != "" && !slices.Contains(clusters, spec.CurrentContext) {
		return extBadRequest("invalid currentContext " + spec.CurrentContext)
	}
	k := &v3Kubeconfig{
		name: "kubeconfig-" + randomName(), uid: randomUUID(), userID: c.user.id,
		description: spec.Description, current: spec.CurrentContext, clusters: spec.Clusters,
		ttl: ttl, created: s.now().UTC().Truncate(time.Second),
	}
	secret := ""
	if s.generatesTokens() {
		t := s.addToken(c.user, V3Token{
			Name: "kubeconfig-" + c.user.id + randomName(), Description: "Kubeconfig token", TTL: ttl, Derived: true, Kubeconfig: true,
		})
		t.provider, t.principal = c.token.provider, c.token.principal
		k.tokens, secret = []string{t.Name}, t.Name+":"+t.Secret
	}
	s.kubeconfigs = append(s.kubeconfigs, k)
	made := k.resource()
	current := "rancher"
	if spec.CurrentContext != "" {
		current = spec.CurrentContext
	}
	made["status"].(object)["value"] = s.kubeconfig(c.user, secret, current, clusters...)
	return inJSON(http.StatusCreated, made)
}

// generatesTokens reports whether a kubeconfig has a token in it, rather than a
// command that gets one.
func (s *V3) generatesTokens() bool {
	_, value, _, ok := s.setting("kubeconfig-generate-token")
	return !ok || strings.EqualFold(value, "true")
}

func (s *V3) listKubeconfigs(c *v3Call) v3Answer {
	items := []object{}
	for _, k := range s.kubeconfigs {
		if s.mayHave(c.user, k.userID) {
			items = append(items, k.resource())
		}
	}
	return inJSON(http.StatusOK, object{"kind": "KubeconfigList", "apiVersion": "ext.cattle.io/v1", "metadata": object{"resourceVersion": "1"}, "items": items})
}

func (s *V3) kubeconfigOf(c *v3Call) *v3Kubeconfig {
	for _, k := range s.kubeconfigs {
		if k.name == c.vars["name"] && s.mayHave(c.user, k.userID) {
			return k
		}
	}
	return nil
}

func (s *V3) getKubeconfig(c *v3Call) v3Answer {
	k := s.kubeconfigOf(c)
	if k == nil {
		return extNotFound("kubeconfigs", c.vars["name"])
	}
	return inJSON(http.StatusOK, k.resource())
}

// deleteKubeconfig deletes a kubeconfig and its tokens.
func (s *V3) deleteKubeconfig(c *v3Call) v3Answer {
	k := s.kubeconfigOf(c)
	if k == nil {
		return extNotFound("kubeconfigs", c.vars["name"])
	}
	s.kubeconfigs = slices.DeleteFunc(s.kubeconfigs, func(other *v3Kubeconfig) bool { return other == k })
	s.tokens = slices.DeleteFunc(s.tokens, func(t *v3Token) bool { return slices.Contains(k.tokens, t.Name) })
	return extDeleted("kubeconfigs", k.name, k.uid)
}

func (k *v3Kubeconfig) resource() object {
	tokens := k.tokens
	if tokens == nil {
		tokens = []string{}
	}
	return object{
		"kind": "Kubeconfig", "apiVersion": "ext.cattle.io/v1",
		"metadata": extMeta(k.name, k.uid, k.userID, k.created),
		"spec": object{
			"clusters": k.clusters, "currentContext": k.current, "description": k.description, "ttl": int64(k.ttl / time.Second),
		},
		"status": object{"summary": "Complete", "tokens": tokens},
	}
}

// generateKubeconfig answers the action of a cluster of that name: each call
// makes a token, which nothing but its name tells from those before it.
func (s *V3) generateKubeconfig(c *v3Call) v3Answer {
	id := c.vars["id"]
	if !s.hasCluster(id) {
		return noCluster(id)
	}
	secret := ""
	if s.generatesTokens() {
		t, err := s.addKubeconfigToken(c.user, "", "Kubeconfig token")
		if err != nil {
			return normanError(http.StatusInternalServerError, "ServerError", "failed to get default token TTL: "+err.Error())
		}
		t.provider, t.principal = c.token.provider, c.token.principal
		secret = t.Name + ":" + t.Secret
	}
	return inJSON(http.StatusOK, object{
		"baseType": "generateKubeconfigOutput", "type": "generateKubeconfigOutput",
		"config": s.kubeconfig(c.user, secret, id, id),
	})
}

// kubeconfig writes a kubeconfig for Rancher and clusters. Without a secret it
// has kubectl run a command that logs in.
func (s *V3) kubeconfig(u *v3User, secret, current string, clusters ...string) string {
	var b strings.Builder
	b.WriteString("apiVersion: v1\nkind: Config\nclusters:\n")
	names := append([]string{"rancher"}, clusters...)
	if len(clusters) == 1 && clusters[0] == current {
		names = clusters
	}
	for _, name := range names {
		server := s.URL
		if name != "rancher" {
			server += "/k8s/clusters/" + name
		}
		fmt.Fprintf(&b, "- name: %q\n  cluster:\n    server: %q\n", name, server)
	}
	b.WriteString("\nusers:\n")
	for _, name := range names {
		fmt.Fprintf(&b, "- name: %q\n  user:\n", name)
		if secret != "" {
			fmt.Fprintf(&b, "    token: %q\n", secret)
			continue
		}
		fmt.Fprintf(&b, "    exec:\n      apiVersion: client.authentication.k8s.io/v1beta1\n      command: rancher\n      args:\n"+
			"      - token\n      - --server=%s\n      - --user=%s\n", strings.TrimPrefix(s.URL, "https://"), u.username)
		if name != "rancher" {
			fmt.Fprintf(&b, "      - --cluster=%s\n", name)
		}
	}
	b.WriteString("\ncontexts:\n")
	for _, name := range names {
		fmt.Fprintf(&b, "- name: %q\n  context:\n    user: %q\n    cluster: %q\n", name, name, name)
	}
	fmt.Fprintf(&b, "\ncurrent-context: %q\n", current)
	return b.String()
}
