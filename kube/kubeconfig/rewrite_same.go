package kubeconfig

import "go.yaml.in/yaml/v3"

// A wish is how one document is to differ from another: in one field of one mapping,
// which gets a value, and may be new.
type wish struct {
	at          *yaml.Node // the mapping, in the old document
	name, value string
}

// granted reports whether new is old but for the wish: all else, comments and the
// order too, is as it was.
func (w wish) granted(old, new *yaml.Node) bool {
	if !alike(old, new) {
		return false
	}
	if old != w.at {
		return len(old.Content) == len(new.Content) && w.grantedAll(old.Content, new.Content)
	}
	for i := 0; i+1 < len(new.Content); i += 2 {
		if key, value := new.Content[i], new.Content[i+1]; key.Value == w.name {
			before, after := new.Content[:i], new.Content[i+2:]
			if len(old.Content) == len(new.Content) { // it had the field
				was := *old.Content[i+1]
				was.Kind, was.Tag, was.Value, was.Style = value.Kind, value.Tag, value.Value, value.Style
				return w.isText(value) && alike(&was, value) && alike(old.Content[i], key) &&
					w.grantedAll(old.Content[:i], before) && w.grantedAll(old.Content[i+2:], after)
			}
			return len(old.Content) == len(new.Content)-2 && w.isText(value) &&
				alike(key, &yaml.Node{Kind: key.Kind, Tag: "!!str", Value: w.name, Style: key.Style}) &&
				alike(value, &yaml.Node{Kind: value.Kind, Tag: "!!str", Value: w.value, Style: value.Style}) &&
				w.grantedAll(old.Content[:i], before) && w.grantedAll(old.Content[i:], after)
		}
	}
	return false
}

func (w wish) grantedAll(old, new []*yaml.Node) bool {
	for i := range old {
		if i >= len(new) || !w.granted(old[i], new[i]) {
			return false
		}
	}
	return true
}

func (w wish) isText(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && n.Tag == "!!str" && n.Value == w.value
}

// alike compares two nodes without what is below them, or where they are.
func alike(a, b *yaml.Node) bool {
	return a.Kind == b.Kind && a.Style == b.Style && a.Tag == b.Tag && a.Value == b.Value && a.Anchor == b.Anchor &&
		a.HeadComment == b.HeadComment && a.LineComment == b.LineComment && a.FootComment == b.FootComment
}
