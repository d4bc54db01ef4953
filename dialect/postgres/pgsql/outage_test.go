package pgsql

import (
	"errors"
	"fmt"
	"net"
	"syscall"
	"testing"
)

type coded string

func (c coded) Error() string    { return string(c) }
func (c coded) SQLState() string { return string(c) }

// Only what is nobody's fault may be bridged with old answers.
func TestOutage(t *testing.T) {
	for code, want := range map[string]bool{
		"57P01": true,  // admin_shutdown
		"57P03": true,  // cannot_connect_now
		"53300": true,  // too_many_connections
		"08006": true,  // connection_failure
		"58030": true,  // io_error
		"57014": false, // query_canceled
		"57P04": false, // database_dropped
		"28P01": false, // invalid_password
		"42501": false, // insufficient_privilege
		"42P01": false, // undefined_table
		"40001": false, // serialization_failure
		"":      false,
	} {
		if got, answered := (Dialect{}).Outage(fmt.Errorf("wrapped: %w", coded(code))); got != want || answered != (code != "") {
			t.Errorf("%q: %v, %v", code, got, answered)
		}
	}
	if outage, answered := (Dialect{}).Outage(errors.New("other")); outage || answered {
		t.Error("an error without a code")
	}
	// One host is down, the other does not know the user.
	both := errors.Join(&net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}, coded("28P01"))
	if outage, answered := (Dialect{}).Outage(both); outage || !answered {
		t.Error("a refusal counts as an outage")
	}
}
