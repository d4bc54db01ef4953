package remote

import (
	"encoding/base64"
	"strings"
)

// controlVersion is that of sync.lua and of the channel. Nodes that differ in
// it do not hear each other, so a new one is first released as a library that
// bumps under both.
const controlVersion = "1"

// entryFormat is that of the payload of an entry.
const entryFormat = "3"

// keys are the names of one namespace in Redis.
type keys struct {
	control string
	channel string
	entry   string // what an entry's key begins with
}

func newKeys(namespace string) keys {
	ns := controlVersion + "/" + escape(namespace)
	control := "{qc:" + ns + "}:z"
	return keys{
		control: control,
		channel: control + ":c",
		entry:   "qc:" + ns + ":" + entryFormat + ":{",
	}
}

// of returns the key of the entry with this digest.
func (k keys) of(digest []byte) string { return k.with(digest, "}:e") }

// leaseOf returns the key of the lease on loading it, in the same slot.
func (k keys) leaseOf(digest []byte) string { return k.with(digest, "}:l") }

func (k keys) with(digest []byte, end string) string {
	var room [256]byte
	b := append(room[:0], k.entry...)
	b = base64.RawURLEncoding.AppendEncode(b, digest)
	b = append(b, end...)
	return string(b)
}

// escape leaves letters, digits and a few signs, and writes every other byte
// as %XX: a brace would end the hash tag, a colon the namespace, and others
// have a meaning in the patterns of an ACL.
func escape(s string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9',
			c == '-', c == '_', c == '.', c == '|', c == '/':
			b.WriteByte(c)
		default:
			b.WriteByte('%')
			b.WriteByte(hex[c>>4])
			b.WriteByte(hex[c&15])
		}
	}
	return b.String()
}
