package refresh

// MemoryLen returns how many entries m keeps, expired ones included.
func MemoryLen(m *Memory) int { return len(m.entries) }

// MemoryRoom returns for how many entries the map of m was made, or has grown.
func MemoryRoom(m *Memory) int { return m.most }
