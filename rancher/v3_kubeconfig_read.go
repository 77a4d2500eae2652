package rancher

import (
	"errors"
	"strconv"
	"strings"

	"github.com/tokenlife/tokenlife/internal/strictjson"
	"github.com/tokenlife/tokenlife/token"
)

// parseKubeconfig reads a Kubeconfig of ext.cattle.io. The text is there only
// when it has just been made. What can be read of one that is not right is
// returned as well, so that it can be deleted.
func parseKubeconfig(a *answer) (k V3Kubeconfig, config token.Secret, err error) {
	hasTTL := false
	r := a.reader()
	for part := range r.Object() {
		if part != "metadata" && part != "spec" && part != "status" || !isObject(&r) {
			continue
		}
		for name := range r.Object() {
			switch part + "." + name {
			case "metadata.name":
				k.Name = text(&r)
			case "metadata.creationTimestamp":
				k.Created = instant(&r)
			case "spec.description":
				k.Description = text(&r)
			case "spec.clusters":
				k.Clusters = texts(&r)
			case "spec.ttl":
				var s int64
				if s, hasTTL = whole(&r); s > 0 {
					k.Lifetime = seconds(s)
				}
			case "status.tokens":
				k.Tokens = texts(&r)
			case "status.value":
				config = token.NewSecret(text(&r))
			}
		}
	}
	switch err = r.End(); {
	case err != nil:
		return V3Kubeconfig{}, token.Secret{}, placed(err)
	case !isName(k.Name):
		err = errors.New("metadata.name: missing, or no name")
	case !hasTTL:
		err = errors.New("spec.ttl: missing, or no number")
	}
	if err != nil {
		return k, token.Secret{}, err
	}
	if k.Lifetime > 0 && !k.Created.IsZero() {
		k.ExpiresAt = k.Created.Add(k.Lifetime)
	}
	return k, config, nil
}

// parseMaxTTL reads what a server says of a lifetime that is too long: "spec.ttl
// N exceeds max ttl M", in seconds.
func parseMaxTTL(message string) (most int64, ok bool) {
	_, rest, ok := strings.Cut(message, " exceeds max ttl ")
	if !ok || !strings.Contains(message, "spec.ttl ") {
		return 0, false
	}
	most, err := strconv.ParseInt(rest, 10, 64)
	if err != nil || most < 0 {
		return 0, false
	}
	return most, true
}

// parseGenerated reads the answer to the action generateKubeconfig.
func parseGenerated(a *answer) (token.Secret, error) {
	var config string
	r := a.reader()
	for name := range r.Object() {
		if name == "config" {
			config = text(&r)
		}
	}
	if err := r.End(); err != nil {
		return token.Secret{}, strictjson.Placed(err, "config")
	}
	if config == "" {
		return token.Secret{}, errors.New("config: missing")
	}
	return token.NewSecret(config), nil
}
