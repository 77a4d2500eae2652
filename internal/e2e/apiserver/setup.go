package apiserver

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/tokenlife/tokenlife/internal/e2e/process"
)

// newServer prepares a server: a folder with the certificates, keys and tokens
// that kube-apiserver reads, and the flags that name them.
func newServer(binary string, flags []string) (*Server, error) {
	// Not in tb.TempDir: the server itself removes the folder when the test
	// is killed.
	dir, err := os.MkdirTemp("", "tokenlife-apiserver-")
	if err != nil {
		return nil, err
	}
	s := &Server{binary: binary, dir: dir}
	if err := s.setUp(flags); err != nil {
		os.RemoveAll(dir)
		return nil, fmt.Errorf("preparing kube-apiserver: %w", err)
	}
	return s, nil
}

func (s *Server) setUp(flags []string) error {
	port, err := process.FreePort()
	if err != nil {
		return err
	}
	s.URL = "https://" + net.JoinHostPort(process.Loopback, strconv.Itoa(port))

	ca, err := newAuthority()
	if err != nil {
		return err
	}
	s.CA = ca.PEM
	cert, key, err := ca.serving(process.Loopback)
	if err != nil {
		return err
	}
	adminCert, adminKey, err := ca.user("admin", "system:masters")
	if err != nil {
		return err
	}
	s.admin = rest.TLSClientConfig{CAData: ca.PEM, CertData: adminCert, KeyData: adminKey}
	if s.adminClient, err = kubernetes.NewForConfig(s.Admin()); err != nil {
		return err
	}
	if s.SigningKey, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		return err
	}
	signingKey, err := privatePEM(s.SigningKey)
	if err != nil {
		return err
	}
	verifyingKey, err := publicPEM(s.SigningKey)
	if err != nil {
		return err
	}
	s.userTokens = make(map[string]string)
	var tokens []byte
	for _, name := range Users {
		s.userTokens[name] = rand.Text()
		tokens = fmt.Appendf(tokens, "%s,%s,%s\n", s.userTokens[name], name, name)
	}

	for name, text := range map[string][]byte{
		"ca.crt": ca.PEM, "server.crt": cert, "server.key": key,
		"sa.key": signingKey, "sa.pub": verifyingKey, "tokens.csv": tokens,
	} {
		if err := os.WriteFile(filepath.Join(s.dir, name), text, 0o600); err != nil {
			return err
		}
	}
	// The program runs in s.dir, so these names need no folder.
	s.flags = append([]string{
		"--bind-address=" + process.Loopback,
		"--advertise-address=" + process.Loopback,
		"--secure-port=" + strconv.Itoa(port),
		"--endpoint-reconciler-type=none",
		"--cert-dir=.",
		"--tls-cert-file=server.crt",
		"--tls-private-key-file=server.key",
		"--client-ca-file=ca.crt",
		"--token-auth-file=tokens.csv",
		"--authorization-mode=RBAC",
		"--service-account-issuer=" + Issuer,
		"--api-audiences=" + Issuer,
		"--service-account-key-file=sa.pub",
		"--service-account-signing-key-file=sa.key",
		"--service-cluster-ip-range=10.0.0.0/24",
		"--profiling=false",
	}, flags...)
	return nil
}
