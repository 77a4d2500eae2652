//go:build unix

package execcred_test

import "syscall"

const sigpipe = syscall.SIGPIPE
