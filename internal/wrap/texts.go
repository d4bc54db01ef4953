package wrap

import (
	"sync"
	"sync/atomic"
)

// maxTexts and maxText bound what is remembered of texts: their number, and
// the bytes of each.
const (
	maxTexts = 10_000
	maxText  = 16 << 10
)

// texts are those that the database has prepared without an error before:
// preparing them again can wait until they run. It is safe for concurrent use.
type texts struct {
	known sync.Map
	n     atomic.Int32
}

func (t *texts) has(text string) bool {
	_, ok := t.known.Load(text)
	return ok
}

func (t *texts) add(text string) {
	if len(text) > maxText || t.n.Load() >= maxTexts {
		return
	}
	if _, known := t.known.LoadOrStore(text, struct{}{}); !known {
		t.n.Add(1)
	}
}
