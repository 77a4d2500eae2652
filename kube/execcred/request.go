package execcred

import (
	"encoding/json"
	"fmt"
	"os"
)

// The versions of the protocol, as a kubeconfig names them in
// users[].user.exec.apiVersion.
const (
	V1      = "client.authentication.k8s.io/v1"
	V1Beta1 = "client.authentication.k8s.io/v1beta1"
)

const (
	v1Alpha1 = "client.authentication.k8s.io/v1alpha1" // gone since 1.24
	kind     = "ExecCredential"

	// variable is where a client leaves its request.
	variable = "KUBERNETES_EXEC_INFO"
)

// A Request is what a client asks of a plugin, in the environment variable
// KUBERNETES_EXEC_INFO.
type Request struct {
	// APIVersion is V1 or V1Beta1, and that of the answer. Empty means V1.
	APIVersion string

	// Interactive reports whether standard input is the user's, so that the plugin may
	// ask something. What it asks goes to standard error.
	Interactive bool

	// Cluster is whom the credential is for; nil unless the kubeconfig has
	// provideClusterInfo set.
	Cluster *Cluster
}

// A Cluster is what a client tells a plugin of the cluster that it calls. As JSON it
// is the spec.cluster of an ExecCredential. It prints as its Server alone,
// without a password in that: ProxyURL and Config may have secrets in them as well.
type Cluster struct {
	Server                   string          `json:"server"`
	TLSServerName            string          `json:"tls-server-name,omitempty"`
	InsecureSkipTLSVerify    bool            `json:"insecure-skip-tls-verify,omitempty"`
	CertificateAuthorityData []byte          `json:"certificate-authority-data,omitempty"` // PEM
	ProxyURL                 string          `json:"proxy-url,omitempty"`
	DisableCompression       bool            `json:"disable-compression,omitempty"`
	Config                   json.RawMessage `json:"config,omitempty"` // of the cluster's extension client.authentication.k8s.io/exec
}

// ReadRequest reads the request that the client which started this process left in its
// environment. Without one, as when a person starts a plugin by hand, it is for
// V1Beta1, the version of clients that leave none.
//
// An error names the variable and the field that is wrong, and nothing of what the
// variable holds.
func ReadRequest() (Request, error) {
	text := os.Getenv(variable)
	if text == "" {
		return Request{APIVersion: V1Beta1}, nil
	}
	r, err := parseRequest([]byte(text))
	if err != nil {
		return Request{}, fmt.Errorf("execcred: environment variable %s: %w; it is set by the client that starts a plugin, such as kubectl: leave it alone, or renew the client", variable, err)
	}
	return r, nil
}

// parseRequest reads an ExecCredential that has a spec.
func parseRequest(text []byte) (Request, error) {
	o := parse(text)
	r := Request{APIVersion: o.text("apiVersion")}
	if o.text("kind") != kind {
		o.fail("kind", "not "+kind)
	}
	checkVersion(o, r.APIVersion)
	if spec, ok := o.object("spec"); ok {
		r.Interactive = spec.truth("interactive")
		if cluster, ok := spec.object("cluster"); ok {
			r.Cluster = readCluster(cluster)
		}
	}
	if *o.fault != nil {
		return Request{}, *o.fault
	}
	return r, nil
}

// checkVersion fails if version, that of o, is none that there is.
func checkVersion(o object, version string) {
	switch version {
	case V1, V1Beta1:
	case v1Alpha1:
		o.fail("apiVersion", v1Alpha1+", which Kubernetes 1.24 dropped: write "+V1+" into users[].user.exec.apiVersion of the kubeconfig")
	default:
		o.fail("apiVersion", "neither "+V1+" nor "+V1Beta1)
	}
}

func readCluster(o object) *Cluster {
	c := &Cluster{
		Server:                o.text("server"),
		TLSServerName:         o.text("tls-server-name"),
		InsecureSkipTLSVerify: o.truth("insecure-skip-tls-verify"),
		ProxyURL:              o.text("proxy-url"),
		DisableCompression:    o.truth("disable-compression"),
	}
	o.read("certificate-authority-data", &c.CertificateAuthorityData, "not base64")
	if raw := o.members["config"]; string(raw) != "null" {
		c.Config = raw
	}
	return c
}
