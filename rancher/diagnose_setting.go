package rancher

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/tokenlife/tokenlife/internal/foreign"
	"github.com/tokenlife/tokenlife/token"
)

// The settings of 2.x that say how long tokens live. All are in minutes.
const (
	maxSetting        = "auth-token-max-ttl-minutes"
	sessionSetting    = "auth-user-session-ttl-minutes"
	idleSetting       = "auth-user-session-idle-ttl-minutes"
	kubeconfigSetting = "kubeconfig-default-token-ttl-minutes"
)

// Those that say how often a provider is asked whether its users have access.
const (
	maxAgeSetting = "auth-user-info-max-age-seconds"
	resyncSetting = "auth-user-info-resync-cron"
)

// changed is what releases of Rancher 2.x have done to the settings that nobody
// had set.
var changed = map[string]struct{ to, how string }{
	maxSetting:        {"129600", "2.8.0 made its default 129600 minutes (90 days); from 2.5.0 to 2.7 that was 0, no limit"},
	kubeconfigSetting: {"43200", "2.8.0 made its default 43200 minutes (30 days); before, that was 0, no limit but the maximum"},
	idleSetting:       {"960", "2.11.0 brought it, with a default of 960 minutes (16 hours)"},
}

// minutes returns a setting that counts them. It is not ok if it is not known,
// or not a number. Those that limit what is made with a token Rancher takes, with
// an m behind them, for durations of Go's: 0.5 and 1h30 pass there.
func (s Setting) minutes() (time.Duration, bool) {
	if s.Name == maxSetting || s.Name == kubeconfigSetting {
		d, err := time.ParseDuration(s.Value + "m")
		return max(d, 0), err == nil && d >= 0
	}
	n, err := strconv.ParseInt(s.Value, 10, 64)
	if err != nil || n < 0 || n > int64(1<<62/time.Minute) {
		return 0, false
	}
	return time.Duration(n) * time.Minute, true
}

// milliseconds returns a setting that counts them. It is not ok if it is not
// known, or not a number, or no time at all.
func (s Setting) milliseconds() (time.Duration, bool) {
	n, err := strconv.ParseInt(s.Value, 10, 64)
	return milliseconds(n), err == nil && n > 0
}

// fromEnv reports whether a setting is what the server's environment says.
func (s Setting) fromEnv() bool {
	return strings.Contains(strings.ToLower(s.Source), "env")
}

// env returns the environment variable that overrides a setting.
func (s Setting) env() string {
	return "CATTLE_" + strings.ToUpper(strings.NewReplacer("-", "_", ".", "_").Replace(s.Name))
}

// evidence returns a setting as a fact, with its unit and where it is from.
func (s Setting) evidence() token.Evidence {
	v, unit := s.Value, s.unit()
	d, ok := s.minutes()
	switch _, err := strconv.ParseInt(v, 10, 64); {
	case unit == "":
		v = strconv.Quote(foreign.Brief(v, 40))
	case err != nil && ok:
		v = fmt.Sprintf("%q, which Rancher takes for %v", foreign.Brief(v, 40), d)
	case err != nil:
		v = fmt.Sprintf("%q, which is no number of %s", foreign.Brief(v, 40), unit)
	default:
		v += " " + unit
	}
	if s.Source != "" {
		v += ", source " + foreign.Brief(s.Source, 40)
	}
	return token.Evidence{What: "the setting " + s.Name, Value: v}
}

// unit returns what a setting counts; empty if it does not.
func (s Setting) unit() string {
	switch {
	case s.Name == v2betaExpiry:
		return "milliseconds"
	case strings.HasSuffix(s.Name, "-minutes"):
		return "minutes"
	case strings.HasSuffix(s.Name, "-seconds"):
		return "seconds"
	}
	return ""
}

// mend says how to change a setting.
func (s Setting) mend() string {
	if s.fromEnv() {
		return fmt.Sprintf("change %s (%s) in the server's environment, which overrides the setting %s", s.env(), s.unit(), s.Name)
	}
	return fmt.Sprintf("change the setting %s (%s)", s.Name, s.unit())
}

// behind returns why a setting that has cut a token short has its value, if that
// may surprise: the server's environment overrides it, or nobody has set it and
// a new release of Rancher has another default.
func (s Setting) behind() []token.Finding {
	switch was, ok := changed[s.Name]; {
	case s.fromEnv():
		where := ": in the Helm chart it is in extraEnv"
		if s.Name == v2betaExpiry {
			where = ", which is that of its container"
		}
		return []token.Finding{certain(
			fmt.Sprintf("the setting %s is overridden by the server's environment: what anybody sets is ignored, and after each restart looks as if it had been lost", s.Name),
			fmt.Sprintf("change or remove %s in the server's environment%s", s.env(), where), s.evidence())}
	case ok && !s.Customized && s.Source == "default" && s.Value == was.to:
		return []token.Finding{likely(
			fmt.Sprintf("nobody has set %s, so it is what an upgrade of Rancher has made it", s.Name),
			fmt.Sprintf("set %s to what is wanted, in %s: what is set survives upgrades", s.Name, s.unit()),
			s.evidence(), saw("its history", "%s", was.how))}
	}
	return nil
}
