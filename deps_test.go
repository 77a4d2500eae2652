package tokenlife_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/tokenlife/tokenlife"

// What each package may link outside the standard library and this module. A
// package that is not listed may link nothing.
var mayLink = map[string][]string{
	"token/jwt":         jose,
	"token/jwt/jwttest": jose,
	"token/jwe":         jose,
	"token/oauth2adapt": {"golang.org/x/oauth2"},
	"session/dashboard": jose,
	"kube": {"k8s.io/api/", "k8s.io/apimachinery/", "k8s.io/client-go/", "k8s.io/klog/", "k8s.io/utils/", "sigs.k8s.io/",
		"github.com/", "golang.org/x/", "go.yaml.in/", "gopkg.in/inf.v0"},
	"kube/kubeconfig": {"k8s.io/api/", "k8s.io/apimachinery/", "k8s.io/client-go/", "k8s.io/klog/", "k8s.io/utils/", "sigs.k8s.io/",
		"github.com/", "golang.org/x/", "go.yaml.in/", "gopkg.in/inf.v0"},
}

var jose = []string{"github.com/golang-jwt/jwt/v5", "github.com/go-jose/go-jose/v4"}

// What each package may import of this module, so that it can move to a module
// of its own and nothing is linked by surprise.
var mayImport = map[string][]string{
	"internal/foreign":    {},
	"internal/origin":     {},
	"internal/panics":     {},
	"internal/pipe":       {},
	"internal/sent":       {},
	"internal/strictjson": {},
	"internal/jose":       {"internal/strictjson"},
	"token":               {"internal/origin", "internal/jose", "internal/panics", "internal/strictjson"},
	"token/seal":          {"token", "internal/origin", "internal/jose", "internal/panics", "internal/strictjson"},
	"token/jwt":           {"token", "skew", "internal/origin", "internal/jose", "internal/panics", "internal/strictjson"},
	"token/jwt/jwttest":   {"internal/pipe", "token/jwt", "token", "skew", "internal/origin", "internal/jose", "internal/panics", "internal/strictjson"},
	"token/jwe":           {"token/jwt", "token/seal", "token", "skew", "internal/origin", "internal/jose", "internal/panics", "internal/strictjson"},
	"token/introspect":    {"token", "skew", "internal/origin", "internal/jose", "internal/panics", "internal/strictjson"},
	"skew":                {"internal/origin"},
	"refresh":             {"token", "token/seal", "skew", "internal/origin", "internal/jose", "internal/panics", "internal/strictjson"},
	"refresh/storetest":   {"refresh", "token", "token/seal", "skew", "internal/origin", "internal/jose", "internal/panics", "internal/strictjson"},
	"refresh/sqlstore":    {"refresh", "token", "token/seal", "skew", "internal/origin", "internal/jose", "internal/panics", "internal/strictjson"},
	"refresh/redisstore":  {"refresh", "token", "token/seal", "skew", "internal/origin", "internal/jose", "internal/panics", "internal/strictjson"},
	"token/oauth2adapt":   {"refresh", "token", "token/seal", "skew", "internal/origin", "internal/jose", "internal/panics", "internal/sent", "internal/strictjson"},
	"rancher":             {"refresh", "token", "token/seal", "skew", "internal/foreign", "internal/origin", "internal/jose", "internal/panics", "internal/sent", "internal/strictjson"},
	"rancher/ranchertest": {"internal/pipe"},
	"session":             {"refresh", "token", "token/seal", "skew", "internal/origin", "internal/jose", "internal/panics", "internal/strictjson"},
	"session/dashboard":   {"token/jwe", "token/jwt", "token/seal", "token", "skew", "internal/foreign", "internal/origin", "internal/jose", "internal/panics", "internal/strictjson"},
	"kube":                {"refresh", "token", "token/seal", "skew", "internal/origin", "internal/jose", "internal/panics", "internal/strictjson"},
	"kube/execcred":       {"token", "internal/origin", "internal/jose", "internal/panics", "internal/strictjson"},
	"kube/kubeconfig":     {"kube", "kube/execcred", "token/oauth2adapt", "refresh", "token", "token/seal", "skew", "internal/origin", "internal/jose", "internal/panics", "internal/sent", "internal/strictjson"},
}

// directly lists what a package must not even import by itself: kube uses only
// exported names, and never the clientset.
var notDirectly = map[string][]string{
	"kube":            {module + "/internal/", "k8s.io/client-go/kubernetes"},
	"kube/execcred":   {module + "/internal/", "k8s.io/"},
	"kube/kubeconfig": {module + "/internal/", "k8s.io/client-go/kubernetes"},
}

// TestLinks holds the promise that a program links what it imports.
func TestLinks(t *testing.T) {
	for _, pkg := range packages(t) {
		if pkg == "" || strings.HasPrefix(pkg, "examples/") {
			continue
		}
		t.Run(pkg, func(t *testing.T) {
			ours, known := mayImport[pkg]
			if !known {
				t.Fatalf("package %s is new: say in mayImport what it may import", pkg)
			}
			for _, dep := range list(t, "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", "./"+pkg) {
				if dep, internal := strings.CutPrefix(dep, module+"/"); internal {
					if dep != pkg && !slices.Contains(ours, dep) {
						t.Errorf("links %s of this module", dep)
					}
					continue
				}
				if !hasPrefix(dep, mayLink[pkg]) {
					t.Errorf("links %s", dep)
				}
			}
			for _, dep := range list(t, "-f", `{{join .Imports "\n"}}`, "./"+pkg) {
				if hasPrefix(dep, notDirectly[pkg]) {
					t.Errorf("imports %s", dep)
				}
				if dep == "testing" && !strings.HasSuffix(pkg, "test") {
					t.Errorf("imports testing, and is not a package for tests")
				}
			}
		})
	}
}

// TestKubeIsLight counts what a program links that imports a package of kube.
func TestKubeIsLight(t *testing.T) {
	for pkg, most := range map[string]int{"kube": 115, "kube/kubeconfig": 130, "kube/execcred": 130} {
		deps := list(t, "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", "./"+pkg)
		t.Logf("%s links %d packages outside the standard library", pkg, len(deps))
		if len(deps) > most {
			t.Errorf("%s links %d packages outside the standard library, want at most %d", pkg, len(deps), most)
		}
	}
}

func hasPrefix(s string, prefixes []string) bool {
	return slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(s, p) })
}

// packages returns the packages of this module, without its path.
func packages(t *testing.T) []string {
	pkgs := list(t, "./...")
	for i, p := range pkgs {
		pkgs[i] = strings.TrimPrefix(strings.TrimPrefix(p, module), "/")
	}
	return pkgs
}

// list runs go list and returns the lines that are not empty.
func list(t *testing.T, args ...string) []string {
	t.Helper()
	cmd := exec.Command("go", append([]string{"list"}, args...)...)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list %s: %v", strings.Join(args, " "), err)
	}
	return strings.FieldsFunc(string(out), func(r rune) bool { return r == '\n' })
}
