package remote

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// rights looks for commands that the user may not run. It asks ACL DRYRUN
// where it may, and otherwise runs them on keys that are there for nothing
// else.
func (d *doctor) rights(ctx context.Context) {
	z, e := strings.TrimSuffix(d.keys.control, "z")+"doctor", d.keys.of([]byte("doctor"))
	publish := "publish"
	subscribe := "subscribe"
	_, cluster := d.client.(*redis.ClusterClient)
	if cluster {
		publish, subscribe = "spublish", "ssubscribe"
	}
	commands := [][]any{
		{"eval", "return 1", 1, z}, {"evalsha", strings.Repeat("0", 40), 1, z},
		{"info", "server"}, {"time"},
		{"zadd", z, 1, "m"}, {"zrange", z, 0, 0}, {"zrangebyscore", z, 0, 1}, {"zscore", z, "m"}, {"zcard", z},
		{"zremrangebyscore", z, 2, 3}, {"zrem", z, "m"},
		{publish, d.keys.channel, ""},
		{"set", e, "", "px", int64(checkTimeout / time.Millisecond)}, {"get", e}, {"getrange", e, 0, 1}, {"del", e},
		{subscribe, d.keys.channel},
	}
	if cluster {
		commands = append(commands, []any{"cluster", "slots"}, []any{"command"}, []any{"asking"})
	}
	dry := d.dryRun(ctx)
	var missing []string
	for _, command := range commands {
		var err error
		switch {
		case dry != nil:
			err = dry(command)
		case command[0] == subscribe:
			err = d.subscribe(ctx, subscribe)
		default:
			err = d.client.Do(ctx, command...).Err()
		}
		if err != nil && isReply(err) && refused(err) {
			missing = append(missing, strings.ToUpper(fmt.Sprint(command[0])))
		}
	}
	if len(missing) > 0 {
		d.add(Problem, "acl", "the user may not run "+strings.Join(missing, ", ")+" on the keys {qc:* and qc:* or on the channels {qc:*",
			"allow ~{qc:* ~qc:* &{qc:* +eval +evalsha +info +time +zrange +zadd +zrem +zrangebyscore +zremrangebyscore +zscore +zcard +publish +subscribe +get +getrange +set +del +ping +hello, on a Cluster also +spublish +ssubscribe +cluster|slots +command +asking")
	}
}

// refused tells a missing right from an answer such as NOSCRIPT.
func refused(err error) bool {
	text := strings.ToLower(err.Error())
	return strings.HasPrefix(text, "noperm") || strings.Contains(text, "unknown command") || strings.Contains(text, "no permissions")
}

// dryRun returns a function that asks whether a command would be allowed; nil
// if that cannot be asked.
func (d *doctor) dryRun(ctx context.Context) func(command []any) error {
	user, err := d.client.Do(ctx, "acl", "whoami").Text()
	if err != nil {
		return nil
	}
	ask := func(command []any) error {
		answer, err := d.client.Do(ctx, append([]any{"acl", "dryrun", user}, command...)...).Text()
		if err == nil && answer != "OK" {
			return dryRefusal(answer)
		}
		return err
	}
	if ask([]any{"ping"}) != nil { // before Redis 7, or not allowed
		return nil
	}
	return ask
}

// dryRefusal is what ACL DRYRUN answers instead of OK.
type dryRefusal string

// Error implements error.
func (r dryRefusal) Error() string { return "NOPERM " + string(r) }

// RedisError implements redis.Error.
func (dryRefusal) RedisError() {}

func (d *doctor) subscribe(ctx context.Context, command string) error {
	ps := d.client.Subscribe(ctx)
	defer func() { _ = ps.Close() }() // nothing depends on it
	subscribe := ps.Subscribe
	if command == "ssubscribe" {
		subscribe = ps.SSubscribe
	}
	if err := subscribe(ctx, d.keys.channel); err != nil {
		return err
	}
	_, err := ps.ReceiveTimeout(ctx, checkTimeout)
	return err
}
