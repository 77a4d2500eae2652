package ranchertest

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// AddCluster adds a cluster besides the local one, by its id: "c-m-abcdefgh".
// Every user may see it; what is in it only the administrator.
func (s *V3) AddCluster(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clusters = append(s.clusters, id)
}

func (s *V3) hasCluster(id string) bool { return slices.Contains(s.clusters, id) }

func noCluster(id string) v3Answer {
	return normanError(http.StatusNotFound, "NotFound", fmt.Sprintf("clusters.management.cattle.io %q not found", id))
}

func (s *V3) listClusters(c *v3Call) v3Answer {
	var data []object
	for _, id := range s.clusters {
		data = append(data, s.clusterResource(id))
	}
	return s.collection("cluster", "/v3/clusters", data)
}

func (s *V3) getCluster(c *v3Call) v3Answer {
	if !s.hasCluster(c.vars["id"]) {
		return noCluster(c.vars["id"])
	}
	return inJSON(http.StatusOK, s.clusterResource(c.vars["id"]))
}

func (s *V3) clusterResource(id string) object {
	self := s.URL + "/v3/clusters/" + id
	return object{
		"id": id, "name": id, "type": "cluster", "baseType": "cluster", "state": "active", "transitioning": "no", "transitioningMessage": "",
		"created": "2026-01-01T00:00:00Z", "createdTS": 1767225600000, "creatorId": nil, "uuid": id,
		"links": object{"self": self}, "actions": object{"generateKubeconfig": self + "?action=generateKubeconfig"},
	}
}

// serveCluster answers below /k8s/clusters/{id}, where the API server of a
// cluster is, and serveKubernetes below /api and /apis, where that of the local
// one is: an administrator sees that there is nothing, and others may not look.
func (s *V3) serveCluster(c *v3Call) v3Answer {
	if !s.hasCluster(c.vars["id"]) {
		return noCluster(c.vars["id"])
	}
	return s.kubernetes(c, "/"+c.vars["path"])
}

func (s *V3) serveKubernetes(c *v3Call) v3Answer { return s.kubernetes(c, localPath(c.URL.Path)) }

func (s *V3) kubernetes(c *v3Call, path string) v3Answer {
	switch {
	case path == "/version":
		return inJSON(http.StatusOK, object{"major": "1", "minor": "34", "gitVersion": "v1.34.1"})
	case path == "/api":
		return inJSON(http.StatusOK, object{"kind": "APIVersions", "versions": []string{"v1"}})
	case path == "/apis":
		return inJSON(http.StatusOK, object{"kind": "APIGroupList", "apiVersion": "v1", "groups": []object{}})
	case strings.HasPrefix(path, "/apis/ext.cattle.io/"):
		return kubeError(http.StatusNotFound, "NotFound", "the server could not find the requested resource", nil)
	case !s.isAdmin(c.user):
		return kubeError(http.StatusForbidden, "Forbidden", kubeForbidden(c.user.id, c.Method, path), nil)
	}
	return inJSON(http.StatusOK, object{"kind": "List", "apiVersion": "v1", "metadata": object{"resourceVersion": "1"}, "items": []object{}})
}

// kubeForbidden is what Kubernetes says to a user who may not do something.
func kubeForbidden(user, method, path string) string {
	verb := map[string]string{"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}[method]
	if verb == "" {
		verb = "get"
	}
	path = strings.TrimPrefix(strings.TrimPrefix(path, "/k8s/clusters/local"), "/ext")
	part := strings.Split(strings.Trim(path, "/"), "/")
	group, rest := "", part
	switch {
	case len(part) > 3 && part[0] == "apis":
		group, rest = part[1], part[3:]
	case len(part) > 2 && part[0] == "api":
		rest = part[2:]
	default:
		return fmt.Sprintf("forbidden: User %q cannot %s path %q", user, verb, path)
	}
	resource, named := rest[0], ""
	if group != "" {
		resource += "." + group
	}
	if len(rest) > 1 {
		named = fmt.Sprintf(" %q", rest[1])
	} else if verb == "get" {
		verb = "list"
	}
	return fmt.Sprintf("%s%s is forbidden: User %q cannot %s resource %q in API group %q at the cluster scope",
		resource, named, user, verb, rest[0], group)
}
