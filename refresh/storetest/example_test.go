package storetest_test

import (
	"context"
	"fmt"
	"time"

	"github.com/tokenlife/tokenlife/refresh"
	"github.com/tokenlife/tokenlife/refresh/storetest"
)

// The first write is made, and its answer is lost.
func ExampleFaulty() {
	store := &storetest.Faulty{Store: new(refresh.Memory), Script: func(c storetest.Call) storetest.Fault {
		if c.Swap && c.N == 1 {
			return storetest.ApplyFail
		}
		return storetest.None
	}}
	ctx := context.Background()
	ok, err := store.Swap(ctx, "k", nil, []byte("v"), time.Time{})
	fmt.Println(ok, err)
	value, err := store.Get(ctx, "k")
	fmt.Printf("%s %v\n", value, err)
	// Output:
	// false storetest: a fault, as the test asked for
	// v <nil>
}
