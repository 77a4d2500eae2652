package main

import (
	"bytes"
	"fmt"
	"os"
	"strings"
)

// parentProcess names the process that has run this one, such as kubectl.
func parentProcess() string {
	pid := os.Getppid()
	return fmt.Sprintf("%d %s", pid, began(pid))
}

// gone reports whether a process that parentProcess has named is known to have ended.
func gone(name string) bool {
	var pid int
	var start string
	fmt.Sscan(name, &pid, &start)
	return start != "" && began(pid) != start
}

// began returns when a process began, by which it is told from another that gets its
// number later. It is empty where there is no /proc, and for a process that has ended.
func began(pid int) string {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return ""
	}
	// The second field is a name in parentheses, with anything in it; this is the 22nd.
	after := string(stat[bytes.LastIndexByte(stat, ')')+1:])
	if fields := strings.Fields(after); len(fields) > 19 {
		return fields[19]
	}
	return ""
}
