package refresh

// MemoryLen returns how many entries m keeps, expired ones included.
func MemoryLen(m *Memory) int { return len(m.entries) }
