package rancher

import (
	"net/url"
	"path"
	"strings"
)

// placeOf returns the path below a server's URL that a token was refused for,
// and the cluster which that belongs to; empty if it is not known, is another
// server's, or leads through Rancher to something that may act on a GET.
func placeOf(where, server string) (place, cluster string) {
	base, err := url.Parse(server)
	u, err2 := url.Parse(where)
	if where == "" || err != nil || err2 != nil || u.Opaque != "" || u.User != nil {
		return "", ""
	}
	p := u.EscapedPath()
	if u.Host != "" {
		if u.Scheme != base.Scheme || u.Host != base.Host {
			return "", ""
		}
		var ok bool
		if p, ok = strings.CutPrefix(p, strings.TrimRight(base.EscapedPath(), "/")); !ok {
			return "", ""
		}
	}
	plain, err := url.PathUnescape(p)
	if err != nil || !strings.HasPrefix(p, "/") || path.Clean(plain) != strings.TrimRight(plain, "/") {
		return "", ""
	}
	words := strings.Split(strings.Trim(plain, "/"), "/")
	for _, w := range words {
		switch w {
		case "proxy", "exec", "attach", "portforward", "log", "watch":
			return "", ""
		}
	}
	switch {
	case len(words) >= 3 && words[0] == "k8s" && words[1] == "clusters",
		len(words) >= 3 && words[0] == "v3" && (words[1] == "clusters" || words[1] == "cluster"):
		cluster = words[2]
	}
	switch words[0] {
	case "v1", "v3", "k8s", "api", "apis", "ext", "v2-beta", "v3-public", "v1-public":
		// A list can be long, and one of its elements says as much.
		return p + "?limit=1", cluster
	}
	return "", ""
}

func serverURL(s *Server) string {
	if s == nil {
		return ""
	}
	return s.URL
}
