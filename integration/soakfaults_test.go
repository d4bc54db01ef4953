package integration

import (
	"time"

	"github.com/querycache/querycache/integration/checker"
)

// faults are all kinds of trouble that a soak makes. Bounds are those of the
// tests that make each of them alone, which say why.
var faults = []fault{
	{name: "nothing", works: true, prepare: func(s *soak) (func(), []bound) {
		return func() { time.Sleep(s.between(poll, lease)) }, []bound{all(longPoll)}
	}},
	{name: "FLUSHALL", works: true, prepare: func(s *soak) (func(), []bound) {
		return func() { s.admin.FlushAll(s.Context()); time.Sleep(lease) }, []bound{all(poll + lease)}
	}},
	{name: "SCRIPT FLUSH", works: true, prepare: func(s *soak) (func(), []bound) {
		return func() { s.admin.ScriptFlush(s.Context()); time.Sleep(poll) }, []bound{all(poll + lease)}
	}},
	{name: "DEL of the control key", works: true, prepare: func(s *soak) (func(), []bound) {
		return func() {
			s.admin.Del(s.Context(), s.admin.Keys(s.Context(), "{qc:*:z").Val()...)
			time.Sleep(lease)
		}, []bound{all(poll + lease)}
	}},
	{name: "Redis killed and restarted", prepare: func(s *soak) (func(), []bound) {
		down := s.between(timeout, 3*time.Second)
		return func() {
			s.server.Kill()
			time.Sleep(down)
			s.server.Start()
			time.Sleep(lease)
		}, []bound{all(max(poll+lease, down+longPoll))}
	}},
	{name: "Redis hangs", prepare: func(s *soak) (func(), []bound) {
		hang := s.between(timeout, 3*time.Second)
		return func() {
			s.server.Stop()
			time.Sleep(hang)
			s.server.Cont()
			time.Sleep(lease)
		}, []bound{all(max(lease+timeout, hang+longPoll))}
	}},
	{name: "connections to Redis reset", prepare: func(s *soak) (func(), []bound) {
		return func() {
			for _, p := range s.members {
				p.proxy.reset()
			}
			time.Sleep(lease)
		}, []bound{all(lease + timeout)}
	}},
	way("hints lost", func(p *proxy) { p.hints = dropHints }, func(p *proxy) { p.hints = passHints }, longPoll, true),
	way("hints twice", func(p *proxy) { p.hints = doubleHints }, func(p *proxy) { p.hints = passHints }, longPoll, true),
	way("hints in another order", func(p *proxy) { p.hints = swapHints }, func(p *proxy) { p.hints = passHints }, longPoll, true),
	way("Redis slow", func(p *proxy) { p.delay = timeout }, func(p *proxy) { p.delay = 0 }, lease+longPoll, false),
	way("replies torn", func(p *proxy) { p.tear = 10 }, func(p *proxy) { p.tear = 0 }, lease+timeout, false),
	{name: "a process cut off", long: true, prepare: func(s *soak) (func(), []bound) {
		p, cut := s.someone(), s.between(lease, deadline+2*time.Second)
		return func() {
				p.proxy.setHole(true)
				time.Sleep(cut)
				p.proxy.setHole(false)
			}, []bound{
				{name: "itself", most: lease + timeout, Question: checker.Question{Readers: []int{p.index}}},
				{name: "others, of what it writes", most: max(deadline, cut) + longPoll, Question: checker.Question{Readers: s.except(p.index), Writers: []int{p.index}}},
				{name: "others, of what others write", most: longPoll, Question: checker.Question{Readers: s.except(p.index), Writers: s.except(p.index)}},
			}
	}},
	{name: "a process stopped", long: true, prepare: func(s *soak) (func(), []bound) {
		p, d := s.someone(), s.between(lease, deadline+2*time.Second)
		return func() {
				p.stop()
				time.Sleep(d)
				p.goOn()
				time.Sleep(poll)
			}, []bound{
				{name: "itself", most: lease + timeout, awake: true, Question: checker.Question{Readers: []int{p.index}}},
				{name: "others", most: min(d+longPoll, deadline+2*poll), Question: checker.Question{Readers: s.except(p.index), Seen: true}},
			}
	}},
	{name: "a process killed and replaced", long: true, prepare: func(s *soak) (func(), []bound) {
		p := s.someone()
		return func() {
			p.kill()
			next := s.add(s.server.Addr(), s.change)
			s.until("the process is ready", next.told(&next.isReady))
			next.order(command{Measure: true})
			next.order(command{Read: &yes, Write: &yes})
			time.Sleep(deadline + 2*poll)
		}, []bound{all(deadline + 2*poll)}
	}},
	{name: "PostgreSQL killed and restarted", works: true, fails: true, prepare: func(s *soak) (func(), []bound) {
		down := s.between(timeout, 2*time.Second)
		return func() {
			s.database.Kill()
			time.Sleep(down)
			s.database.Start()
			time.Sleep(lease)
		}, []bound{all(poll + lease)}
	}},
	{name: "PostgreSQL restarted", works: true, fails: true, prepare: func(s *soak) (func(), []bound) {
		return func() { s.database.Restart(); time.Sleep(lease) }, []bound{all(poll + lease)}
	}},
	{name: "PostgreSQL hangs", works: true, prepare: func(s *soak) (func(), []bound) {
		hang := s.between(timeout, 2*time.Second)
		return func() {
			s.database.Stop()
			time.Sleep(hang)
			s.database.Cont()
			time.Sleep(lease)
		}, []bound{all(poll + lease)}
	}},
	{name: "connections to PostgreSQL ended", works: true, fails: true, prepare: func(s *soak) (func(), []bound) {
		return func() {
			s.bare.Exec("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
			time.Sleep(lease)
		}, []bound{all(poll + lease)}
	}},
}

// way is a fault of all ways to Redis, for a time.
func way(name string, on, off func(p *proxy), most time.Duration, works bool) fault {
	return fault{name: name, works: works, prepare: func(s *soak) (func(), []bound) {
		d := s.between(2*poll, lease)
		return func() {
			s.proxies(on)
			time.Sleep(d)
			s.proxies(off)
		}, []bound{all(most)}
	}}
}
