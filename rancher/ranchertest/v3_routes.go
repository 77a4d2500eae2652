package ranchertest

import "strings"

// A v3Route answers the requests that its pattern matches: a method, a path, of
// which {name} is any one part and {name...} the rest, and an action, if it is
// for one.
type v3Route struct {
	pattern string
	has     func(*V3) bool // whether this Rancher has it; nil means that all have
	serve   func(*V3, *v3Call) v3Answer
}

// since is for routes that there are since a version.
func since(major, minor, patch int) func(*V3) bool {
	return func(s *V3) bool { return s.is.since(major, minor, patch) }
}

// hasV3Public reports whether there is /v3-public, which a feature can switch
// off since 2.14.
func hasV3Public(s *V3) bool { return !(s.off["v3-public"] && s.is.since(2, 14, 0)) }

// v3Routes are looked through in this order.
var v3Routes = []v3Route{
	{"GET /", nil, (*V3).serveRoot},
	{"GET /rancherversion", nil, (*V3).serveVersion},
	{"GET /v3", nil, (*V3).serveV3},

	{"POST /v1-public/login", since(2, 13, 0), (*V3).serveLogin},
	{"GET /v1-public/authproviders", since(2, 13, 0), (*V3).listV1Providers},
	{"GET /v3-public", hasV3Public, (*V3).serveV3Public},
	{"GET /v3-public/authProviders", hasV3Public, (*V3).listProviders},
	{"GET /v3-public/authTokens/{id}", hasV3Public, (*V3).getAuthToken},
	{"DELETE /v3-public/authTokens/{id}", hasV3Public, (*V3).deleteAuthToken},
	{"GET /v1-public/authtokens/{id}", since(2, 13, 0), (*V3).getV1AuthToken},
	{"DELETE /v1-public/authtokens/{id}", since(2, 13, 0), (*V3).deleteV1AuthToken},
	{"GET /v3-public/{types}/{name}", hasV3Public, (*V3).getProvider},
	{"POST /v3-public/{types}/{name}?action=login", hasV3Public, (*V3).serveV3Login},

	{"GET /v3/tokens", nil, (*V3).listTokens},
	{"POST /v3/tokens", nil, (*V3).createToken},
	{"POST /v3/tokens?action=logout", nil, (*V3).logout},
	{"POST /v3/tokens?action=logoutAll", nil, (*V3).logout},
	{"POST /v1/logout", since(2, 13, 0), (*V3).logout},
	{"GET /v3/tokens/{name}", nil, (*V3).getToken},
	{"DELETE /v3/tokens/{name}", nil, (*V3).deleteToken},

	{"GET /v3/settings", nil, (*V3).listSettings},
	{"GET /v3/settings/{name}", nil, (*V3).getSetting},
	{"PUT /v3/settings/{name}", nil, (*V3).putSetting},
	{"GET /v1/management.cattle.io.settings/{name}", since(2, 5, 0), (*V3).getSteveSetting},
	{"GET /v3/users", nil, (*V3).listUsers},
	{"GET /v3/users/{id}", nil, (*V3).getUser},

	{"GET /v3/clusters", nil, (*V3).listClusters},
	{"GET /v3/clusters/{id}", nil, (*V3).getCluster},
	{"POST /v3/clusters/{id}?action=generateKubeconfig", nil, (*V3).generateKubeconfig},

	{"GET /apis/ext.cattle.io/v1/tokens", hasExtTokens, (*V3).listExtTokens},
	{"POST /apis/ext.cattle.io/v1/tokens", hasExtTokens, (*V3).createExtToken},
	{"GET /apis/ext.cattle.io/v1/tokens/{name}", hasExtTokens, (*V3).getExtToken},
	{"PUT /apis/ext.cattle.io/v1/tokens/{name}", hasExtTokens, (*V3).updateExtToken},
	{"PATCH /apis/ext.cattle.io/v1/tokens/{name}", hasExtTokens, (*V3).updateExtToken},
	{"DELETE /apis/ext.cattle.io/v1/tokens/{name}", hasExtTokens, (*V3).deleteExtToken},
	{"GET /apis/ext.cattle.io/v1/kubeconfigs", hasExtKubeconfigs, (*V3).listKubeconfigs},
	{"POST /apis/ext.cattle.io/v1/kubeconfigs", hasExtKubeconfigs, (*V3).createKubeconfig},
	{"GET /apis/ext.cattle.io/v1/kubeconfigs/{name}", hasExtKubeconfigs, (*V3).getKubeconfig},
	{"DELETE /apis/ext.cattle.io/v1/kubeconfigs/{name}", hasExtKubeconfigs, (*V3).deleteKubeconfig},
	{"GET /apis/ext.cattle.io/v1/useractivities/{name}", since(2, 11, 0), (*V3).getActivity},
	{"PUT /apis/ext.cattle.io/v1/useractivities/{name}", since(2, 11, 0), (*V3).putActivity},
	{"PATCH /apis/ext.cattle.io/v1/useractivities/{name}", since(2, 11, 0), (*V3).putActivity},
	{"POST /apis/ext.cattle.io/v1/selfusers", since(2, 12, 0), (*V3).createSelfUser},

	{"GET /k8s/clusters/{id}/{path...}", nil, (*V3).serveCluster},
	{"GET /api", nil, (*V3).serveKubernetes},
	{"GET /api/{path...}", nil, (*V3).serveKubernetes},
	{"GET /apis", nil, (*V3).serveKubernetes},
	{"GET /apis/{path...}", nil, (*V3).serveKubernetes},
}

// route returns what answers a request, and whether there is something that
// would if it had another method or action.
func (s *V3) route(c *v3Call) (serve func(*V3, *v3Call) v3Answer, known bool) {
	asked := localPath(c.URL.Path)
	if len(asked) > 1 {
		asked = strings.TrimSuffix(asked, "/")
	}
	for _, r := range v3Routes {
		if r.has != nil && !r.has(s) {
			continue
		}
		method, rest, _ := strings.Cut(r.pattern, " ")
		path, action, _ := strings.Cut(rest, "?action=")
		vars, ok := matchPath(path, asked)
		if !ok {
			continue
		}
		if known = true; method == c.Method && action == c.action() {
			c.vars = vars
			return r.serve, true
		}
	}
	return nil, known
}

// matchPath reports whether a pattern matches a path, and with what in its
// variables.
func matchPath(pattern, path string) (vars map[string]string, ok bool) {
	vars = map[string]string{}
	for {
		want, patternRest, moreWanted := strings.Cut(pattern, "/")
		if name, ok := strings.CutSuffix(want, "...}"); ok {
			vars[name[1:]] = path
			return vars, true
		}
		got, pathRest, more := strings.Cut(path, "/")
		switch {
		case strings.HasPrefix(want, "{") && got != "":
			vars[want[1:len(want)-1]] = got
		case want != got:
			return nil, false
		}
		if !moreWanted || !more {
			return vars, moreWanted == more
		}
		pattern, path = patternRest, pathRest
	}
}
