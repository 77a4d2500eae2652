package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"sync"
	"time"

	"github.com/tokenlife/tokenlife/refresh/sqlstore"
)

// onPostgres has 64 goroutines rotate a family each on PostgreSQL, in turns
// with 64 that read and update a row each by the least SQL that does it.
func onPostgres(r *report) error {
	const (
		families = 64
		least    = 0.6 // times the bare statements
	)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	r.progress("starting PostgreSQL")
	db, stopPostgres, err := startPostgres(ctx)
	if errors.Is(err, errNoPostgres) && os.Getenv("CI") == "" {
		r.progress("")
		fmt.Fprintf(r.w, "%d families on PostgreSQL: skipped: %v\n", families, err)
		return nil
	}
	if err != nil {
		return err
	}
	defer stopPostgres()
	db.SetMaxOpenConns(families)
	db.SetMaxIdleConns(families)

	issuer := newIssuer(&sqlstore.PostgreSQL{DB: db, Table: "families"}, opaque)
	if _, err := db.ExecContext(ctx, "CREATE TABLE bare (k bytea PRIMARY KEY, v bytea NOT NULL)"); err != nil {
		return err
	}
	var ours, bare []func(context.Context) error
	for range families {
		f, err := begin(ctx, issuer)
		if err != nil {
			return err
		}
		ours = append(ours, f.rotate)
		b, err := newBareRow(ctx, db)
		if err != nil {
			return err
		}
		bare = append(bare, b.update)
	}

	r.progress(fmt.Sprintf("%d families on PostgreSQL", families))
	var rates [2][]float64 // rotations a second in each round
	var ratios []float64
	for round := range pick(r, 200, 2) {
		var rate [2]float64
		for turn := range 2 {
			who := (round + turn) % 2
			began := time.Now()
			const each = 4
			if err := atOnce(ctx, each, [][]func(context.Context) error{ours, bare}[who]); err != nil {
				return err
			}
			rate[who] = families * each / time.Since(began).Seconds()
			rates[who] = append(rates[who], rate[who])
		}
		ratios = append(ratios, rate[0]/rate[1])
	}
	ratio := median(ratios)
	r.add(row{
		name:  fmt.Sprintf("%d families on PostgreSQL: rotations a s", families),
		cells: []string{fmt.Sprintf("%.0f", median(rates[0]))},
		ratio: fmt.Sprintf("%.2f × %.0f", ratio, median(rates[1])),
		bar:   fmt.Sprintf("≥ %.2f", least),
		ok:    ratio >= least,
		timed: true,
	})
	return nil
}

// atOnce calls each of fs a number of times, on a goroutine for each.
func atOnce(ctx context.Context, times int, fs []func(context.Context) error) error {
	errs := make([]error, len(fs))
	var all sync.WaitGroup
	for i, f := range fs {
		all.Go(func() {
			for range times {
				if errs[i] = f(ctx); errs[i] != nil {
					return
				}
			}
		})
	}
	all.Wait()
	return errors.Join(errs...)
}

// median returns the middle one.
func median(xs []float64) float64 { return slices.Sorted(slices.Values(xs))[len(xs)/2] }

// A bareRow is a row of the table bare, with as much in it as a family has.
type bareRow struct {
	db         *sql.DB
	key, value []byte
}

func newBareRow(ctx context.Context, db *sql.DB) (*bareRow, error) {
	b := &bareRow{db, []byte("family/" + rand.Text()), make([]byte, 128)}
	rand.Read(b.value)
	_, err := db.ExecContext(ctx, "INSERT INTO bare VALUES ($1, $2)", b.key, b.value)
	return b, err
}

// update reads the row, and writes it if it is what was read.
func (b *bareRow) update(ctx context.Context) error {
	var old []byte
	if err := b.db.QueryRowContext(ctx, "SELECT v FROM bare WHERE k = $1", b.key).Scan(&old); err != nil {
		return err
	}
	next := bytes.Clone(old)
	binary.BigEndian.PutUint64(next, binary.BigEndian.Uint64(old)+1)
	result, err := b.db.ExecContext(ctx, "UPDATE bare SET v = $1 WHERE k = $2 AND v = $3", next, b.key, old)
	if err != nil {
		return err
	}
	n, err := result.RowsAffected()
	if err == nil && n != 1 {
		err = errors.New("the row changed meanwhile")
	}
	return err
}
