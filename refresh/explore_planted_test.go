package refresh

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A plant is a bug put into a copy of the code, for the explorer to find.
type plant struct {
	name     string
	edits    [][2]string // what stands once in the code, and what to put there
	scenario string      // in which the explorer finds it
	says     string      // how the explorer names what it found
}

var plants = []plant{
	{
		"claim after POST", [][2]string{
			{"s, ok := t.claim(p)", "s, ok := p.state, true"},
			{"pair, err := t.post(&s, asked)", "pair, err := t.post(&s, asked)\n\tif s, ok = t.claim(p); !ok {\n\t\treturn\n\t}"},
		},
		"plain", "presented again",
	},
	{
		"identical bytes written twice", [][2]string{
			{"s.Writes++\n", "s.Writes, s.Nonce = 0, \"\"\n\tplain, _ := s.encode()\n"},
			{"s.Nonce = rand.Text()", "s.Nonce = rand.Text()[:0] + fmt.Sprintf(\"%x\", plain)"},
		},
		"again", "presented again",
	},
	{
		"lease shorter than the POST", [][2]string{
			{"gone > lease-timeout", "gone > lease-0*timeout"},
		},
		"hurry", "presented again",
	},
	{
		"take-over before the lease is over", [][2]string{
			{"return s.Claim.lease() - time.Duration(", "return s.Claim.lease()/2 - time.Duration("},
		},
		"plain", "two POSTs at once",
	},
	{
		"unknown taken as refused", [][2]string{
			{"case Terminal:\n\t\tt.refused", "case Terminal, Unknown:\n\t\tt.refused"},
		},
		"plain", "loss: ",
	},
	{
		"take-over not taken as unknown", [][2]string{
			{"s.Unknown || takesOver || r.unsure", "s.Unknown || r.unsure"},
		},
		"strict", "a loss that is not called one",
	},
	{
		"refusal final at once", [][2]string{
			{"\t\tt.refused(s, err)", "\t\tt.end(nil, r.died(&state{Refresh: s.Refresh, Dead: &death{Lost: s.Unknown}}))"},
		},
		"strict", "not final",
	},
	{
		"pair in hand not published over a death", [][2]string{
			{"return stored.isPair(k.spent)", "return stored.isPair(k.spent) && stored.Dead == nil"},
		},
		"strict", "pair in hand lost",
	},
	{
		"issuer: unknown write not written again", [][2]string{
			{"if ok, err = i.swap(ctx, key, old, again, i.expires(&row)); ok && err == nil {", "if ok, err = true, nil; ok && err == nil {"},
		},
		"graceless", "family revoked without reuse",
	},
	{
		"issuer: false taken as proof", [][2]string{
			{"case bytes.Equal(seen, new):", "case false:"},
		},
		"graceless", "family revoked without reuse",
	},
	{
		"issuer: a generation too new taken as reuse", [][2]string{
			{"case g >= current:", "case g == current:"},
		},
		"forgets", "loss: ",
	},
}

// The explorer finds bugs: each of these is one that a rule of the package is
// there to prevent.
func TestExploreFindsPlantedBugs(t *testing.T) {
	for i, p := range plants {
		t.Run(p.name, func(t *testing.T) {
			if underRace || testing.Short() && i >= 3 {
				t.Skip("three of them will do, and none under the race detector, which they are built without")
			}
			t.Parallel()
			out, err := p.explore(t)
			if err == nil {
				t.Fatalf("the explorer found nothing:\n%s", out)
			}
			if !strings.Contains(out, "--- FAIL: TestExplore/"+p.scenario) || !strings.Contains(out, ">>> "+p.says) {
				t.Fatalf("the explorer did not say %q, but:\n%s", p.says, out)
			}
			t.Log(out)
		})
	}
}

// explore runs the explorer on the package with the bug in it.
func (p *plant) explore(t *testing.T) (string, error) {
	overlay, err := json.Marshal(map[string]map[string]string{"Replace": p.overlay(t)})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "overlay.json")
	if err := os.WriteFile(file, overlay, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "go", "test", "-vet=off", "-overlay", file, "-run", "^TestExplore$/^"+p.scenario+"$", ".")
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// overlay writes copies of the files with the bug, and returns them by the files
// that they stand for.
func (p *plant) overlay(t *testing.T) map[string]string {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	texts := map[string]string{}
	for _, file := range files {
		if !strings.HasSuffix(file, "_test.go") {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			texts[file] = string(text)
		}
	}
	dir, replace := t.TempDir(), map[string]string{}
	for _, e := range p.edits {
		found := 0
		for file, text := range texts {
			n := strings.Count(text, e[0])
			if found += n; n == 0 {
				continue
			}
			texts[file] = strings.Replace(text, e[0], e[1], 1)
			original, err := filepath.Abs(file)
			if err != nil {
				t.Fatal(err)
			}
			replace[original] = filepath.Join(dir, file)
			if err := os.WriteFile(replace[original], []byte(texts[file]), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if found != 1 {
			t.Fatalf("this stands in the code %d times, want once; if the code says it in another way now, so must the plant:\n%s", found, e[0])
		}
	}
	return replace
}
