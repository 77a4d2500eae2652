package rancher

// A Setting is one of a server's settings, as it is in force.
type Setting struct {
	Name       string
	Value      string // in force now
	Default    string // 2.x only
	Source     string // where Value is from: "db", "default" or "env" in 2.x
	Customized bool   // somebody has set it, other than by the environment
}
