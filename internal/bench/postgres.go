package main

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"
)

// errNoPostgres means that PostgreSQL is not installed here.
var errNoPostgres = errors.New("PostgreSQL is not there: apt-get install postgresql")

// startPostgres starts PostgreSQL with its own settings but for where it is: in
// a temporary folder, reached by nothing but a socket there. It runs until stop
// is called or ctx is done.
func startPostgres(ctx context.Context) (db *sql.DB, stop func(), err error) {
	bin, err := postgresFolder()
	if err != nil {
		return nil, nil, err
	}
	dir, err := os.MkdirTemp("", "bench-postgres-")
	if err != nil {
		return nil, nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	stop = func() {
		if db != nil {
			db.Close()
		}
		cancel()
		<-ended
		os.RemoveAll(dir)
	}
	defer func() {
		if err != nil {
			stop()
		}
	}()

	data := filepath.Join(dir, "data")
	var said bytes.Buffer
	command := func(name string, args ...string) (*exec.Cmd, error) {
		cmd := exec.CommandContext(ctx, filepath.Join(bin, name), args...)
		cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &said, &said
		cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) } // it tidies up
		cmd.WaitDelay = 10 * time.Second
		return cmd, unprivileged(cmd, dir)
	}
	cmd, err := command("initdb", "-D", data, "-U", "bench", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
	if err == nil {
		err = cmd.Run()
	}
	if err != nil {
		close(ended)
		return nil, nil, fmt.Errorf("initdb: %w\n%s", err, &said)
	}
	cmd, err = command("postgres", "-D", data, "-k", dir, "-c", "listen_addresses=")
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		close(ended)
		return nil, nil, fmt.Errorf("postgres: %w", err)
	}
	go func() {
		cmd.Wait()
		close(ended)
	}()

	db, err = sql.Open("pgx", "user=bench dbname=postgres host="+dir)
	if err != nil {
		return nil, nil, err
	}
	for began := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		if err = db.PingContext(ctx); err == nil {
			return db, stop, nil
		}
		select {
		case <-ended:
			return nil, nil, fmt.Errorf("postgres has ended:\n%s", &said)
		default:
		}
		if time.Since(began) > 2*time.Minute {
			return nil, nil, fmt.Errorf("postgres does not answer: %w", err)
		}
	}
}

// postgresFolder returns where its programs are. Debian keeps them out of the
// PATH, in a folder for each version.
func postgresFolder() (string, error) {
	folders, err := filepath.Glob("/usr/lib/postgresql/*/bin")
	if err != nil {
		return "", err
	}
	slices.Reverse(folders)
	for _, folder := range append(folders, filepath.SplitList(os.Getenv("PATH"))...) {
		if _, err := exec.LookPath(filepath.Join(folder, "initdb")); err == nil {
			return folder, nil
		}
	}
	return "", errNoPostgres
}
