package main

import (
	"context"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"
)

// TestStoreClose has the end of the program wait for an exchange, and begin no other.
func TestStoreClose(t *testing.T) {
	t.Parallel()
	s := openStore(t.TempDir())
	unlock, err := s.Lock(t.Context(), "pair")
	if err != nil {
		t.Fatal(err)
	}
	closed := make(chan struct{})
	go func() { s.close(); close(closed) }()
	for {
		s.mu.Lock()
		begun := s.closed
		s.mu.Unlock()
		if begun {
			break
		}
		time.Sleep(time.Millisecond)
	}
	if _, err := s.Lock(t.Context(), "other"); err == nil {
		t.Error("a lock was given when the program was about to end")
	}
	select {
	case <-closed:
		t.Error("close did not wait")
	default:
	}
	unlock()
	unlock() // does nothing
	<-closed
	s.close() // likewise

	// What was not given is free.
	other := openStore(s.Path + "/..")
	soon, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if release, err := other.Lock(soon, "other"); err != nil {
		t.Error(err)
	} else {
		release()
	}
}

// TestList has many change the list at once, and keeps it within bounds.
func TestList(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	var all sync.WaitGroup
	for n := range 8 {
		all.Go(func() {
			if err := openStore(folder).list(t.Context(), account{Key: fmt.Sprint(n)}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	s := openStore(folder)
	if got, err := s.accounts(t.Context()); err != nil || len(got) != 8 {
		t.Errorf("%d accounts, %v, want 8", len(got), err)
	}
	for n := range maxAccounts {
		if err := s.list(t.Context(), account{Key: fmt.Sprint(n)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.list(t.Context(), account{Key: "one more"}); err == nil {
		t.Error("the list has no bound")
	}
	if err := s.list(t.Context(), account{Key: "5", Issuer: "changed"}); err != nil {
		t.Errorf("one that is there: %v", err)
	}
	for n := range maxAccounts {
		if err := s.unlist(t.Context(), fmt.Sprint(n)); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := s.accounts(t.Context()); err != nil || got != nil {
		t.Errorf("%v, %v, want none", got, err)
	}
}

func TestParentProcess(t *testing.T) {
	t.Parallel()
	if name := parentProcess(); gone(name) || name != parentProcess() {
		t.Errorf("the parent process is %q, gone", name)
	}
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		t.Skip("there is no /proc")
	}
	if began(os.Getpid()) == "" || began(os.Getpid()) == began(1) || began(-1) != "" {
		t.Error("processes are not told from one another")
	}
	if !gone(fmt.Sprintf("%d 1", os.Getpid())) {
		t.Error("a process with the number of one that has ended was taken for that")
	}
	if gone("4711 ") || gone("") || gone("A") {
		t.Error("what is not known is gone")
	}
}
