package kubeconfig

import (
	"fmt"

	"go.yaml.in/yaml/v3"
)

// A contextEntry joins a cluster and a user.
type contextEntry struct {
	name, cluster, user string
}

// A clusterEntry is a cluster, as far as a plugin may be told of it.
type clusterEntry struct {
	name, server       string
	caFile             string
	caData             []byte
	serverName, proxy  string
	insecure           bool
	disableCompression bool
	config             *yaml.Node // of the extension for plugins; nil if there is none
}

// pluginExtension is the extension of a cluster that plugins are given.
const pluginExtension = "client.authentication.k8s.io/exec"

// parseFile parses a kubeconfig file.
func parseFile(path string, text []byte) (*file, error) {
	f := &file{path: path, text: text}
	doc, err := parse(text)
	if err != nil {
		return nil, fmt.Errorf("kubeconfig: %s: %w", path, err)
	}
	if doc == nil { // as kubectl has it: nothing is defined
		return f, nil
	}
	r := &reader{path: path}
	f.doc = doc
	if f.read(value{r: r}.as("", doc.Content[0]).mapping()); r.err != nil {
		return nil, r.err
	}
	return f, nil
}

func (f *file) read(m mapping) {
	if kind := m.get("kind"); kind.text() != "Config" && kind.text() != "" {
		kind.fault("not Config: is this a kubeconfig?")
	}
	if version := m.get("apiVersion"); version.text() != "v1" && version.text() != "" {
		version.fault("not v1, the only version of kubeconfigs")
	}
	f.current = m.get("current-context").text()
	each(m.get("contexts"), func(name string, v mapping) {
		c := v.get("context").mapping()
		c.get("namespace").text() // unused, but kubectl takes no file in which it is a number
		f.contexts = append(f.contexts, contextEntry{name: name, cluster: c.get("cluster").text(), user: c.get("user").text()})
	})
	each(m.get("clusters"), func(name string, v mapping) {
		f.clusters = append(f.clusters, f.readCluster(name, v.get("cluster").mapping()))
	})
	each(m.get("users"), func(name string, v mapping) {
		f.users = append(f.users, f.readUser(name, v.get("user").mapping()))
	})
}

// each calls do for the elements of a list, which have names of their own.
func each(list value, do func(name string, v mapping)) {
	lines := map[string]int{}
	for _, v := range list.list() {
		if list.r.err != nil {
			return
		}
		m := v.mapping()
		id := m.get("name")
		name := id.text()
		switch {
		case name == "":
			id.fault("missing")
		case lines[name] != 0:
			id.fault("a name that is there already, on line %d; rename or remove one of them", lines[name])
		}
		lines[name] = id.line
		do(name, m)
	}
}

func (f *file) readCluster(name string, m mapping) clusterEntry {
	c := clusterEntry{
		name:               name,
		server:             m.get("server").text(),
		caFile:             f.resolve(m.get("certificate-authority").text()),
		caData:             m.get("certificate-authority-data").bytes(),
		serverName:         m.get("tls-server-name").text(),
		proxy:              m.get("proxy-url").text(),
		insecure:           m.get("insecure-skip-tls-verify").truth(),
		disableCompression: m.get("disable-compression").truth(),
	}
	for _, e := range m.get("extensions").list() {
		if ext := e.mapping(); ext.get("name").text() == pluginExtension {
			c.config = ext.get("extension").node
		}
	}
	return c
}
