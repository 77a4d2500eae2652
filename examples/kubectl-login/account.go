package main

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"strconv"
	"strings"

	"github.com/tokenlife/tokenlife/kube/execcred"
)

// An account is what a login is kept of, as the list of logins has it. There is no
// secret in it.
type account struct {
	Key        string   `json:"key"`
	Issuer     string   `json:"issuer"`
	ClientID   string   `json:"client_id"`
	Scopes     []string `json:"scopes"`
	Cluster    string   `json:"cluster"` // the API server
	SecretFile string   `json:"client_secret_file,omitempty"`
	CA         string   `json:"ca,omitempty"`
}

// keyOf returns what the login of o for a cluster is kept under, given the
// certificates that are trusted at the issuer.
//
// Whoever writes a kubeconfig says where tokens go. So a login belongs to one issuer
// and one client, for some scopes, and also to all by which the two ends are told
// from others: a kubeconfig that names the same server and another certificate, or
// none, or a proxy on the way, must not get the tokens of the one that the user
// trusts.
func keyOf(o options, c *execcred.Cluster, issuerCA []byte) string {
	h := sha256.New()
	for _, part := range []string{
		o.issuer, o.clientID, strings.Join(o.scopes, " "), string(issuerCA),
		c.Server, string(c.CertificateAuthorityData),
		c.TLSServerName, strconv.FormatBool(c.InsecureSkipTLSVerify), c.ProxyURL,
	} {
		// With its length before it, no part can be taken for two.
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(part))))
		h.Write([]byte(part))
	}
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil))
}
