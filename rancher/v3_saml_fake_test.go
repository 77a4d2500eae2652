package rancher

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// A login by SAML, with a person who takes a minute, on each version.
func TestSAMLWithRancher(t *testing.T) {
	t.Parallel()
	for _, version := range v3Versions {
		t.Run("B.2 SAML: "+version, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				fake, c := newV3(version)
				fake.AddProviderUser("okta", "eve", "-")
				visits := make(chan error, 1)
				login, err := c.SAML(t.Context(), "okta", func(url string) error {
					time.AfterFunc(time.Minute, func() { visits <- fake.LogInSAML(url, "eve") })
					return nil
				})
				if err != nil {
					t.Fatal(err)
				}
				if err := <-visits; err != nil {
					t.Fatal(err)
				}
				probe, err := c.Probe(t.Context(), login.Token.Value)
				if err != nil || !probe.Live || probe.User.Login != "eve" {
					t.Errorf("%+v, %v", probe, err)
				}
				if last := fake.Requests(); !strings.HasPrefix(last[len(last)-2], "DELETE /v") {
					t.Errorf("nothing was cleared away: %v", last)
				}
			})
		})
	}
}
