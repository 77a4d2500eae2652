package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// options are what the command line says.
type options struct {
	command string

	issuer, clientID string
	secretFile, ca   string // paths; absolute, since kubectl runs anywhere
	scopes           []string
	cache            string
	ownCache         bool // cache was given
	device, browser  bool
	listen           string
	loginTimeout     time.Duration

	json, all bool
}

const (
	defaultScopes       = "openid,offline_access,email"
	defaultLoginTimeout = 3 * time.Minute
	anyPort             = "127.0.0.1:0"
)

var commands = []string{"setup", "get-token", "status", "logout"}

func parse(args []string) (o options, err error) {
	if len(args) == 0 {
		return o, fmt.Errorf("a command is missing: one of %s", strings.Join(commands, ", "))
	}
	o.command = args[0]
	if slices.Contains([]string{"-h", "-help", "--help", "help"}, o.command) {
		return o, flag.ErrHelp
	}
	if !slices.Contains(commands, o.command) {
		return o, fmt.Errorf("there is no command %.40q, but %s", o.command, strings.Join(commands, ", "))
	}
	flags := flag.NewFlagSet(o.command, flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	scopes := defaultScopes
	flags.StringVar(&o.cache, "cache", "", "")
	switch o.command {
	case "status":
		flags.BoolVar(&o.json, "json", false, "")
	case "logout":
		flags.StringVar(&o.issuer, "issuer", "", "")
		flags.BoolVar(&o.all, "all", false, "")
	default:
		flags.StringVar(&o.issuer, "issuer", "", "")
		flags.StringVar(&o.clientID, "client-id", "", "")
		flags.StringVar(&o.secretFile, "client-secret-file", "", "")
		flags.StringVar(&scopes, "scopes", scopes, "")
		flags.StringVar(&o.ca, "ca", "", "")
		flags.BoolVar(&o.device, "device", false, "")
		flags.BoolVar(&o.browser, "browser", false, "")
		flags.StringVar(&o.listen, "listen", anyPort, "")
		flags.DurationVar(&o.loginTimeout, "login-timeout", defaultLoginTimeout, "")
	}
	if err := flags.Parse(args[1:]); err != nil {
		return o, err
	}
	if flags.NArg() > 0 {
		return o, fmt.Errorf("unexpected argument %.40q behind %s", flags.Arg(0), o.command)
	}
	if o.scopes, err = parseScopes(scopes); err != nil {
		return o, err
	}
	if err := o.check(); err != nil {
		return o, err
	}
	return o, o.locate()
}

// check returns an error if what the flags say cannot be.
func (o options) check() error {
	switch o.command {
	case "status":
		return nil
	case "logout":
		if o.all && o.issuer != "" {
			return errors.New("-all and -issuer do not go together")
		}
		return nil
	}
	switch listen, err := netip.ParseAddrPort(o.listen); {
	case o.issuer == "":
		return errors.New("-issuer is missing: the URL that the API server has as its issuer")
	case !strings.HasPrefix(o.issuer, "https://"):
		return errors.New("-issuer must be a URL that begins with https://, or else no API server takes it")
	case o.clientID == "":
		return errors.New("-client-id is missing: what the issuer calls the cluster's client")
	case o.device && o.browser:
		return errors.New("-device and -browser do not go together")
	case err != nil || !listen.Addr().IsLoopback() || listen.Addr().Zone() != "":
		return errors.New("-listen must be a loopback address and a port, such as 127.0.0.1:8000: others could reach any other")
	case o.loginTimeout <= 0:
		return errors.New("-login-timeout must be more than nothing")
	}
	return nil
}

// locate makes paths absolute, and chooses a folder where none is given.
func (o *options) locate() (err error) {
	if o.ownCache = o.cache != ""; !o.ownCache {
		config, err := os.UserConfigDir()
		if err != nil {
			return fmt.Errorf("no folder to keep logins in: %w; say -cache", err)
		}
		o.cache = filepath.Join(config, "tokenlife-kubectl-login")
	}
	for _, path := range []*string{&o.cache, &o.secretFile, &o.ca} {
		if *path != "" {
			if *path, err = filepath.Abs(*path); err != nil {
				return err
			}
		}
	}
	return nil
}

// parseScopes returns the scopes in a list with commas or spaces, in order and each
// once. Openid is always among them, or there would be no ID token.
func parseScopes(list string) ([]string, error) {
	scopes := strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' })
	for _, scope := range scopes {
		// RFC 6749, section 3.3.
		if strings.ContainsFunc(scope, func(r rune) bool { return r <= ' ' || r > '~' || r == '"' || r == '\\' }) {
			return nil, fmt.Errorf("-scopes: %.40q is none", scope)
		}
	}
	scopes = append(scopes, "openid")
	slices.Sort(scopes)
	return slices.Compact(scopes), nil
}
