package kubectl_test

import (
	"encoding/json"
	"testing"

	"github.com/tokenlife/tokenlife/internal/e2e/apiserver/program"
	"github.com/tokenlife/tokenlife/internal/e2e/kubectl"
)

// TestVersion shows that kubectl runs, and is of the version of the server.
func TestVersion(t *testing.T) {
	t.Parallel()
	user := kubectl.User{Path: kubectl.Path(t), Home: t.TempDir()}
	out, err := user.Command(t.Context(), "version", "--client", "-o", "json").Output()
	if err != nil {
		t.Fatal(err)
	}
	var version struct{ ClientVersion struct{ GitVersion string } }
	if err := json.Unmarshal(out, &version); err != nil || version.ClientVersion.GitVersion != program.Version {
		t.Errorf("kubectl says %s (%v), want %s", out, err, program.Version)
	}
}
