package remote

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// Severity ranks a [Finding].
type Severity uint8

const (
	Info    Severity = iota // good to know
	Warning                 // works, with a risk that is described
	Problem                 // the shared tier does not work
)

var severityNames = [...]string{"info", "warning", "problem"}

// String returns the severity in lower case.
func (s Severity) String() string {
	if int(s) < len(severityNames) {
		return severityNames[s]
	}
	return "invalid"
}

// A Finding is what [Check] noticed.
type Finding struct {
	Severity Severity
	Code     string // stable, in snake case
	Message  string // what is
	Hint     string // what to do about it; may be empty
}

// checkTimeout bounds each question of Check.
const checkTimeout = 2 * time.Second

// Check looks at a Redis with the eyes of an operator: whether the shared tier
// works there, and what could go wrong. What it is not allowed to ask is a
// finding, too. It writes a few keys of the namespace that live for seconds,
// and changes nothing else. Findings come worst first. Each question takes two
// seconds at most, and all of them end with ctx.
func Check(ctx context.Context, client Client, namespace string) []Finding {
	d := &doctor{}
	cfg := Config{Client: client, Namespace: namespace, Timeout: checkTimeout}
	if err := cfg.validate(); err != nil {
		d.add(Problem, "config", err.Error(), "")
		return d.findings
	}
	c, ours := copyClient(client, checkTimeout, 0)
	if ours {
		defer func() { _ = c.Close() }() // nothing depends on it
	} else {
		d.add(Warning, "client_unknown", fmt.Sprintf("the client is a %T, which is used with its own timeouts and retries", client),
			"use a client made by redis.NewClient, NewFailoverClient or NewClusterClient")
	}
	d.client, d.keys = c, newKeys(namespace)
	d.ask(ctx, d.reach)
	if !d.down {
		for _, check := range []func(context.Context){d.info, d.config, d.clock, d.cluster, d.script, d.rights} {
			d.ask(ctx, check)
		}
	}
	slices.SortStableFunc(d.findings, func(a, b Finding) int { return cmp.Compare(b.Severity, a.Severity) })
	return d.findings
}

// A doctor is one run of Check.
type doctor struct {
	client   Client
	keys     keys
	down     bool
	replicas bool // there are some
	findings []Finding
}

func (d *doctor) add(s Severity, code, message, hint string) {
	d.findings = append(d.findings, Finding{s, code, message, hint})
}

func (d *doctor) ask(ctx context.Context, check func(context.Context)) {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	check(ctx)
}

func (d *doctor) reach(ctx context.Context) {
	if err := d.client.Ping(ctx).Err(); err != nil && !isReply(err) {
		d.down = true
		d.add(Problem, "unreachable", fmt.Sprintf("Redis does not answer: %v", err), "check address, network, TLS and credentials")
	}
}

// clock compares the server's with ours. Lifetimes and deadlines are measured
// by one clock each, so a difference only confuses people.
func (d *doctor) clock(ctx context.Context) {
	start := time.Now()
	now, err := d.client.Time(ctx).Result()
	if err != nil {
		d.add(Warning, "clock_unreadable", fmt.Sprintf("TIME: %v", err), "allow TIME")
		return
	}
	took := time.Since(start)
	if skew := now.Sub(start.Add(took / 2)); skew.Abs() > time.Second+took {
		d.add(Warning, "clock_skew", fmt.Sprintf("the clock of Redis differs from this machine's by %v", skew.Round(time.Millisecond)),
			"synchronise clocks: ages of entries are off by as much, and a failover between servers whose clocks differ delays the bump of a dead writer's tables")
	}
}

func (d *doctor) cluster(ctx context.Context) {
	if _, ok := d.client.(*redis.ClusterClient); !ok {
		return
	}
	info, err := d.client.ClusterInfo(ctx).Result()
	switch state := fields(info)["cluster_state"]; {
	case err != nil:
		d.add(Info, "cluster_unreadable", fmt.Sprintf("CLUSTER INFO: %v", err), "")
	case state != "ok":
		d.add(Problem, "cluster_state", fmt.Sprintf("the cluster's state is %q", state), "see CLUSTER INFO")
	}
}

// script runs the probe, as attaching does.
func (d *doctor) script(ctx context.Context) {
	t := &Tier{keys: d.keys, control: d.client}
	s, err := t.probe(ctx)
	switch {
	case err != nil:
		d.add(Problem, "script", err.Error(), "")
	case s.mode == Witness:
		d.add(Warning, "witness", "scripts are not told the run_id of Redis ("+s.refusal+"): a restart from an old snapshot goes unnoticed if no node of the fleet was alive",
			"allow INFO, if this Redis has it in scripts")
	}
}

// fields returns what lines such as "role:master" say.
func fields(text string) map[string]string {
	all := make(map[string]string)
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			all[name] = value
		}
	}
	return all
}
