package fakedriver

import "database/sql/driver"

// A Shape says which optional interfaces a driver has: see the package
// documentation.
type Shape int

// The shapes.
const (
	Full Shape = iota
	Legacy
	Minimal
	Skip
	NoReset
	NoValid
	Remove
	StmtChecker
)

// Shapes returns all shapes.
func Shapes() []Shape {
	return []Shape{Full, Legacy, Minimal, Skip, NoReset, NoValid, Remove, StmtChecker}
}

// String returns the name of the constant.
func (s Shape) String() string {
	return [...]string{"Full", "Legacy", "Minimal", "Skip", "NoReset", "NoValid", "Remove", "StmtChecker"}[s]
}

// Context reports whether the driver learns of the context of a statement.
func (s Shape) Context() bool { return s != Legacy && s != Minimal }

// Named reports whether the driver takes named arguments.
func (s Shape) Named() bool { return s == Full || s == NoReset || s == NoValid }

type (
	fullConn struct {
		contextConn
		queryer
		resetter
		validator
		checker
	}
	legacyConn struct {
		minimalConn
		legacyQueryer
	}
	skipConn struct {
		contextConn
		skipQueryer
		resetter
		validator
	}
	noResetConn struct {
		contextConn
		queryer
		validator
		checker
	}
	noValidConn struct {
		contextConn
		queryer
		resetter
		checker
	}
	removeConn struct {
		contextConn
		queryer
		resetter
		validator
		removeChecker
	}
	stmtCheckerConn struct {
		contextConn
		resetter
		validator
	}
)

func (s Shape) conn(c *conn) driver.Conn {
	least := minimalConn{c}
	ctx := contextConn{least}
	switch s {
	case Full:
		return fullConn{ctx, queryer{c}, resetter{c}, validator{c}, checker{}}
	case Legacy:
		return legacyConn{least, legacyQueryer{c}}
	case Minimal:
		return least
	case Skip:
		return skipConn{ctx, skipQueryer{queryer{c}}, resetter{c}, validator{c}}
	case NoReset:
		return noResetConn{ctx, queryer{c}, validator{c}, checker{}}
	case NoValid:
		return noValidConn{ctx, queryer{c}, resetter{c}, checker{}}
	case Remove:
		return removeConn{ctx, queryer{c}, resetter{c}, validator{c}, removeChecker{}}
	default:
		return stmtCheckerConn{ctx, resetter{c}, validator{c}}
	}
}

type (
	fullStmt struct {
		contextStmt
		checker
	}
	numberStmt struct {
		contextStmt
		numberChecker
	}
	legacyStmt struct {
		minimalStmt
		columnConverter
	}
)

func (s Shape) stmt(st *stmt) driver.Stmt {
	least := minimalStmt{st}
	ctx := contextStmt{least}
	switch s {
	case Legacy:
		return legacyStmt{least, columnConverter{}}
	case Minimal:
		return least
	case Remove:
		return ctx
	case Skip, StmtChecker:
		return numberStmt{ctx, numberChecker{}}
	default:
		return fullStmt{ctx, checker{}}
	}
}

func (s Shape) rows(r *rows) driver.Rows {
	if s.Context() {
		return fullRows{r}
	}
	return r
}
