package ranchertest

import (
	"fmt"
	"net/http"
)

// v3Page is the start of the UI.
const v3Page = "<!DOCTYPE html>\n<html><head><title>Rancher</title></head><body><div id=\"app\"></div></body></html>\n"

// serveVersion answers GET /rancherversion: JSON that is not said to be JSON.
func (s *V3) serveVersion(*v3Call) v3Answer {
	return v3Answer{http.StatusOK, http.Header{"Content-Type": {"text/plain; charset=utf-8"}},
		fmt.Sprintf(`{"Version":%q,"GitCommit":"0123456","RancherPrime":"%t"}`, s.version, s.Prime)}
}

// serveRoot answers GET /: the UI for a browser, and the list of APIs for others.
func (s *V3) serveRoot(c *v3Call) v3Answer {
	if c.isBrowser(true) {
		if s.is.since(2, 6, 0) {
			return v3Answer{http.StatusFound, http.Header{"Location": {"/dashboard/"}}, ""}
		}
		return inHTML(v3Page)
	}
	return inJSON(http.StatusOK, object{
		"type": "collection", "resourceType": "apiRoot", "links": object{"self": s.URL + "/"}, "actions": object{},
		"data": []object{s.apiRoot("/v3", "management.cattle.io")},
	})
}

func (s *V3) serveV3(*v3Call) v3Answer {
	return inJSON(http.StatusOK, s.apiRoot("/v3", "management.cattle.io", "clusters", "settings", "tokens", "users"))
}

func (s *V3) serveV3Public(*v3Call) v3Answer {
	return inJSON(http.StatusOK, s.apiRoot("/v3-public", "management.cattle.io", "authProviders"))
}

// apiRoot is the document at the root of one of norman's APIs.
func (s *V3) apiRoot(path, group string, plurals ...string) object {
	links := object{"root": s.URL + "/", "self": s.URL + path, "subscribe": s.URL + path + "/subscribe"}
	for _, plural := range plurals {
		links[plural] = s.URL + path + "/" + plural
	}
	return object{
		"type": "apiRoot", "baseType": "apiRoot", "actions": object{}, "links": links,
		"apiVersion": object{"group": group, "path": path, "version": "v3"},
	}
}

// noRoute answers what nothing else does. Known says that another method or
// action would have been taken.
func (s *V3) noRoute(c *v3Call, known bool) v3Answer {
	switch {
	case c.below("/api", "/apis", "/ext", "/k8s/clusters"):
		return kubeError(http.StatusNotFound, "NotFound", "the server could not find the requested resource", nil)
	case c.below("/v3"), c.below("/v3-public") && hasV3Public(s), c.below("/v1") && s.is.since(2, 5, 0):
		switch {
		case !known:
			return normanError(http.StatusNotFound, "NotFound", "")
		case c.action() != "":
			return normanError(http.StatusUnprocessableEntity, "InvalidAction", "Invalid action: "+c.action())
		}
		return normanError(http.StatusMethodNotAllowed, "MethodNotAllow", "Method "+c.Method+" not supported")
	case known && c.below("/v1-public"):
		return nothing(http.StatusMethodNotAllowed)
	case c.isBrowser(true) || !s.is.since(2, 6, 0):
		return inHTML(v3Page)
	}
	return inText(http.StatusNotFound, "404 page not found")
}
