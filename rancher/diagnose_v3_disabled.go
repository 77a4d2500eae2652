package rancher

import (
	"fmt"

	"github.com/tokenlife/tokenlife/internal/foreign"
	"github.com/tokenlife/tokenlife/token"
)

// turnedOff is the finding that the token is disabled. Nothing says by whom, but
// the refresh of a provider disables all of a user's at once.
func (f *v3Facts) turnedOff() token.Finding {
	r := f.record
	var others, off int
	for _, t := range f.siblings {
		if t.Derived && t.Name != r.Name {
			others++
			if !t.Enabled {
				off++
			}
		}
	}
	evidence := []token.Evidence{f.says("enabled", false), f.says("authProvider", orUnknown(foreign.Brief(r.Provider, 60)))}
	if others > 0 {
		evidence = append(evidence, saw("GET /v3/tokens", "of the user's %d other API keys %d are disabled", others, off))
	}
	for _, name := range []string{maxAgeSetting, resyncSetting} {
		if s, ok := f.settings[name]; ok {
			evidence = append(evidence, s.evidence())
		}
	}
	patch := fmt.Sprintf(`kubectl patch tokens.management.cattle.io %s --type merge -p '{"enabled":true}'`, r.Name)
	if r.Ext {
		patch = fmt.Sprintf(`kubectl patch tokens.ext.cattle.io %s --type merge -p '{"spec":{"enabled":true}}'`, r.Name)
	}
	cure := "make another token, or have an administrator enable this one: " + patch + ", on the cluster local"
	refresh := fmt.Sprintf("see that the provider grants the user access again, then "+cure+". The provider is asked as the settings %s and %s say", maxAgeSetting, resyncSetting)
	switch {
	case r.Provider == "local":
		return certain("the token is disabled, probably by an administrator: for local users there is no provider that could be asked, and say that they have no access", "ask the administrator why, then "+cure, evidence...)
	case others > off:
		return certain("the token is disabled, probably by an administrator: the refresh of a provider would have disabled all of the user's", "ask the administrator why, then "+cure, evidence...)
	case others > 0:
		return certain(fmt.Sprintf("the token is disabled, probably by Rancher: the provider %s no longer grants the user access, and all of the user's are disabled", orUnknown(foreign.Brief(r.Provider, 60))), refresh, evidence...)
	}
	return certain("the token is disabled: by an administrator, or by Rancher when the provider no longer granted the user access; nothing tells which", refresh, evidence...)
}

// ownerDisabled is the finding that the user is disabled.
func (f *v3Facts) ownerDisabled() token.Finding {
	return certain("the user is disabled, so every token of theirs is refused",
		"have an administrator enable the user (Users & Authentication); what was made by ext.cattle.io does not come back with that. The settings disable-inactive-user-after and user-retention-cron may disable users by themselves",
		f.owner.evidence(), saw(f.owner.what, "enabled: false"))
}
