package rancher

import (
	"fmt"

	"github.com/tokenlife/tokenlife/internal/foreign"
	"github.com/tokenlife/tokenlife/token"
)

// turnedOff is the finding that the token is disabled. Nothing says by whom, but
// the refresh of a provider disables all of a user's at once: those that were
// there already, and of which it is not known that they are newer.
func (f *v3Facts) turnedOff() token.Finding {
	r := f.record
	var others, off int
	for _, t := range f.siblings {
		if t.Derived && t.Name != r.Name && !t.Created.After(r.Created) {
			others++
			if !t.Enabled {
				off++
			}
		}
	}
	provider := orUnknown(foreign.Brief(r.Provider, 60))
	evidence := []token.Evidence{f.says("enabled", false), f.says("authProvider", provider)}
	if others > 0 {
		evidence = append(evidence, saw("GET /v3/tokens", "of the user's %d other API keys that are no newer %d are disabled", others, off))
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
	cure := "make another token, or have an administrator enable this one on the cluster local: " + patch
	ask := "ask the administrator why, then " + cure
	refresh := fmt.Sprintf("see that the provider, which is asked as the settings %s and %s say, grants the user access again, then %s", maxAgeSetting, resyncSetting, cure)
	switch {
	case r.Provider == "local" && r.Ext:
		return certain("the token is disabled, probably by an administrator, or by Rancher when the user was disabled for a time", ask, evidence...)
	case r.Provider == "local":
		return certain("the token is disabled, probably by an administrator: for local users there is no provider that could be asked, and say that they have no access", ask, evidence...)
	case others > off:
		return certain("the token is disabled, probably by an administrator: the refresh of a provider would have disabled all of the user's", ask, evidence...)
	case others > 0:
		return certain(fmt.Sprintf("the token is disabled, probably by Rancher: the provider %s no longer grants the user access, and all of the user's are disabled", provider), refresh, evidence...)
	}
	return certain("the token is disabled: by an administrator, or by Rancher when the provider no longer granted the user access; nothing tells which", refresh, evidence...)
}

// ownerDisabled is the finding that the user is disabled.
func (f *v3Facts) ownerDisabled() token.Finding {
	return certain("the user is disabled, so every token of theirs is refused",
		"have an administrator enable the user (Users & Authentication); what was made by ext.cattle.io does not come back with that. The settings disable-inactive-user-after and user-retention-cron may disable users by themselves",
		f.owner.evidence(), saw(f.owner.what, "enabled: false"))
}
