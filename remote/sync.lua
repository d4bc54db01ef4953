-- SYNC: the only control script. A node's poll, the renewal of its record, and
-- its bumps are one call of it; at most one per node is under way.
--
-- KEYS: z. The channel z..':c' is never among them: it is no key, and while the
-- slot migrates a list with it would be refused. Lists are separated by NUL,
-- which no tag holds. A tag is written 't:'..name; 't:*' stands for all.
--
-- z, a sorted set, all there or gone:
--   -inf       '!e' epoch run_id          the epoch, bound to one incarnation of the server
--   -deadline  '!w' node delay tags…      "node may have written these without telling":
--                                         at the deadline they are bumped and the record is
--                                         re-armed in delay, doubled, until it exceeds maxTTL
--   +seq       't:'..name                 the last bump; the highest score is the sequence;
--                                         't:!', the schema, is not part of 't:*'
--
-- ARGV 1 nonce: the epoch, if a new one is needed    2 the caller's epoch    3 its last seq
--      4 D µs    5 maxTTL µs
--      6 '' if the run_id tells a lost write, else its own record is the witness
--      7 PUBLISH or SPUBLISH    8 not '': bump without a hint
--      9 node, if the outcome of what is bumped is unknown, else ''
--     10 own record    11 the last seq it has heard of, by a hint perhaps
--     12 not '': the caller could make nothing of what is in z
--     13 the deadline (µs) of this node's record as last acknowledged, 0 if none was
--     14 n    15… n superseded records    then the tags to bump
--
-- Returns epoch, seq, now µs, {tag, seq, …}: what changed since ARGV 3 or, under another
-- epoch, all that is known.
local z, D, ttl = KEYS[1], tonumber(ARGV[4]), tonumber(ARGV[5])
local own, old = ARGV[10], tonumber(ARGV[14])
local function int(x) return string.format('%.0f', x) end

local run = ''
if ARGV[6] == '' then run = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)') end
local t = redis.call('TIME')
local now = t[1] * 1000000 + t[2]

-- Nobody but SYNC writes here, and what it did not write would keep all nodes from
-- syncing for ever. Numbers are exact up to 2^53: from there on, bumps would be lost.
if ARGV[12] ~= '' then
  local all = redis.pcall('ZRANGE', z, 0, -1, 'WITHSCORES')
  local foreign = all.err ~= nil -- of another type
  for i = 1, #all, 2 do
    local score = tonumber(all[i + 1])
    if score > 0 and (string.sub(all[i], 1, 2) ~= 't:' or score >= 2^53 or score ~= math.floor(score)) then foreign = true end
  end
  if foreign then redis.call('DEL', z) end -- lost: see below
end

-- The witness, before anything of it is removed. Which of the node's records
-- is the present one is unknown if a reply was lost, so any may bear witness.
local lost, acked = false, tonumber(ARGV[13])
if ARGV[6] ~= '' and acked > now then
  local best = tonumber(redis.call('ZSCORE', z, own) or 0)
  for i = 15, 14 + old do best = math.min(best, tonumber(redis.call('ZSCORE', z, ARGV[i]) or 0)) end
  lost = -best < acked
end

-- The first write may not need memory: once a script has written, the rest of
-- it passes in a full Redis that does not evict.
redis.call('ZREM', z, '')
for i = 15, 14 + old do redis.call('ZREM', z, ARGV[i]) end

local e, r = string.match(redis.call('ZRANGE', z, 0, 0)[1] or '', '^!e%z([^%z]+)%z(.*)$')
local function top() return math.max(0, tonumber(redis.call('ZRANGE', z, -1, -1, 'WITHSCORES')[2]) or 0) end
if e == nil or (run ~= '' and r ~= run) or lost or (ARGV[2] == e and tonumber(ARGV[11]) > top()) then
  -- Lost, flushed, written by another incarnation, or older than what the
  -- caller has heard of: gone back in time, or the hint was a lie that answers
  -- may be stamped with by now. Records stay; one may have been lost, with its writer
  -- dead: so everything is bumped once more, D from now, and the schema.
  redis.call('ZREMRANGEBYSCORE', z, '-inf', '-inf')
  redis.call('ZREMRANGEBYSCORE', z, '(0', '+inf')
  e = ARGV[1]
  redis.call('ZADD', z, '-inf', '!e\0' .. e .. '\0' .. run)
  redis.call('ZADD', z, int(-(now + D)), '!w\0?\0' .. int(ttl + 1) .. '\0t:!\0t:*')
end

local s = top()
local function bump(list, quiet)
  if not string.find(list, '^t:') then return end -- not ours
  s = s + 1
  for x in string.gmatch(list, '[^%z]+') do
    if string.sub(x, 1, 2) == 't:' then redis.call('ZADD', z, int(s), x) end
  end
  if not quiet then redis.call(ARGV[7], z .. ':c', e .. '\0' .. int(s) .. '\0' .. list) end
end

-- No deadline is further away than D or the record's own delay, unless the clock was
-- set back: what it says would be bumped too late. Looked for by who comes, and by
-- who has been there before.
if ARGV[2] == '' or acked > now + D then
  for _, m in ipairs(redis.call('ZRANGEBYSCORE', z, '(-inf', '(' .. int(-(now + D)))) do
    local d = tonumber(string.match(m, '^!w%z.-%z(%d+)%z')) or 0
    if -redis.call('ZSCORE', z, m) > now + d then redis.call('ZADD', z, int(-(now + D)), m) end
  end
end

-- Always a write: a primary that has lost its replicas refuses it (NOREPLICAS)
-- and so stops answering.
redis.call('ZADD', z, int(-(now + D)), own)

for _, m in ipairs(redis.call('ZRANGEBYSCORE', z, int(-now), '(0')) do -- silent writers, unknown outcomes
  local id, d, list = string.match(m, '^!w%z(.-)%z(%d+)%z(.*)$')
  redis.call('ZREM', z, m)
  if list and list ~= '' then
    bump(list)
    d = tonumber(d)
    if d == 0 then d = ttl + 1 end -- not ours
    if d <= ttl then
      redis.call('ZADD', z, 'NX', int(-(now + d)), '!w\0' .. id .. '\0' .. int(2 * d) .. '\0' .. list)
    end
  end
end

if #ARGV > 14 + old then
  local list = table.concat(ARGV, '\0', 15 + old)
  bump(list, ARGV[8] ~= '')
  if ARGV[9] ~= '' then
    local d = math.floor(D / 20)
    redis.call('ZADD', z, 'NX', int(-(now + d)), '!w\0' .. ARGV[9] .. '\0' .. int(d) .. '\0' .. list)
  end
end

if redis.call('ZCARD', z) > 20000 then -- fold the 10,000 oldest versions into '*' and '!'
  local f = redis.call('ZRANGEBYSCORE', z, '(0', '+inf', 'WITHSCORES', 'LIMIT', 9999, 1)[2]
  if f then
    redis.call('ZREMRANGEBYSCORE', z, '(0', f)
    for _, x in ipairs({'t:*', 't:!'}) do
      if tonumber(redis.call('ZSCORE', z, x) or 0) < tonumber(f) then redis.call('ZADD', z, f, x) end
    end
  end
end

return {e, int(s), now, redis.call('ZRANGEBYSCORE', z, ARGV[2] == e and '(' .. ARGV[3] or '(0', '+inf', 'WITHSCORES')}
