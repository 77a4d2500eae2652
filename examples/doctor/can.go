package main

import (
	"errors"
	"strings"

	"github.com/tokenlife/tokenlife/kube"
)

// parseCan reads what kubectl auth can-i takes: VERB RESOURCE[.GROUP][/NAME], with
// -n NAMESPACE and --subresource NAME, or VERB /PATH.
func parseCan(text string) (*kube.Access, error) {
	var a kube.Access
	var words []string
	fields := strings.Fields(text)
	for i := 0; i < len(fields); i++ {
		var to *string
		name, value, joined := strings.Cut(fields[i], "=")
		switch name {
		case "-n", "--namespace":
			to = &a.Namespace
		case "--subresource":
			to = &a.Subresource
		default:
			if strings.HasPrefix(name, "-") {
				return nil, errors.New("of flags it takes -n and --subresource")
			}
			words = append(words, fields[i])
			continue
		}
		if !joined {
			if i++; i < len(fields) {
				value = fields[i]
			}
		}
		if value == "" {
			return nil, errors.New(name + " lacks its value")
		}
		*to = value
	}
	if len(words) != 2 {
		return nil, errors.New(`it is a verb and a resource, such as "list pods -n ci", or a verb and a path, such as "get /metrics"`)
	}
	a.Verb = strings.ToLower(words[0])
	if strings.HasPrefix(words[1], "/") {
		if a.Namespace+a.Subresource != "" {
			return nil, errors.New("a path has neither namespace nor subresource")
		}
		a.Path = words[1]
		return &a, nil
	}
	resource, name, named := strings.Cut(words[1], "/")
	a.Name = name
	a.Resource, a.Group, _ = strings.Cut(resource, ".")
	if a.Resource == "" || named && name == "" || strings.Contains(name, "/") {
		return nil, errors.New("a resource is RESOURCE, RESOURCE.GROUP or RESOURCE/NAME; what follows a name is --subresource")
	}
	return &a, nil
}
