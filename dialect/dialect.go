// Package dialect says what the cache has to know about a SQL dialect: which
// kind a statement is, which relations it reads and writes once views,
// triggers and cascades are followed, and what of a connection's session
// changes its answers. It holds the lexical dialect that is used when none is
// given. It parses no SQL beyond its words and knows no cache and no driver.
package dialect

import (
	"context"
	"database/sql/driver"
	"strings"
)

// A Dialect analyses statements. Implementations are immutable and safe for
// concurrent use. Every doubt is answered with [Unknown]: the cache then runs
// the statement and treats everything as written.
type Dialect interface {
	// Name is a short lower-case word for logs and Explain: "sqlite".
	Name() string

	// Lexicon tells the scanner which quotes and comments the dialect has.
	Lexicon() Lexicon

	// Parse analyses one text as sent to the driver. It looks at the text
	// only, never at a server, never panics and never returns nil.
	// The result is memoised and shared: callers do not modify it.
	Parse(text string) *Statement

	// AppendArg appends an unambiguous encoding of a driver-specific
	// argument value to dst. It reports false if two values that the
	// database could tell apart might encode alike; the statement is then
	// not cached (arg_type). Types that database/sql itself knows never
	// get here.
	AppendArg(dst []byte, value any) ([]byte, bool)

	// Aborted reports whether err proves that the statement or commit that
	// returned it changed nothing. False is always safe.
	Aborted(err error) bool

	// Transparent reports whether connections of this connector carry no
	// session state that code outside the SQL text has set: no hook runs
	// on them, neither when they are opened nor when they are reset.
	// A connector that it does not know is not transparent.
	Transparent(connector driver.Connector) bool
}

// A Prober is a Dialect that can ask a connection about its server. A dialect
// without it has no catalog: names are taken as they are written, and what
// SQL text did to a session cannot be found out again.
type Prober interface {
	// Probe asks for the identity of the server and the state of the
	// session, in one round trip where it can. It is called with a
	// connection that is in no transaction.
	Probe(ctx context.Context, conn driver.Conn) (Server, Session, error)

	// Load reads the catalog through a connection that is in no
	// transaction. The snapshot is immutable.
	Load(ctx context.Context, conn driver.Conn) (Catalog, error)
}

// A SettingProber is a [Prober] of a database where programs make up settings of
// sessions, which answers may depend on. Which there are is known of those only
// that somebody has asked for by name.
type SettingProber interface {
	Prober
	// ProbeSettings is Probe, with the values of the settings named in the
	// session's key.
	ProbeSettings(ctx context.Context, conn driver.Conn, names []string) (Server, Session, error)
}

// A SettingCatalog is a [Catalog] that knows of settings which answers depend on.
type SettingCatalog interface {
	Catalog
	// Settings are the names to ask sessions for, see [SettingProber] and
	// [Resolution.Unasked]. The slice is not to be modified.
	Settings() []string
}

// A Watcher is a [Prober] of a driver that knows some of the state of a session
// without asking the server, so that nothing of it has to be guessed. Its
// methods send nothing. They report false for a connection that does not tell.
type Watcher interface {
	Prober
	// InTx reports whether conn is in a transaction, one that has failed
	// included.
	InTx(conn driver.Conn) (in, ok bool)
	// Reported returns what the server has said of the settings of the
	// session: it is equal as long as they are.
	Reported(conn driver.Conn) (settings string, ok bool)
}

// A TxAsker is a [Prober] that can ask whether a connection is in a
// transaction, one that has failed included, where the driver does not tell. It
// changes nothing, and is asked only where there is a doubt.
type TxAsker interface {
	Prober
	AskTx(ctx context.Context, conn driver.Conn) (in bool, err error)
}

// A WriteAsker is a [Prober] whose server can tell within a transaction what it has
// written, also where the catalog does not say what that may be.
type WriteAsker interface {
	Prober
	// AskWrites asks what the transaction that conn is in has written so far,
	// whoever wrote it: statements, triggers, functions. The transaction is
	// left as it is, also after an error. The catalog is one that Load has
	// returned.
	AskWrites(ctx context.Context, conn driver.Conn, catalog Catalog) (Written, error)
}

// Written is what a transaction has written by its COMMIT.
type Written struct {
	// Relations are what may have been written, by canonical name, sorted,
	// without duplicates. They are complete if Everything is empty.
	Relations []string
	// Changed are those of them of which rows are known to have changed.
	Changed []string
	// Everything is set, with the reason, if the server cannot tell.
	Everything Reason
	// Schema: the schema may have been changed, too.
	Schema bool
}

// An ErrorJudge is a Dialect that knows errors.
type ErrorJudge interface {
	// Lasting reports whether whoever runs the same statement with the same
	// arguments as the same user gets the same error. Only such errors are
	// shared with those who wait for an answer.
	Lasting(err error) bool
}

// An OutageJudge is a Dialect that knows errors by which a database says that it
// cannot answer now, whoever asks: it is starting, or has no place left.
type OutageJudge interface {
	// Outage reports whether err is one, and whether it is an answer of the
	// database at all: what errors of the network mean is known without it.
	Outage(err error) (outage, answered bool)
}

