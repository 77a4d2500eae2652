package kubeconfig

import (
	"fmt"
	"strings"
	"time"
)

// Outlook says in a sentence what will happen when the credential dies, or has happened,
// and what to do about it, by this machine's clock.
func (u User) Outlook() string {
	now := time.Now()
	left := u.Expiry.Sub(now)
	known, over := !u.Expiry.IsZero(), !u.Expiry.IsZero() && left <= 0
	set := "kubectl config set-credentials " + argument(u.Name)
	switch u.Kind {
	case Token:
		again := "put a new one there with " + set + " --token=..."
		switch {
		case over:
			return fmt.Sprintf("The token expired %s and nothing refreshes it: %s", ago(-left), again)
		case known:
			return fmt.Sprintf("The token expires %s and nothing refreshes it: then %s", in(left), again)
		}
		return "The token does not say when it ends and nothing refreshes it: once it is refused, " + again
	case TokenFile:
		file := show(u.TokenFile)
		switch {
		case u.Token.IsZero():
			return fmt.Sprintf("There is no token in %s, and nothing is sent until there is: look at what writes it", file)
		case u.Token.RefreshIn == 0: // what is from the file is to be read again
			return fmt.Sprintf("There is no token in %s, and that in the kubeconfig is sent until there is: look at what writes it", file)
		case over:
			return fmt.Sprintf("The token in %s expired %s, and kubectl does not refresh it: look at what writes it", file, ago(-left))
		case known:
			return fmt.Sprintf("The token in %s expires %s: what writes it is to put a new one there, which kubectl reads within a minute", file, in(left))
		}
		return fmt.Sprintf("The token in %s does not say when it ends: once it is refused, look at what writes it", file)
	case Basic:
		return "The password is refused by every API server since Kubernetes 1.19: give the user another credential with " + set
	case Certificate:
		again := "have a new one signed, and put it there with " + set + " --client-certificate=... --client-key=..."
		switch {
		case over:
			return fmt.Sprintf("The client certificate expired %s and nothing renews it: %s", ago(-left), again)
		case known:
			return fmt.Sprintf("The client certificate expires %s and nothing renews it: before that, %s", in(left), again)
		}
		return "The client certificate cannot be read: " + again
	case Exec:
		command := "the plugin"
		if u.Exec != nil && u.Exec.Command != "" {
			command = "the plugin " + show(u.Exec.Command)
		}
		return fmt.Sprintf("kubectl runs %s each time it starts, and again when its credential has expired or was refused: if that fails, run the plugin by hand to see why", command)
	case OpenID:
		return u.outlookOpenID(known, over, left)
	case AuthProvider:
		return "No kubectl knows this auth-provider any more: every call fails until the user has another credential, such as an exec plugin"
	}
	return "There is no credential: kubectl asks for a name and a password, which no API server takes, and other programs send nothing; give the user one with " + set
}

func (u User) outlookOpenID(known, over bool, left time.Duration) string {
	again := "log in again"
	switch {
	case u.Token.IsZero() && u.Refreshable:
		return "There is no ID token yet: kubectl gets one with the refresh token; if the issuer refuses that, " + again
	case u.Token.IsZero():
		return "There is no ID token, and no refresh token to get one with: " + again
	case !known:
		return "The ID token does not say when it ends, and kubectl may refuse it: " + again
	case over && u.Refreshable:
		return fmt.Sprintf("The ID token expired %s: kubectl gets another with the refresh token at the next call; if the issuer refuses that, %s", ago(-left), again)
	case over:
		return fmt.Sprintf("The ID token expired %s, and there is no refresh token to get another with: %s", ago(-left), again)
	case u.Refreshable:
		return fmt.Sprintf("The ID token expires %s, and kubectl then gets another with the refresh token; if the issuer refuses that, %s", in(left), again)
	}
	return fmt.Sprintf("The ID token expires %s, and there is no refresh token to get another with: then %s", in(left), again)
}

// argument returns a name as it can stand in a command, or what the reader has to fill
// in: whoever made the kubeconfig has chosen the name, and people paste commands into
// a shell.
func argument(name string) string {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._:/@+"
	if name == "" || len(name) > 200 || strings.Trim(name, plain) != "" || name[0] == '-' {
		return "NAME"
	}
	return name
}

// in says how far off something is.
func in(d time.Duration) string {
	if d < time.Second {
		return "at once"
	}
	return "in " + long(d)
}

// ago says how long ago something was.
func ago(d time.Duration) string {
	if d < time.Second {
		return "just now"
	}
	return long(d) + " ago"
}

// long writes a duration for people, in the largest unit of which there is more than
// one, rounded down.
func long(d time.Duration) string {
	const day = 24 * time.Hour
	for _, u := range []struct {
		of   time.Duration
		name string
	}{{day, "days"}, {time.Hour, "hours"}, {time.Minute, "minutes"}} {
		if d >= 2*u.of {
			return fmt.Sprintf("%d %s", d/u.of, u.name)
		}
	}
	if d < 2*time.Second {
		return "a second"
	}
	return fmt.Sprintf("%d seconds", d/time.Second)
}
