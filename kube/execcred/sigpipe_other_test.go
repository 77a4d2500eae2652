//go:build !unix

package execcred_test

import "syscall"

const sigpipe = syscall.SIGTERM // there is no other
