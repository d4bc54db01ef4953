package querycache

import (
	"encoding/binary"
	"hash/maphash"
)

// A queryKey identifies an answer: who asked, on what terms, what text, with
// what arguments. Two keys are equal only if every part is, byte for byte; the
// hash in front of the local tier decides nothing.
type queryKey struct {
	// ident stands for namespace, server, driver and session.
	ident *identity
	// text is the statement without its comments.
	text string
	// args is the encoding of the arguments, of what Config.Session said
	// and of the tags of the context.
	args string
	// kept tells apart those who load it: one who minds the writes of other
	// processes must not join one who does not. It is not part of the key of
	// an answer, whose stamp says for whom it is good.
	kept bool
}

// is compares without building a queryKey.
func (k *queryKey) is(ident *identity, text string, args []byte) bool {
	return k.ident == ident && k.text == text && k.args == string(args)
}

var hashSeed = maphash.MakeSeed()

func hashText(s string) uint64 { return maphash.String(hashSeed, s) }

// hashKey mixes the three parts into the local tier's key. A collision costs
// a miss, never a wrong answer.
func hashKey(ident *identity, textHash uint64, args []byte) uint64 {
	h := maphash.Bytes(hashSeed, args)
	h ^= textHash * 0x9e3779b97f4a7c15
	h = h<<31 | h>>33
	return h ^ ident.hash*0xff51afd7ed558ccd
}

// appendKeyString appends s so that no other sequence of appends gives the
// same bytes.
func appendKeyString(dst []byte, s string) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(s)))
	return append(dst, s...)
}
