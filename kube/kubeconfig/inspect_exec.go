package kubeconfig

import (
	"errors"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/tokenlife/tokenlife/kube/execcred"
)

// exec looks at the plugin, and does not run it.
func (l *look) exec() {
	e := l.entry.exec
	p := &execcred.Plugin{Command: e.command, Args: e.args, Env: e.env, InstallHint: e.hint}
	p.Request.APIVersion = e.apiVersion
	if cluster := l.cluster(); e.provideCluster && cluster != nil {
		p.Request.Cluster = l.tell(cluster)
	}
	l.Exec = p

	switch e.apiVersion {
	case execcred.V1, execcred.V1Beta1:
	case "":
		l.fatal("exec.apiVersion is missing: set it to %s, or to what the plugin's documentation says", execcred.V1)
	case "client.authentication.k8s.io/v1alpha1":
		l.fatal("exec.apiVersion is v1alpha1, which kubectl does not know since 1.24: update the plugin, and set it to %s", execcred.V1)
	default:
		l.fatal("exec.apiVersion is none that kubectl knows: set it to %s", execcred.V1)
	}
	switch e.mode {
	case "Never", "IfAvailable", "Always":
	case "":
		if e.apiVersion != execcred.V1Beta1 {
			l.fatal("exec.interactiveMode is missing, which v1 requires: set it to Never, IfAvailable or Always")
		}
	default:
		l.fatal("exec.interactiveMode is none that kubectl knows: set it to Never, IfAvailable or Always")
	}
	if e.command == "" {
		l.fatal("exec.command is missing: set it to the program that gets the credential")
		return
	}
	_, err := exec.LookPath(e.command)
	switch {
	case err == nil:
	case errors.Is(err, exec.ErrDot):
		l.problem("the plugin %s is in the folder that happens to be the current one, from where kubectl starts nothing: set exec.command to its path", show(e.command))
	case strings.ContainsRune(e.command, filepath.Separator):
		l.problem("there is no program at %s, which is the plugin%s", show(e.command), hint(e.hint))
	default:
		l.problem("the plugin %s is in no folder of PATH%s", show(e.command), hint(e.hint))
	}
}

// hint says how to install a plugin. The text is of whoever made the kubeconfig.
func hint(text string) string {
	if text == "" {
		return ": install it, or set exec.command to where it is"
	}
	return "; install it, as the kubeconfig says: " + strconv.Quote(cut(text, 400))
}

// tell returns what a plugin is told of a cluster.
func (l *look) tell(c *clusterEntry) *execcred.Cluster {
	told := &execcred.Cluster{
		Server:                   c.server,
		TLSServerName:            c.serverName,
		InsecureSkipTLSVerify:    c.insecure,
		CertificateAuthorityData: c.caData,
		ProxyURL:                 c.proxy,
		DisableCompression:       c.disableCompression,
	}
	if len(c.caData) == 0 && c.caFile != "" {
		data, err := readBounded(c.caFile, maxPEM)
		if err != nil {
			l.problem("the certificate-authority of its cluster cannot be read, of which the plugin is to be told: %s", brief(err))
		}
		told.CertificateAuthorityData = data
	}
	if c.config != nil {
		config, err := asJSON(c.config)
		if err != nil {
			l.problem("the extension %s of its cluster cannot be written as JSON, as the plugin is to be given it: change it", pluginExtension)
		}
		told.Config = config
	}
	return told
}
