//go:build !go1.27

package querycache

// era: see era_go127.go.
const era = ""
