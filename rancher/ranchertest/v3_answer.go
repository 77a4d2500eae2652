package ranchertest

import (
	"encoding/json"
	"net/http"
)

// A v3Answer is what a route answers.
type v3Answer struct {
	status int
	header http.Header
	body   string
}

// Object is a JSON object; its members are written in the order of their names,
// as those of norman and of Kubernetes' unstructured objects are.
type object = map[string]any

// inJSON answers with v.
func inJSON(status int, v any) v3Answer {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // v is ours
	}
	return v3Answer{status, http.Header{"Content-Type": {"application/json"}}, string(text) + "\n"}
}

// nothing answers with an empty body.
func nothing(status int) v3Answer { return v3Answer{status: status} }

// inText answers as [http.Error] does.
func inText(status int, text string) v3Answer {
	return v3Answer{status, http.Header{"Content-Type": {"text/plain; charset=utf-8"}, "X-Content-Type-Options": {"nosniff"}}, text + "\n"}
}

// inHTML answers with a page.
func inHTML(text string) v3Answer {
	return v3Answer{http.StatusOK, http.Header{"Content-Type": {"text/html; charset=utf-8"}}, text}
}

// normanError is an error of norman's or of Rancher's own.
func normanError(status int, code, message string) v3Answer {
	e := object{"baseType": "error", "code": code, "status": status, "type": "error"}
	if message != "" {
		e["message"] = message
	}
	return inJSON(status, e)
}

// kubeError is an error of Kubernetes': a Status. Details may be nil.
func kubeError(status int, reason, message string, details object) v3Answer {
	if details == nil {
		details = object{}
	}
	return inJSON(status, struct {
		Kind       string `json:"kind"`
		APIVersion string `json:"apiVersion"`
		Metadata   object `json:"metadata"`
		Status     string `json:"status"`
		Message    string `json:"message"`
		Reason     string `json:"reason,omitempty"`
		Details    object `json:"details"`
		Code       int    `json:"code"`
	}{"Status", "v1", object{}, "Failure", message, reason, details, status})
}

// collection is norman's list of resources.
func (s *V3) collection(kind, path string, data []object, actions ...string) v3Answer {
	links := object{}
	for _, action := range actions {
		links[action] = s.URL + path + "?action=" + action
	}
	if data == nil {
		data = []object{}
	}
	return inJSON(http.StatusOK, struct {
		Type         string   `json:"type"`
		Links        object   `json:"links"`
		CreateTypes  object   `json:"createTypes"`
		Actions      object   `json:"actions"`
		Pagination   object   `json:"pagination"`
		ResourceType string   `json:"resourceType"`
		Data         []object `json:"data"`
	}{"collection", object{"self": s.URL + path}, object{kind: s.URL + path}, links, object{"limit": 1000}, kind, data})
}
