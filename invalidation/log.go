package invalidation

import "slices"

// A Log collects what a transaction has written, to be bumped when it commits
// and dropped when it rolls back. The zero value is empty. It belongs to one
// connection and is not safe for concurrent use.
type Log struct {
	tags Tags
}

// Add notes tags. It must be called before the statement is sent: one that
// fails may still have written.
func (l *Log) Add(tags Tags) {
	if tags.all {
		l.tags.all = true
	}
	l.tags.list = union(l.tags.list, tags.list)
}

// Tags returns what was noted.
func (l *Log) Tags() Tags {
	return tagsOf(slices.Clone(l.tags.list), l.tags.all)
}

// Reset forgets everything.
func (l *Log) Reset() { l.tags = Tags{} }
