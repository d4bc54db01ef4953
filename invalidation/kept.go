package invalidation

import "strings"

// An answer may be kept on writes: it then outlives those of other processes,
// until its lifetime ends. What does end it has a tag of its own next to each
// tag: bumped by everybody for what an application invalidates, and noted in its
// own view by who writes. Views with such tags of others are the same on all
// nodes; what a node has written is its own affair.
const keptPrefix = "k:"

// keptOf returns the tag that ends what is kept on writes of tag.
func keptOf(tag string) string { return keptPrefix + tag }

func isKept(tag string) bool { return strings.HasPrefix(tag, keptPrefix) }

func keptOfAll(tags []string) []string {
	list := make([]string, len(tags))
	for i, tag := range tags {
		list[i] = keptOf(tag)
	}
	return list
}

// kept reports whether nothing was written to the tags by this node after the
// stamp, nor invalidated or altered by anybody.
func (v *view) kept(st FleetStamp, tags []string) bool {
	if st.Epoch != v.epoch || st.Epoch == "" {
		return false
	}
	v.mu.RLock()
	defer v.mu.RUnlock()
	if v.revoked > st.Seq || v.ver[Schema] > st.Seq || v.ver[keptOf(All)] > st.Seq {
		return false
	}
	for _, tag := range tags {
		if v.ver[keptOf(tag)] > st.Seq {
			return false
		}
	}
	return true
}

// wrote notes that this node has bumped tags.
func (n *Node) wrote(tags []string, seq uint64) {
	v := n.view.Load()
	for _, tag := range tags {
		if isKept(tag) || tag == Schema {
			continue
		}
		if _, folded := v.raise(keptOf(tag), seq); folded {
			n.space.revoke(All) // as in learn
		}
	}
}
