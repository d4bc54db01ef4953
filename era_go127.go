//go:build go1.27

package querycache

// era tells answers apart that rows of one Go version hold and those of another
// could not show as the driver does: from Go 1.27 on, drivers may scan by
// themselves.
const era = "go1.27"
