package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"
)

// The store finds a login by its key. This is the list of them, for status and logout.

const (
	listKey     = "logins"
	maxAccounts = 100
)

// list puts an account into the list, or replaces what is there of it.
func (s *store) list(ctx context.Context, a account) error {
	return s.updateList(ctx, func(all []account) ([]account, error) {
		all = slices.DeleteFunc(all, func(b account) bool { return b.Key == a.Key })
		if len(all) >= maxAccounts {
			return nil, fmt.Errorf("there are %d logins in %s already: end some by kubectl-login logout", len(all), s.Path)
		}
		all = append(all, a)
		slices.SortFunc(all, func(a, b account) int {
			return cmp.Or(cmp.Compare(a.Issuer, b.Issuer), cmp.Compare(a.Cluster, b.Cluster), cmp.Compare(a.Key, b.Key))
		})
		return all, nil
	})
}

// unlist takes an account out of the list.
func (s *store) unlist(ctx context.Context, key string) error {
	return s.updateList(ctx, func(all []account) ([]account, error) {
		return slices.DeleteFunc(all, func(b account) bool { return b.Key == key }), nil
	})
}

func (s *store) updateList(ctx context.Context, change func([]account) ([]account, error)) error {
	return s.update(ctx, listKey, func(old []byte) ([]byte, time.Time, error) {
		all, err := parseList(old)
		if err == nil {
			all, err = change(all)
		}
		if err != nil || len(all) == 0 {
			return nil, time.Time{}, err
		}
		raw, err := json.Marshal(all)
		return raw, time.Time{}, err
	})
}

// accounts returns what is in the list.
func (s *store) accounts(ctx context.Context) ([]account, error) {
	raw, err := s.Get(ctx, listKey)
	if err != nil {
		return nil, err
	}
	return parseList(raw)
}

func parseList(raw []byte) (all []account, err error) {
	if raw == nil {
		return nil, nil
	}
	if json.Unmarshal(raw, &all) != nil {
		return nil, errors.New("the list of logins cannot be read: it was written by another version of this program")
	}
	return all, nil
}