// An Embedded dialect is a [Prober] of a database in files, whose writers a
// second connection could lock out while it reads the catalog. The catalog,
// quick to read there, is read on the connection whose statement needs it,
// before that statement, instead of in the background. A connection stays with
// the database that it has opened: what Probe says of its server counts once.
type Embedded interface {
	Prober
	// Embedded only marks the dialect.
	Embedded()
}

// A Fingerprinter is a [Prober] that tells for less than the price of its catalog
// whether that has changed.
type Fingerprinter interface {
	Prober
	// Fingerprint is equal only as long as Load reads the same.
	Fingerprint(ctx context.Context, conn driver.Conn) (string, error)
}

// A Guarded [Catalog] tells whether it differs from another in who may see what,
// rather than in what there is.
type Guarded interface {
	Catalog
	// Guard is equal as long as rights, row security and users are.
	Guard() string
}

// A Rewriter is a Dialect of a driver whose arguments can change the text of
// the statement.
type Rewriter interface {
	// Rewrites reports whether one of the arguments may replace the text:
	// what runs is then not known.
	Rewrites(args []driver.NamedValue) bool
}

// An ArgJudge is a Dialect of a database that reads some values of text as what
// time it is: PostgreSQL's 'now'.
type ArgJudge interface {
	// RefuseArgs says why a read with these arguments may not be cached,
	// whatever its text; empty if it may. It is called for every read that
	// has arguments, and allocates nothing for those of the usual types.
	RefuseArgs(args []driver.NamedValue) Reason
}

// A Server is the identity of a database: two connections whose Server is
// equal see the same rows.
type Server string

// WeakServer begins the name of a Server that means something in this process
// only: others may call the same database something else.
const WeakServer = "~"

// Weak reports whether the name means something in this process only.
func (s Server) Weak() bool { return strings.HasPrefix(string(s), WeakServer) }

// A Session is what of a connection changes the answers it gives.
type Session struct {
	// Key is the fingerprint: sessions with different keys never share a
	// cached row.
	Key string
	// Refuse, if set, is why nothing may be cached on this connection.
	Refuse Reason
	// Pinned connections are not shared: what they hold (a private
	// in-memory database) would be lost or mixed up.
	Pinned bool
}

// A Catalog resolves the names of a statement. It is an immutable snapshot,
// safe for concurrent use.
type Catalog interface {
	// Resolve follows a statement to the base relations behind its names.
	Resolve(st *Statement, session Session) Resolution
	// Tags returns the canonical names of the relations that stand behind a
	// name as a user wrote it: the relation itself or, for a view, those that
	// it reads. It reports false if there is no such relation, or if it is
	// not known what stands behind it.
	Tags(name Table, session Session) ([]string, bool)
}

// A Declarer is a [Catalog] that takes a user's word for what functions write.
type Declarer interface {
	Catalog
	// Declare returns the catalog as it is with the declarations, and those
	// of them that it does not know, by their number: the function, or one of
	// the tables. They have no effect.
	Declare(declarations []Declaration) (Catalog, []int)
}

// A Declaration says what a function of the database writes, and, of one of
// triggers, that it leaves alone what names mean in its session.
type Declaration struct {
	Function Table
	// Args are the types of its arguments, as the database writes them,
	// separated by commas and spaces; of use only with HasArgs. Without, all
	// functions of the name are meant.
	Args    string
	HasArgs bool
	// Tables are what it writes by itself: triggers and foreign keys are
	// followed.
	Tables []Table
}

// A Resolution is what a statement touches, by canonical relation name.
type Resolution struct {
	// Reads are the relations that the answer depends on, sorted, without
	// duplicates. They are complete only if Refuse is empty.
	Reads []string
	// Refuse is why the read may not be cached; empty if it may.
	Refuse Reason
	// Unasked: Refuse is set for want of a setting that the session was not
	// asked for when it was looked at. It may be cached once it is looked at
	// again.
	Unasked bool
	// Writes are the relations that may be written, sorted, without
	// duplicates: targets, and what triggers and cascades write.
	Writes []string
	// Everything is set, with the reason, if the writes cannot be followed:
	// every relation counts as written. It may be set for a read, whose
	// functions, or those of a view behind it, may write.
	Everything Reason
	// Taints: what the statement calls or fires may change the session.
	Taints bool
	// NamesStay: names mean the same relations in it all the same, as far as it
	// is declared; see [Declaration].
	NamesStay bool
	// Beyond: what the statement calls or fires may write past its transaction,
	// over another connection, say. That can be seen before COMMIT, stays if the
	// transaction or the statement is undone, and may be in another database.
	Beyond bool
	// Astray is why everything may be written if the session is not the one that
	// it was resolved for; empty if reading what has the names writes nothing in
	// any session.
	Astray Reason
}

// Names is the catalog of a dialect that has none: a relation is its name as
// written, and nothing is known about views, triggers or cascades, so every
// write is a write of everything.
type Names struct{}

var _ Catalog = Names{}

// Resolve implements [Catalog].
func (Names) Resolve(st *Statement, _ Session) Resolution {
	r := Resolution{Refuse: st.Refuse}
	if st.Kind == Read && r.Refuse == "" {
		r.Refuse = ReasonUnanalysed
	}
	if st.MayWrite() {
		r.Everything = ReasonUnanalysed
	}
	return r
}

// Tags implements [Catalog].
func (Names) Tags(name Table, _ Session) ([]string, bool) { return []string{name.String()}, true }
