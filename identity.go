package querycache

import (
	"encoding/binary"
	"maps"
	"sync"
	"time"

	"github.com/querycache/querycache/dialect"
)

// An identity is everything that an answer depends on besides the text and the
// arguments: namespace, server, driver and its options, session. Equal
// identities are one object, so that they are compared by address.
type identity struct {
	// server is nil if the server would not say who it is: nothing is
	// cached then, and a write invalidates every server's answers.
	server  *server
	session dialect.Session
	// refuse is why nothing may be cached under it; empty if it may.
	refuse Reason
	hash   uint64
	text   string // all of it, unambiguous
	// shared is what other processes know it by; empty if they cannot.
	shared string
}

// changes counts the schema changes in its database.
func (id *identity) changes() uint64 {
	if id.server == nil {
		return 0
	}
	return id.server.ddl.Load()
}

// same reports whether two are equal also where one of them has been forgotten
// and made anew.
func (id *identity) same(o *identity) bool {
	return id == o || id.server == o.server && id.server != nil && id.text == o.text
}

// maxIdentities bounds the identities remembered. Beyond it all are forgotten,
// which costs misses: connections keep the object they have.
const maxIdentities = 10_000

// identities makes equal identities one object. The zero value is ready.
type identities struct {
	mu     sync.Mutex // guards byText
	byText map[string]*identity
}

// intern returns the identity for a server, a driver and a session. The driver
// key is unambiguous for the connector's driver and options.
func (r *identities) intern(namespace, driverKey, sharedKey string, srv *server, session dialect.Session, refuse Reason) *identity {
	var text []byte
	for _, part := range []string{namespace, string(srv.id), driverKey, session.Key, string(refuse)} {
		text = appendKeyString(text, part)
	}
	if session.Pinned {
		text = binary.AppendUvarint(text, 1)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if id := r.byText[string(text)]; id != nil {
		return id
	}
	if len(r.byText) >= maxIdentities || r.byText == nil {
		r.byText = make(map[string]*identity)
	}
	id := &identity{server: srv, session: session, refuse: refuse, hash: hashText(string(text)), text: string(text)}
	if sharedKey != "" {
		var shared []byte
		for _, part := range []string{namespace, string(srv.id), sharedKey, session.Key, era, localZone()} {
			shared = appendKeyString(shared, part)
		}
		id.shared = string(shared)
	}
	r.byText[string(text)] = id
	return id
}

// forget drops the identities of a server that is not used any more.
func (r *identities) forget(srv *server) {
	r.mu.Lock()
	defer r.mu.Unlock()
	maps.DeleteFunc(r.byText, func(_ string, id *identity) bool { return id.server == srv })
}

// localZone tells apart processes whose time.Local differs: times that a driver
// returns in it are the reader's.
func localZone() string {
	var b []byte
	for _, month := range []time.Month{time.January, time.July} {
		name, offset := time.Date(2026, month, 1, 0, 0, 0, 0, time.Local).Zone()
		b = binary.AppendVarint(appendKeyString(b, name), int64(offset))
	}
	return string(b)
}
