package session

import "testing"

func TestRecent(t *testing.T) {
	t.Parallel()
	var r recent[int, int]
	if _, ok := r.get(0); ok {
		t.Error("an empty map has something")
	}
	r.delete(0)
	for i := range 100 {
		r.put(0, -i, 10)
		r.put(i+1, i, 10)
		if n := len(r.young) + len(r.old); n > 10 {
			t.Fatalf("%d entries, want no more than 10", n)
		}
		if v, ok := r.get(0); !ok || v != -i {
			t.Fatalf("the one that is put all the time is %d, %t", v, ok)
		}
		for j := max(1, i-2); j <= i+1; j++ {
			if v, ok := r.get(j); !ok || v != j-1 {
				t.Fatalf("after %d, %d is %d, %t", i+1, j, v, ok)
			}
		}
	}
	r.delete(0)
	r.delete(99)
	for _, key := range []int{0, 1, 99} {
		if _, ok := r.get(key); ok {
			t.Errorf("%d is there", key)
		}
	}
	r.deleteFunc(func(_, v int) bool { return v < 99 })
	if n := len(r.young) + len(r.old); n != 1 {
		t.Errorf("%d entries, want one", n)
	}
	// What was put over does not come back.
	var twice recent[int, string]
	twice.put(1, "before", 4)
	twice.put(2, "", 4)
	twice.put(1, "after", 4)
	twice.deleteFunc(func(_ int, v string) bool { return v == "after" })
	if v, ok := twice.get(1); ok {
		t.Errorf("what was dropped is %q again", v)
	}
}
