package refresh

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"time"
)

// A subject has one row, with the version, 1 byte, and the epoch, 8 bytes. It is
// there once the subject was revoked. Families begun in an earlier epoch are
// over.
const (
	epochVersion = 1
	epochSize    = 1 + 8

	// firstEpoch is the epoch of a subject that has no row, so that a Grant can
	// say it: in a Grant 0 is none.
	firstEpoch = 1

	// loginTime is how long somebody may take who read the epoch before they
	// prove who they are.
	loginTime = 24 * time.Hour
)

var errEpoch = errors.New("refresh: Issuer: the Store has something under the key of a subject that is no epoch: does another program write there?")

var errNoSubjects = errors.New("refresh: Issuer: set Subjects, in all processes, and only then revoke subjects")

// subjectName returns what the row of a subject is called.
func subjectName(subject string) [16]byte {
	sum := sha256.Sum256([]byte(subject))
	return [16]byte(sum[:16])
}

// RevokeSubject ends all families of a subject that began before now, as after
// a change of password. It is an error unless Subjects is set. Until it returns
// nil it may or may not have done so: call it again then.
func (i *Issuer) RevokeSubject(ctx context.Context, subject string) error {
	if err := i.usableSubject(subject); err != nil {
		return err
	}
	key := subjectKey(subjectName(subject))
	var wanted int64
	var last error
	for range maxTries {
		old, epoch, err := i.epoch(ctx, key)
		if err != nil {
			return err
		}
		if wanted != 0 && epoch >= wanted {
			return nil // ours, or that of somebody who came later
		}
		wanted = max(max(epoch, firstEpoch)+1, i.now().UnixMilli())
		row := binary.BigEndian.AppendUint64([]byte{epochVersion}, uint64(wanted))
		ok, err := i.swap(ctx, key, old, row, i.epochExpires())
		if ok && err == nil {
			return nil
		}
		last = err
	}
	if last == nil {
		last = errors.New("others write it all the time")
	}
	return foreign("the epoch of the subject could not be written: try again", last)
}

// Epoch returns what to put into Grant.Epoch. It is read before the credential
// of the subject is checked. It is an error unless Subjects is set.
func (i *Issuer) Epoch(ctx context.Context, subject string) (int64, error) {
	if err := i.usableSubject(subject); err != nil {
		return 0, err
	}
	_, epoch, err := i.epoch(ctx, subjectKey(subjectName(subject)))
	return max(epoch, firstEpoch), err
}

func (i *Issuer) usableSubject(subject string) error {
	switch err := i.usable(); {
	case err != nil:
		return err
	case !i.Subjects:
		return errNoSubjects
	case subject == "":
		return errors.New("refresh: Issuer: the subject is empty")
	}
	return nil
}

func subjectKey(name [16]byte) string { return "subject/" + hex.EncodeToString(name[:]) }

// epoch reads a subject's row; 0 if there is none.
func (i *Issuer) epoch(ctx context.Context, key string) (raw []byte, epoch int64, err error) {
	raw, err = i.get(ctx, key)
	switch {
	case err != nil:
		return nil, 0, foreign("the epoch of the subject could not be read", err)
	case raw == nil:
		return nil, 0, nil
	case raw[0] > epochVersion:
		return nil, 0, fmt.Errorf("refresh: Issuer: the Store has an epoch of version %d, which this program does not know: run a newer one", raw[0])
	case len(raw) != epochSize || raw[0] != epochVersion:
		return nil, 0, errEpoch
	}
	epoch = int64(binary.BigEndian.Uint64(raw[1:]))
	if epoch < firstEpoch {
		return nil, 0, errEpoch
	}
	return raw, epoch, nil
}

// epochLater reads the epoch of a subject's row while its caller goes on, and
// returns what waits for it.
func (i *Issuer) epochLater(ctx context.Context, key string) func() (int64, error) {
	var epoch int64
	err := errors.New("refresh: Issuer.Store: Get called runtime.Goexit, and must return")
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, epoch, err = i.epoch(ctx, key)
	}()
	return func() (int64, error) {
		<-done
		return epoch, err
	}
}

// epochExpires returns when no family is left that began before now.
func (i *Issuer) epochExpires() time.Time {
	life := orDefault(i.Lifetime, defaultLifetime)
	if life == 0 {
		return time.Time{}
	}
	return time.Now().Add(life).Add(i.grace()).Add(loginTime + storeMargin)
}
