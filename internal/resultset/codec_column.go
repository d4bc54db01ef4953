package resultset

import (
	"encoding/binary"
	"fmt"
	"math"
)

// What the flags of a column say. Lengths and scales that a driver disowns are
// held like others, since database/sql shows them.
const (
	hasLength = 1 << iota
	isNullable
	hasNullable
	hasPrecisionScale
	lengthFollows         // else it is 0 or
	lengthIsMax           // math.MaxInt64, as text without a limit has it
	precisionScaleFollows // else both are 0
	afterFlags
)

// minColumn is the least size of a column in the head: two sizes, its scan type
// and its flags.
const minColumn = 4

// column adds the metadata of a column to the head.
func (e *encoder) column(c *Column) error {
	scan, ok := scanTypeNumbers[c.ScanType]
	if !ok {
		return fmt.Errorf("scan type %v", c.ScanType)
	}
	e.string(c.Name)
	e.string(c.DatabaseType)
	e.head = append(e.head, scan)

	var flags byte
	set := func(bit byte, on bool) {
		if on {
			flags |= bit
		}
	}
	set(hasLength, c.HasLength)
	set(isNullable, c.Nullable)
	set(hasNullable, c.HasNullable)
	set(hasPrecisionScale, c.HasPrecisionScale)
	set(lengthIsMax, c.Length == math.MaxInt64)
	set(lengthFollows, c.Length != 0 && c.Length != math.MaxInt64)
	set(precisionScaleFollows, c.Precision != 0 || c.Scale != 0)
	e.head = append(e.head, flags)
	if flags&lengthFollows != 0 {
		e.head = binary.AppendVarint(e.head, c.Length)
	}
	if flags&precisionScaleFollows != 0 {
		e.head = binary.AppendVarint(e.head, c.Precision)
		e.head = binary.AppendVarint(e.head, c.Scale)
	}
	return nil
}

// column reads what encoder.column has written.
func (d *decoder) column(c *Column) {
	c.Name = d.string()
	c.DatabaseType = d.string()
	scan, flags := d.byte(), d.byte()
	if int(scan) >= len(scanTypes) || flags >= afterFlags {
		d.fail()
		return
	}
	c.ScanType = scanTypes[scan]
	c.HasLength = flags&hasLength != 0
	c.Nullable = flags&isNullable != 0
	c.HasNullable = flags&hasNullable != 0
	c.HasPrecisionScale = flags&hasPrecisionScale != 0
	if flags&lengthIsMax != 0 {
		c.Length = math.MaxInt64
	}
	if flags&lengthFollows != 0 {
		c.Length = d.varint()
	}
	if flags&precisionScaleFollows != 0 {
		c.Precision, c.Scale = d.varint(), d.varint()
	}
}
