-- PROBE: what this server lets a script do, and whether it is a primary.
-- KEYS: the control key. ARGV: its channel, '1' if the client is of a Cluster.
-- Returns the run_id or '', '1' if hints are to be sharded, why there is no run_id.
-- A write that changes nothing: a replica refuses it. What is of another type goes
-- with the first SYNC.
local write = redis.pcall('ZREM', KEYS[1], '')
if type(write) == 'table' and not string.find(write.err, 'WRONGTYPE') then return write end
redis.call('TIME')
local info, why = redis.pcall('INFO', 'server'), ''
if type(info) == 'table' then info, why = '', tostring(info.err) end
local run = string.match(info, 'run_id:(%x+)') or ''
if run == '' and why == '' then why = 'INFO has no run_id' end
-- All nodes have to agree on the kind of channel, so the server decides, and
-- the client's type only where the server does not tell.
local cluster = redis.pcall('INFO', 'cluster')
if type(cluster) == 'table' then cluster = ARGV[2] else cluster = string.match(cluster, 'cluster_enabled:(%d)') or ARGV[2] end
local sharded = ''
if cluster == '1' then
  local r = redis.pcall('SPUBLISH', ARGV[1], '') -- nobody reads a hint in nothing
  if type(r) ~= 'table' then sharded = '1' end
end
return {run, sharded, why}
