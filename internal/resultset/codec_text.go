package resultset

// chunkBytes is how many bytes of text become one string, which the strings of
// a Set are parts of. One string for everything would be held as a whole by a
// user who keeps a single name of a large answer; one for each value costs an
// allocation each. A longer string is a chunk of its own.
const chunkBytes = 4 << 10

// string adds the size of v to the head and v to the text.
func (e *encoder) string(v string) {
	e.size(len(v))
	start := 0
	if n := len(e.cuts); n > 0 {
		start = e.cuts[n-1]
	}
	// No chunk is empty: nobody would read it.
	if open := len(e.text) - start; open > 0 && len(v) > 0 && open+len(v) > chunkBytes {
		e.cuts = append(e.cuts, len(e.text))
	}
	e.text = append(e.text, v...)
}

// text gives out the strings of a Set in the order in which they were added.
type text struct {
	chunks reader
	chunk  string // the current one
	used   int    // bytes of it that have been given out
}

// next returns the next string, of n bytes; false if it is not in one chunk.
func (t *text) next(n uint64) (string, bool) {
	if n > uint64(len(t.chunk)-t.used) && !t.turn(n) {
		return "", false
	}
	start := t.used
	t.used += int(n)
	return t.chunk[start:t.used], true
}

// turn makes the next chunk the current one, for a string of n bytes.
func (t *text) turn(n uint64) bool {
	if t.used < len(t.chunk) {
		return false
	}
	t.chunk, t.used = string(t.chunks.bytes(t.chunks.uvarint())), 0
	return n <= uint64(len(t.chunk))
}

// done reports whether all text has been given out.
func (t *text) done() bool { return t.used == len(t.chunk) && t.chunks.done() }
