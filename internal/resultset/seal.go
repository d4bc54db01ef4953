package resultset

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/subtle"
	"errors"
	"fmt"
)

// SealKeyBytes is the length of a key of [NewSeal].
const SealKeyBytes = 32

// ErrSeal is the error of [Seal.Open]. To one who reads from a shared tier it
// is a miss.
var ErrSeal = errors.New("resultset: payload does not open with these keys under this name")

// sealVersion is the first byte of what Seal makes. It is no [FormatVersion],
// so that one who expects a plain payload does not take a sealed one for it.
const sealVersion = 0x81

// Seal encrypts payloads with AES-256-GCM, so that one who can read the shared
// tier learns no more than their sizes (compressed: so something of how much
// they repeat), names and times, and one who can write to it can make no
// payload that opens: not a new one, not a changed one, and not one that was
// made for another name. He can still put back an older one of the same name,
// or none; what it says of its age must be inside.
//
// The nonce is random and has 96 bits. Therefore no key may seal more than
// 2^32 payloads over its life, all processes together: beyond, the chance that
// two nonces are equal is no longer below 2^-32, and two payloads under one
// nonce give away both of them and the means to forge. At 100 stores a second
// that is 16 months, at 1,000 seven weeks, at 10,000 five days. Nothing here
// counts them: keys must be replaced in time.
//
// A Seal is immutable and safe for concurrent use. The zero value opens
// nothing and must not seal.
type Seal struct {
	aeads []cipher.AEAD // the first seals, all open
}

// NewSeal returns a Seal of one or more keys of 32 random bytes. The first
// seals and all open, so to replace a key, first give the new one to every
// process behind the old one, then in front of it, and drop the old one once
// everything that it sealed has expired. The error says which key is wrong and
// what is; it holds no part of a key.
func NewSeal(keys ...[]byte) (*Seal, error) {
	if len(keys) == 0 {
		return nil, errors.New("no key to seal with")
	}
	s := &Seal{}
	for i, key := range keys {
		if len(key) != SealKeyBytes {
			return nil, fmt.Errorf("key %d of %d has %d bytes, expected %d; is it still in hex or base64?",
				i+1, len(keys), len(key), SealKeyBytes)
		}
		if subtle.ConstantTimeCompare(key, make([]byte, SealKeyBytes)) == 1 {
			return nil, fmt.Errorf("key %d of %d is all zeros", i+1, len(keys))
		}
		for j, other := range keys[:i] {
			if subtle.ConstantTimeCompare(key, other) == 1 {
				return nil, fmt.Errorf("keys %d and %d of %d are the same", j+1, i+1, len(keys))
			}
		}
		block, err := aes.NewCipher(key)
		if err != nil {
			return nil, fmt.Errorf("key %d: %w", i+1, err)
		}
		aead, err := cipher.NewGCMWithRandomNonce(block)
		if err != nil {
			return nil, fmt.Errorf("key %d: %w", i+1, err)
		}
		s.aeads = append(s.aeads, aead)
	}
	return s, nil
}

// Seal appends plain to dst, sealed for the given name, which is that of the
// entry in the shared tier and must tell apart all that is sealed with a key.
// It takes 29 bytes more than plain, which must not lie in the spare capacity of
// dst.
func (s *Seal) Seal(dst []byte, name string, plain []byte) []byte {
	return s.aeads[0].Seal(append(dst, sealVersion), nil, plain, bound(name))
}

// Open returns what was sealed for the given name with one of the keys. The
// error is [ErrSeal], whatever is wrong. sealed is left as it is.
func (s *Seal) Open(name string, sealed []byte) ([]byte, error) {
	if len(sealed) == 0 || sealed[0] != sealVersion {
		return nil, ErrSeal
	}
	data := bound(name)
	for _, aead := range s.aeads {
		if plain, err := aead.Open(nil, nil, sealed[1:], data); err == nil {
			return plain, nil
		}
	}
	return nil, ErrSeal
}

// bound returns what a sealed payload is bound to, besides its key.
func bound(name string) []byte {
	return append([]byte{sealVersion, FormatVersion}, name...)
}
