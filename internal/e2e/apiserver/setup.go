package apiserver

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"fmt"
	mathrand "math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
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
	port, err := freePort()
	if err != nil {
		return err
	}
	s.URL = "https://" + net.JoinHostPort(loopback, strconv.Itoa(port))

	ca, err := newAuthority()
	if err != nil {
		return err
	}
	s.CA = ca.PEM
	cert, key, err := ca.serving(loopback)
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
		"--bind-address=" + loopback,
		"--advertise-address=" + loopback,
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

const loopback = "127.0.0.1"

// freePort returns a port of 127.0.0.1 that nobody listens on, from below the
// ranges that systems give to outgoing connections. While the server is stopped
// its port can thus not become the other end of somebody's connection; not even
// of a client's that keeps dialing it, which the kernel would connect to itself.
func freePort() (int, error) {
	var err error
	for range 100 {
		port := 20000 + mathrand.IntN(10000)
		var l net.Listener
		if l, err = net.Listen("tcp", net.JoinHostPort(loopback, strconv.Itoa(port))); err == nil {
			return port, l.Close()
		}
	}
	return 0, fmt.Errorf("finding a free port between 20000 and 30000: %w", err)
}
