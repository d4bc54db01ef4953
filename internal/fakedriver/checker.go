package fakedriver

import (
	"database/sql/driver"
	"fmt"
	"math"
)

var (
	_ driver.NamedValueChecker = checker{}
	_ driver.NamedValueChecker = removeChecker{}
	_ driver.NamedValueChecker = numberChecker{}
	_ driver.ColumnConverter   = columnConverter{}
)

// A Point is an argument that only the checkers know: they make a string of
// it.
type Point struct{ X, Y int }

// A Forbidden is an argument that the checkers refuse.
type Forbidden struct{}

// An Option is not a parameter: the checker of Remove takes it out of the
// arguments.
type Option string

// checker is the one of Full.
type checker struct{}

// CheckNamedValue implements driver.NamedValueChecker.
func (checker) CheckNamedValue(nv *driver.NamedValue) error {
	switch v := nv.Value.(type) {
	case Point:
		nv.Value = fmt.Sprintf("(%d,%d)", v.X, v.Y)
		return nil
	case Forbidden:
		return &Error{"forbidden argument"}
	}
	return driver.ErrSkip
}

// removeChecker lets through what is no driver.Value, as pgx does.
type removeChecker struct{}

// CheckNamedValue implements driver.NamedValueChecker.
func (removeChecker) CheckNamedValue(nv *driver.NamedValue) error {
	switch nv.Value.(type) {
	case Option:
		return driver.ErrRemoveArgument
	case []int64:
		return nil
	}
	return checker{}.CheckNamedValue(nv)
}

// numberChecker accepts a uint64 that the default converter refuses.
type numberChecker struct{}

// CheckNamedValue implements driver.NamedValueChecker.
func (numberChecker) CheckNamedValue(nv *driver.NamedValue) error {
	if n, ok := nv.Value.(uint64); ok && n > math.MaxInt64 {
		return nil
	}
	return checker{}.CheckNamedValue(nv)
}

// columnConverter converts the first parameter to a small number and the
// others to strings or NULL.
type columnConverter struct{}

// ColumnConverter implements driver.ColumnConverter.
func (columnConverter) ColumnConverter(index int) driver.ValueConverter {
	if index == 0 {
		return driver.Int32
	}
	return driver.Null{Converter: driver.String}
}
