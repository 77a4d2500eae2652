package session

import "maps"

// A recent is a map of bounded size that drops, half at a time, what was put into
// it longest ago. The zero recent is empty and ready.
type recent[K comparable, V any] struct {
	young, old map[K]V
}

// get returns what is under key.
func (r *recent[K, V]) get(key K) (v V, ok bool) {
	if v, ok = r.young[key]; !ok {
		v, ok = r.old[key]
	}
	return v, ok
}

// put puts v under key, and drops what is too much for a map of size most.
func (r *recent[K, V]) put(key K, v V, most int) {
	delete(r.old, key)
	if r.young == nil {
		r.young = make(map[K]V)
	}
	r.young[key] = v
	if len(r.young) >= most/2 {
		r.young, r.old = nil, r.young
	}
}

// deleteFunc drops what del says true of.
func (r *recent[K, V]) deleteFunc(del func(K, V) bool) {
	maps.DeleteFunc(r.young, del)
	maps.DeleteFunc(r.old, del)
}

// delete drops what is under key.
func (r *recent[K, V]) delete(key K) {
	delete(r.young, key)
	delete(r.old, key)
}
