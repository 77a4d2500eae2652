package ranchertest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// hasExtTokens reports whether there are tokens of ext.cattle.io, which a feature
// can switch off in 2.12 only, as it can kubeconfigs.
func hasExtTokens(s *V3) bool { return s.hasExt("ext-tokens") }

func hasExtKubeconfigs(s *V3) bool { return s.hasExt("ext-kubeconfigs") }

func (s *V3) hasExt(feature string) bool {
	return s.is.since(2, 12, 0) && !(s.off[feature] && !s.is.since(2, 13, 0))
}

// localPath returns a path of the local cluster, at which ext.cattle.io is, by
// whichever of the ways there are to it.
func localPath(path string) string {
	for _, prefix := range []string{"/ext", "/k8s/clusters/local"} {
		if rest, ok := strings.CutPrefix(path, prefix); ok && strings.HasPrefix(rest, "/apis/ext.cattle.io/") {
			return rest
		}
	}
	return path
}

// extMeta is the metadata of a thing of ext.cattle.io.
func extMeta(name, uid, userID string, created time.Time) object {
	return object{
		"name": name, "uid": uid, "creationTimestamp": moment(created), "resourceVersion": "1",
		"labels": object{"cattle.io/user-id": userID},
	}
}

// extError is an error of ext.cattle.io's about one thing; name may be empty.
func extError(status int, plural, name, reason, message string) v3Answer {
	details := object{"group": "ext.cattle.io", "kind": plural}
	if name != "" {
		details["name"] = name
	}
	return kubeError(status, reason, message, details)
}

func extNotFound(plural, name string) v3Answer {
	return extError(http.StatusNotFound, plural, name, "NotFound", fmt.Sprintf("%s.ext.cattle.io %q not found", plural, name))
}

func extForbidden(plural, name, why string) v3Answer {
	return extError(http.StatusForbidden, plural, name, "Forbidden", fmt.Sprintf("%s.ext.cattle.io %q is forbidden: %s", plural, name, why))
}

func extBadRequest(message string) v3Answer {
	return kubeError(http.StatusBadRequest, "BadRequest", message, nil)
}

// extDeleted is the answer to a deletion.
func extDeleted(plural, name, uid string) v3Answer {
	return inJSON(http.StatusOK, object{
		"kind": "Status", "apiVersion": "v1", "metadata": object{}, "status": "Success",
		"details": object{"name": name, "group": "ext.cattle.io", "kind": plural, "uid": uid},
	})
}

// decodeExt reads what was sent into asked, whose Kind must be kind. A patch
// may leave that out.
func decodeExt(c *v3Call, kind string, asked any) (a v3Answer, refused bool) {
	if c.bodyErr != nil {
		return kubeError(http.StatusRequestEntityTooLarge, "RequestEntityTooLarge", "Request entity too large: limit is 3145728", nil), true
	}
	var is struct{ Kind, APIVersion string }
	if json.Unmarshal(c.body, &is) != nil || json.Unmarshal(c.body, asked) != nil {
		return extBadRequest(`the object provided is unrecognized (must be of type ` + kind + `): couldn't get version/kind; json parse error`), true
	}
	if c.Method != http.MethodPatch && (is.Kind != kind || is.APIVersion != "ext.cattle.io/v1") {
		return extBadRequest(fmt.Sprintf("the API version in the data (%s) and kind (%s) do not match the expected ext.cattle.io/v1 and %s", is.APIVersion, is.Kind, kind)), true
	}
	return v3Answer{}, false
}
