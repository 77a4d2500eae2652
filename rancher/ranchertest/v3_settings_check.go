package ranchertest

import (
	"strconv"
	"strings"
	"time"
)

// checkSetting returns what Rancher's webhook has against a value that somebody
// gives to a setting; empty if nothing. There are settings that it does not look
// at, auth-token-max-ttl-minutes and those of kubeconfigs among them: whoever
// spoils those finds out later.
func (s *V3) checkSetting(name, value string) (why string) {
	if !s.is.since(2, 9, 0) {
		return ""
	}
	session := s.minutes("auth-user-session-ttl-minutes")
	switch name {
	case "auth-user-session-ttl-minutes":
		n, err := strconv.ParseInt(value, 10, 64)
		if err != nil || n < 0 {
			return "must be a number of minutes, and not negative"
		}
		for _, other := range []string{"disable-inactive-user-after", "delete-inactive-user-after"} {
			if after, ok := s.inactiveAfter(other); ok && time.Duration(n)*time.Minute > after {
				return "can't be greater than " + other
			}
		}
	case "auth-user-session-idle-ttl-minutes":
		n, err := strconv.ParseInt(value, 10, 64)
		switch {
		case err != nil || n < 1:
			return "must be a number of minutes, and at least 1"
		case time.Duration(n)*time.Minute > session:
			return "can't be greater than auth-user-session-ttl-minutes"
		}
	case "disable-inactive-user-after", "delete-inactive-user-after":
		after, err := time.ParseDuration(value)
		switch {
		case value == "":
		case err != nil:
			return "must be a duration such as 336h"
		case name == "disable-inactive-user-after" && after < session:
			return "can't be less than auth-user-session-ttl-minutes"
		case name == "delete-inactive-user-after" && after < 336*time.Hour:
			return "must be at least 336h0m0s"
		}
	case "auth-user-info-max-age-seconds":
		if _, err := strconv.ParseInt(value, 10, 64); err != nil {
			return "must be a number of seconds"
		}
	case "auth-user-info-resync-cron":
		if n := len(strings.Fields(value)); n != 0 && n != 5 {
			return "must be a cron schedule of five fields"
		}
	}
	return ""
}

// inactiveAfter returns the value of one of the settings that end inactive users.
func (s *V3) inactiveAfter(name string) (after time.Duration, ok bool) {
	_, value, _, _ := s.setting(name)
	after, err := time.ParseDuration(value)
	return after, err == nil
}
