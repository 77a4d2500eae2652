package kubeconfig

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tokenlife/tokenlife/token"
)

// Of which refresh tokens a kubeconfig was given, or was taken over from it, there is a
// record beside the pair: their SHA-256, the newest last, as JSON.
//
//	{"v": 1, "known": ["…"]}
//
// What is in a kubeconfig that is behind, because it could not be written or came out of
// a backup, is in the record, and was spent. What is not, somebody else put there.
type knownRecord struct {
	Version int      `json:"v"`
	Known   []string `json:"known"`
}

const (
	knownVersion = 1
	maxKnown     = 64

	// maxSwaps is how often the record is written anew because another process has
	// written it in between.
	maxSwaps = 16
)

// fingerprint is what the record has of a refresh token.
func fingerprint(t token.Token) string {
	sum := sha256.Sum256([]byte(t.Value.Reveal()))
	return hex.EncodeToString(sum[:])
}

// record returns what is recorded, and how it is stored.
func (l *oidcLogin) record(ctx context.Context) (known []string, raw []byte, err error) {
	raw, err = l.store.Get(ctx, l.recordKey())
	if err != nil {
		return nil, nil, fmt.Errorf("reading which refresh tokens were written: %w", err)
	}
	if raw == nil {
		return nil, nil, nil
	}
	var r knownRecord
	if err := json.Unmarshal(raw, &r); err != nil || r.Version != knownVersion {
		return nil, nil, errors.New("which refresh tokens were written was recorded by another version of this package: update this program, or choose another OIDC.Dir")
	}
	return r.Known, raw, nil
}

func (l *oidcLogin) recordKey() string { return "kubeconfig/" + l.key }

// wrote reports whether t is in the record.
func (l *oidcLogin) wrote(ctx context.Context, t token.Token) (bool, error) {
	known, _, err := l.record(ctx)
	return slices.Contains(known, fingerprint(t)), err
}

// remember puts refresh tokens into the record.
func (l *oidcLogin) remember(ctx context.Context, tokens ...token.Token) error {
	for range maxSwaps {
		known, raw, err := l.record(ctx)
		if err != nil {
			return err
		}
		size := len(known)
		for _, t := range tokens {
			if print := fingerprint(t); !slices.Contains(known, print) {
				known = append(known, print)
			}
		}
		if len(known) == size {
			return nil
		}
		next, err := json.Marshal(knownRecord{knownVersion, known[max(0, len(known)-maxKnown):]})
		if err != nil {
			return err
		}
		// Whether it was taken is seen when it is read again, and whether what was to be
		// there was the oldest and made room.
		if _, err := l.store.Swap(ctx, l.recordKey(), raw, next, time.Time{}); err != nil {
			return fmt.Errorf("recording which refresh token is written: %w", err)
		}
	}
	return errors.New("recording which refresh token is written: others write all the time")
}
