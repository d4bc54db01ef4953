package pgsql

import "github.com/querycache/querycache/dialect"

// A foreignKey is one that refers to the relation which has it in its keys.
type foreignKey struct {
	from *relation // whose rows refer; nil if it is newer than the catalog
	// onUpdate and onDelete are what happens to them, as in pg_constraint.
	onUpdate, onDelete string
}

// foreignKeysQuery lists the foreign keys, those of partitions among them.
const foreignKeysQuery = `SELECT confrelid::text, conrelid::text, confupdtype::text, confdeltype::text
FROM pg_catalog.pg_constraint WHERE contype = 'f'`

func (l *loader) foreignKey(row []string) {
	if rel := l.byOID[row[0]]; rel != nil {
		rel.keys = append(rel.keys, foreignKey{from: l.byOID[row[1]], onUpdate: row[2], onDelete: row[3]})
	}
}

// passesOn returns what is done to the rows that refer when ops are done to those
// that they refer to. It does not matter whether the key is deferred: only its
// checks wait for COMMIT then.
func (k foreignKey) passesOn(ops dialect.Op) (passed dialect.Op) {
	if ops&cascade != 0 {
		passed = ops & (dialect.Truncate | cascade)
	}
	if ops&dialect.Delete != 0 {
		switch k.onDelete {
		case "c":
			passed |= dialect.Delete
		case "n", "d": // SET NULL, SET DEFAULT
			passed |= dialect.Update
		}
	}
	if ops&dialect.Update != 0 {
		switch k.onUpdate {
		case "c", "n", "d":
			passed |= dialect.Update
		}
	}
	return passed
}
