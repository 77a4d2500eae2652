package kubeconfig

import (
	"fmt"
	"strings"
)

// A config is what files define together.
type config struct {
	files    []*file
	current  string
	contexts named[contextEntry]
	clusters named[clusterEntry]
	users    named[userEntry]

	shadowed  map[string][]string       // by the name of a user, the other files that define it
	uses      map[string][]contextEntry // by the name of a user, the contexts that are for it
	undefined []string                  // users that are only in contexts
}

// named are entries by their names. Of those of one name the first stays.
type named[E any] struct {
	order []E
	at    map[string]int
}

// add reports whether e is the first of its name.
func (n *named[E]) add(name string, e E) bool {
	if n.at == nil {
		n.at = map[string]int{}
	}
	if _, there := n.at[name]; there {
		return false
	}
	n.at[name] = len(n.order)
	n.order = append(n.order, e)
	return true
}

// get returns nil if there is none.
func (n *named[E]) get(name string) *E {
	if i, ok := n.at[name]; ok {
		return &n.order[i]
	}
	return nil
}

// add adds what a file defines and the files before it did not.
func (c *config) add(f *file) {
	c.files = append(c.files, f)
	if c.current == "" {
		c.current = f.current
	}
	for _, e := range f.contexts {
		c.contexts.add(e.name, e)
	}
	for _, e := range f.clusters {
		c.clusters.add(e.name, e)
	}
	for _, e := range f.users {
		if !c.users.add(e.name, e) {
			if c.shadowed == nil {
				c.shadowed = map[string][]string{}
			}
			c.shadowed[e.name] = append(c.shadowed[e.name], f.path)
		}
	}
}

// join finds out which contexts are for which user.
func (c *config) join() {
	c.uses = map[string][]contextEntry{}
	for _, e := range c.contexts.order {
		if e.user == "" {
			continue
		}
		if c.users.get(e.user) == nil && c.uses[e.user] == nil {
			c.undefined = append(c.undefined, e.user)
		}
		c.uses[e.user] = append(c.uses[e.user], e)
	}
}

// currentUser returns the name of the user of the current context.
func (c *config) currentUser() (string, error) {
	if c.current == "" {
		return "", fmt.Errorf("kubeconfig: %s has no current-context: name the user, or choose one with kubectl config use-context", c.paths())
	}
	at := c.contexts.get(c.current)
	switch {
	case at == nil:
		return "", fmt.Errorf("kubeconfig: %s has the current-context %.64q, which it does not define: choose another with kubectl config use-context", c.paths(), c.current)
	case at.user == "":
		return "", fmt.Errorf("kubeconfig: the context %.64q is for no user: name one with kubectl config set-context %s --user=USER", c.current, argument(c.current))
	}
	return at.user, nil
}

// paths names the files, for errors.
func (c *config) paths() string {
	var paths []string
	for _, f := range c.files {
		paths = append(paths, f.path)
	}
	return cut(strings.Join(paths, ", "), 400)
}

// names says which users there are, for errors.
func (c *config) names() string {
	if len(c.users.order) == 0 {
		return ", nor any other user"
	}
	var names []string
	for _, e := range c.users.order {
		names = append(names, fmt.Sprintf("%.64q", e.name))
	}
	return "; there is " + cut(strings.Join(names, ", "), 400)
}

// cut returns text, or the beginning of it.
func cut(text string, most int) string {
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "..."
}
