package dialect

import "strings"

// Kind says what running a statement can do.
type Kind uint8

// The kinds. The zero value is the safe one.
const (
	// Unknown may do anything: write, change the session, end a transaction.
	Unknown Kind = iota
	// Read is one query that changes nothing.
	Read
	// Write writes the relations in Writes and what hangs on them.
	Write
	// DDL changes the schema.
	DDL
	// Begin, Commit and Rollback are transaction control in SQL text.
	Begin
	Commit
	Rollback
	// Savepoint, Release and RollbackTo name their savepoint.
	Savepoint
	Release
	RollbackTo
	// Session changes the state of the session and nothing else.
	SessionState
	// Neutral changes nothing and is not worth caching: EXPLAIN, SHOW, an
	// empty text.
	Neutral
)

var kindNames = [...]string{
	Unknown: "unknown", Read: "read", Write: "write", DDL: "ddl",
	Begin: "begin", Commit: "commit", Rollback: "rollback",
	Savepoint: "savepoint", Release: "release", RollbackTo: "rollback to",
	SessionState: "session", Neutral: "neutral",
}

// String returns the kind in lower-case words.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return "invalid"
}

// Effect says what a statement leaves behind in its session.
type Effect uint8

const (
	// NoEffect: the connection can be exchanged for another one.
	NoEffect Effect = iota
	// Keeps: the session now holds something (a timeout, a prepared
	// statement) that later statements of the same caller may rely on, but
	// that does not change the answer of a cacheable read.
	Keeps
	// Holds: the session now holds something that its user must not see
	// cached answers with (a lock, a cursor, a channel). Nothing is cached on
	// the connection until a probe has told that it is gone; names still
	// mean what they meant.
	Holds
	// Taints: later answers may depend on what was set. Nothing is cached
	// on the connection until a probe has told what it is now.
	Taints
)

// Op is what a statement does to the relation it writes.
type Op uint8

// The operations, as bits: a statement may insert or update (upsert).
const (
	Insert Op = 1 << iota
	Update
	Delete
	Truncate
)

// A Table is a relation's name as it is written in the statement: parts are
// unquoted, and folded where the dialect folds unquoted names.
type Table struct {
	Schema string // empty if not given
	Name   string
}

// String returns the name with parts that need it in double quotes, so that
// different names never look alike.
func (t Table) String() string {
	if t.Schema == "" {
		return quote(t.Name)
	}
	return quote(t.Schema) + "." + quote(t.Name)
}

func quote(s string) string {
	plain := s != ""
	for i := 0; i < len(s) && plain; i++ {
		c := s[i]
		plain = c == '_' || c >= 'a' && c <= 'z' || i > 0 && (c >= '0' && c <= '9' || c == '$')
	}
	if plain {
		return s
	}
	return `"` + strings.ReplaceAll(s, `"`, `""`) + `"`
}

// A Target is a relation that a statement writes.
type Target struct {
	Table Table
	Ops   Op
}

// A Statement is what the text alone tells. It is immutable.
type Statement struct {
	Kind Kind
	// Reads are the relations named, without those a CTE shadows.
	Reads []Table
	// Writes are the targets named.
	Writes []Target
	// Functions are the functions called, lower case, sorted, unique.
	Functions []string
	// Fields are the last names of qualified columns, sorted, unique: where
	// there is no such column, a.f calls the function f(a). Fields of a value
	// that need not be a row have a dot in front: ".f".
	Fields []string
	// Refuse is why the text alone forbids caching a Read; empty if it
	// does not.
	Refuse Reason
	// Effect is what stays in the session after it ran.
	Effect Effect
	// SingleRead reports that the text is lexically one
	// SELECT/WITH/VALUES/TABLE/SHOW without a writing keyword. A user may
	// vouch for such a statement with tables=, and running it invalidates
	// nothing even if it could not be analysed.
	SingleRead bool
	// Calls reports that functions are called that are not well known: while
	// the catalog is not known, they may do anything. With it all functions
	// are judged, whose names are as users like, and views that call some:
	// see [Resolution.Everything]. Of a statement that is neither read nor
	// write it reports that there is something to judge.
	Calls bool
	// Confined reports that an Unknown statement is one that, within a
	// transaction, cannot end it: CALL, for example.
	Confined bool
	// Procedure reports that an Unknown statement is a CALL: what it may do is
	// for the catalog to say of the procedure, which is one of Functions.
	Procedure bool
	// MayBegin reports that a text which was not analysed holds words of
	// transaction control: after it a transaction may be open.
	MayBegin bool
	// Wide reports that the statement changes what all databases of its
	// server have in common: users, and what they are members of.
	Wide bool
	// Savepoint is the name that Savepoint, Release and RollbackTo carry,
	// folded as the server compares it.
	Savepoint string
	// Parts are the statements of a text that holds more than one, in
	// order; Kind is then Unknown unless every part is of the same kind
	// Write, Reads and Writes hold the union, and nothing of it is cached.
	Parts []*Statement
}

// MayWrite reports whether running the statement can change a relation.
// Transaction control does not: what it makes visible was written before.
func (s *Statement) MayWrite() bool {
	switch s.Kind {
	case Write, DDL:
		return true
	case Unknown:
		return !s.SingleRead
	}
	return false
}
