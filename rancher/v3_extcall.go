package rancher

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/tokenlife/tokenlife/token"
)

// An extKind is one of the kinds of things in ext.cattle.io.
type extKind struct {
	plural, name string
	since        string // the first version of a server that has it
	feature      string // what else it needs
}

var (
	extTokens      = extKind{"tokens", "token", "v2.12", ", with the feature ext-tokens on"}
	extKubeconfigs = extKind{"kubeconfigs", "kubeconfig", "v2.12", ", with the feature ext-kubeconfigs on"}
	extActivities  = extKind{"useractivities", "session", "v2.11", ""}
)

// path returns where all of a kind are, or the one with a name.
func (k extKind) path(name string) string {
	p := "/ext/apis/ext.cattle.io/v1/" + k.plural
	if name != "" {
		p += "/" + url.PathEscape(name)
	}
	return p
}

// lookup returns the name by which a thing is looked up: that of a token is
// without the "ext/" that its secret begins with.
func (k extKind) lookup(name string) (string, error) {
	name = strings.TrimPrefix(name, "ext/")
	return name, checkName(k.name, name)
}

// extBody returns a thing as it is sent.
func extBody(kind, name string, spec any) string {
	type metadata struct {
		Name string `json:"name,omitempty"`
	}
	b, _ := json.Marshal(struct { // strings, numbers and lists of them can always be
		APIVersion string   `json:"apiVersion"`
		Kind       string   `json:"kind"`
		Metadata   metadata `json:"metadata"`
		Spec       any      `json:"spec"`
	}{"ext.cattle.io/v1", kind, metadata{name}, spec})
	return string(b)
}

// ext makes a call about things of kind k.
func (c *V3) ext(ctx context.Context, k extKind, req call) (*answer, error) {
	a, err := c.call(ctx, token.Token{}, req)
	if err != nil {
		return a, k.explain(a, err)
	}
	return a, nil
}

// explain returns err with the difference made between a thing that is not
// there, and a kind that the server does not have. A is nil if nothing could be
// read.
func (k extKind) explain(a *answer, err error) error {
	e, ok := err.(*Error)
	if !ok || e.Status != http.StatusNotFound {
		return err
	}
	if a != nil && strings.HasSuffix(read(a).message, " not found") {
		return err // the thing is
	}
	e.Err, e.Saw = absentError(k.plural), ""
	e.Remedy = "this needs Rancher " + k.since + " or later" + k.feature
	return e
}

// An absentError says that a server has no things of a kind, such as "tokens".
type absentError string

func (e absentError) Error() string { return "the server has no " + string(e) + ".ext.cattle.io" }
func (e absentError) Unwrap() error { return ErrNotFound }

// deleteExt deletes a thing of kind k. One that is gone already is no error, a
// server that has no such things is.
func (c *V3) deleteExt(ctx context.Context, k extKind, name string) error {
	req := call{op: "delete an ext " + k.name, method: http.MethodDelete}
	name, err := k.lookup(name)
	if err != nil {
		return req.fail(err)
	}
	req.op, req.path = "delete ext "+k.name+" "+name, k.path(name)
	_, err = c.ext(ctx, k, req)
	if _, absent := errors.AsType[absentError](err); errors.Is(err, ErrNotFound) && !absent {
		return nil
	}
	return err
}
