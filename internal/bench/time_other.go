//go:build !unix

package main

import "time"

var began = time.Now()

// processorTime returns the time of day, which is as good on an idle machine.
func processorTime() time.Duration { return time.Since(began) }
