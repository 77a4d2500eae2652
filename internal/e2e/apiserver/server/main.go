// Command server is a Kubernetes control plane for tests: kube-apiserver and
// the etcd that it needs in one process, on loopback only, with a wall clock
// that can be moved while it runs.
//
//	server -data DIR [-clock OFFSET] -- [flags of kube-apiserver]
//
// It is spoken to on standard input, a line at a time, and answers each line
// on standard output; its log is standard error:
//
//	clock 10m0s    the wall clock is now ten minutes ahead of the machine's
//
// The end of standard input ends it and removes DIR. Whoever started it holds
// the other end of that pipe, so it cannot outlive a test that was killed.
// Ended in any other way it leaves DIR alone, to be started again on the same
// data.
//
// Package apiserver, one folder up, drives it; package program builds it.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	_ "time/tzdata" // kube-apiserver's own main has it too: CronJobs name time zones

	"k8s.io/component-base/cli"
	"k8s.io/kubernetes/cmd/kube-apiserver/app"
)

func main() {
	data := flag.String("data", "", "`folder` to run in; etcd's data goes there; removed when standard input ends")
	clock := flag.Duration("clock", 0, "how far the wall clock is ahead of the machine's")
	flag.Parse()
	if *data == "" {
		fail(errors.New("-data is missing: name the folder to run in"))
	}
	folder, err := filepath.Abs(*data)
	if err != nil {
		fail(err)
	}
	// The sockets of etcd have relative names, because the absolute ones can
	// be longer than the 104 bytes that a socket's name may have.
	if err := os.Chdir(folder); err != nil {
		fail(err)
	}
	if err := setClock(*clock); err != nil {
		fail(err)
	}
	go obey(os.Stdin, os.Stdout, func() {
		os.RemoveAll(folder)
		os.Exit(0)
	})
	endpoint, err := startEtcd()
	if err != nil {
		fail(fmt.Errorf("starting etcd: %w", err))
	}
	command := app.NewAPIServerCommand()
	command.SetArgs(append([]string{"--etcd-servers=" + endpoint}, flag.Args()...))
	os.Exit(cli.Run(command))
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "server:", err)
	os.Exit(1)
}
