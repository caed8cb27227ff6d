-- Begin a new epoch on feeds of one logical shard: what was published on them before is void.
--
-- KEYS  [1] the shard's fence, then five per feed (`FeedKeys` in redis_wire.py)
-- ARGV  [1] the epoch  [2] PUBLISH, or SPUBLISH on a cluster  [3] the reason that subscribers are told
--       [4] milliseconds until an idle feed is forgotten
--       [5] a feed whose epoch is younger than so many milliseconds is spared
--       [6] the only epoch that is meant, or nothing: then all are, and nothing is known of the shard's time before now
-- Returns the time in milliseconds, and how many feeds were retired.

local function text(number)
  return string.format('%.0f', number)
end

local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local epoch, publish, reason, idle_ms, spare_ms, meant = unpack(ARGV)

local function retire(key, past, sizes, seen_1, seen_2, ms)
  -- Never back, so that a publication's place and time name it.
  ms = text(math.max(now, tonumber(ms)))
  redis.call('UNLINK', past, sizes, seen_1, seen_2)
  redis.call('DEL', key)
  redis.call('HSET', key, 'epoch', epoch, 'began', text(now), 'seq', 0, 'ms', ms, 'since', ms, 'floor', 0, 'bytes', 0)
  redis.call('PEXPIRE', key, idle_ms)
  redis.call(publish, key, 'R|' .. epoch .. '|' .. ms .. '|' .. reason)
end

if meant == '' then
  redis.call('HSET', KEYS[1], ':born', text(now))
end
local retired = 0
for first = 2, #KEYS, 5 do
  local state = redis.call('HMGET', KEYS[first], 'epoch', 'began', 'ms', 'since', 'floor')
  if state[1] and (meant == '' or meant == state[1]) then
    if now - tonumber(state[2]) >= tonumber(spare_ms) then
      retire(KEYS[first], KEYS[first + 1], KEYS[first + 2], KEYS[first + 3], KEYS[first + 4], state[3])
      retired = retired + 1
    elseif state[5] == '0' and tonumber(state[4]) < tonumber(state[2]) then
      redis.call('HSET', KEYS[first], 'since', state[2])
    end
  end
end
return { now, retired }
