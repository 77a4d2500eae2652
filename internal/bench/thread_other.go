//go:build !linux

package main

import "time"

// threadTime returns the processor time of the whole process, which is as good
// while nothing else runs in it.
func threadTime() time.Duration { return settledTime() }
