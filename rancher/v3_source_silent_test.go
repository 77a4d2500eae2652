package rancher_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tokenlife/tokenlife/rancher/ranchertest"
)

// What a server says of its users is in nothing that prints, and not in the Store:
// it may be a secret.
func TestV3SourceSilent(t *testing.T) {
	bubble(t, "v2.13.1", func(t *testing.T, c *chainTest) {
		canary := strings.Repeat("canary", 200)
		says := ranchertest.Answer(200, `{"type":"collection","data":[{"id":"`+canary+`","username":"mira"}]}`)
		c.fake.SetFault(ranchertest.Faults(ranchertest.On("GET /v3/users", says), changed(map[string]any{"userId": canary})))
		src := c.source()
		src.Store, src.Key = nil, ""
		mustToken(t, src)
		for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
			if text := fmt.Sprintf(verb, src); strings.Contains(text, "canary") || strings.Contains(text, fmt.Sprint([]byte("canary"))[1:20]) {
				t.Errorf("%s prints %.2000s", verb, text)
			}
		}
		settle()
		src.Invalidate(mustToken(t, src))
		mustToken(t, src)
		src = c.source()
		mustToken(t, src)
		if raw, _ := c.store.Get(t.Context(), "rancher/ci"); strings.Contains(string(raw), "canary") {
			t.Errorf("stored is %.500s", raw)
		}
	})
}
