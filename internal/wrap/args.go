package wrap

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"reflect"
)

// convert runs the checks of database/sql's driverArgsConnLocked (convert.go)
// that [Conn.CheckNamedValue] put off: the same conversions in the same order,
// with the same errors. It works in args, which database/sql made for this
// call. stmt is nil for a statement that was not prepared.
func convert(connChecker driver.NamedValueChecker, stmt driver.Stmt, args []driver.NamedValue) ([]driver.NamedValue, error) {
	want := -1
	checker := connChecker
	var columns driver.ColumnConverter //nolint:staticcheck // drivers of before Go 1.9
	if stmt != nil {
		want = stmt.NumInput()
		if c, ok := stmt.(driver.NamedValueChecker); ok {
			checker = c
		}
		columns, _ = stmt.(driver.ColumnConverter) //nolint:staticcheck // as above
	}
	n := 0
	for i := range args {
		// In place: a copy would be one allocation per argument, as its
		// address goes to the driver.
		nv := &args[n]
		*nv = args[i]
		nv.Ordinal = n + 1
		switch err := check(nv, checker, columns, want); err {
		case nil:
			n++
		case driver.ErrRemoveArgument: //nolint:errorlint // database/sql compares it so
		default:
			return nil, fmt.Errorf("sql: converting argument %s type: %w", describe(nv), err)
		}
	}
	args = args[:n]
	if want != -1 && n != want {
		return nil, fmt.Errorf("sql: expected %d arguments, got %d", want, n)
	}
	return args, nil
}

// check asks the driver's checker, then its column converter, then the
// default; each may pass on with ErrSkip.
func check(nv *driver.NamedValue, checker driver.NamedValueChecker, columns driver.ColumnConverter, want int) error { //nolint:staticcheck // as above
	if checker != nil {
		if err := checker.CheckNamedValue(nv); err != driver.ErrSkip { //nolint:errorlint // database/sql compares it so
			return err
		}
	}
	if columns != nil {
		if err := checkColumn(nv, columns, want); err != driver.ErrSkip { //nolint:errorlint // database/sql compares it so
			return err
		}
	}
	var err error
	nv.Value, err = driver.DefaultParameterConverter.ConvertValue(nv.Value)
	return err
}

// checkColumn follows ccChecker.CheckNamedValue of database/sql.
func checkColumn(nv *driver.NamedValue, columns driver.ColumnConverter, want int) error { //nolint:staticcheck // as above
	index := nv.Ordinal - 1
	if want >= 0 && want <= index {
		return nil // too many arguments: reported at the end
	}
	if v, ok := nv.Value.(driver.Valuer); ok {
		value, err := callValuer(v)
		if err != nil {
			return err
		}
		if !driver.IsValue(value) {
			return fmt.Errorf("non-subset type %T returned from Value", value)
		}
		nv.Value = value
	}
	arg := nv.Value
	var err error
	nv.Value, err = columns.ColumnConverter(index).ConvertValue(arg)
	if err != nil {
		return err
	}
	if !driver.IsValue(nv.Value) {
		return fmt.Errorf("driver ColumnConverter error converted %T to unsupported type %T", arg, nv.Value)
	}
	return nil
}

// callValuer calls Value, but takes a nil pointer whose type has Value on the
// element for NULL, as database/sql does.
func callValuer(v driver.Valuer) (driver.Value, error) {
	if rv := reflect.ValueOf(v); rv.Kind() == reflect.Pointer && rv.IsNil() &&
		rv.Type().Elem().Implements(reflect.TypeFor[driver.Valuer]()) {
		return nil, nil
	}
	return v.Value()
}

// unnamed follows namedValueToValue of database/sql's ctxutil.go, and the
// check of the context that comes after it there.
func unnamed(ctx context.Context, args []driver.NamedValue) ([]driver.Value, error) {
	values := make([]driver.Value, len(args))
	for i, nv := range args {
		if nv.Name != "" {
			return nil, errors.New("sql: driver does not support the use of Named Parameters")
		}
		values[i] = nv.Value
	}
	return values, ctx.Err()
}

func describe(nv *driver.NamedValue) string {
	if nv.Name == "" {
		return fmt.Sprintf("$%d", nv.Ordinal)
	}
	return fmt.Sprintf("with name %q", nv.Name)
}
