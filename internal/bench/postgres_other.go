//go:build !unix

package main

import "os/exec"

// unprivileged does nothing: who runs this is not root.
func unprivileged(*exec.Cmd, string) error { return nil }
