-- Where feeds of one logical shard stand.
--
-- KEYS  the feeds' states
-- Returns the time in milliseconds, then epoch, seq and milliseconds of each feed, nothing three times where there is no
-- feed.

local clock = redis.call('TIME')
local found = { clock[1] * 1000 + math.floor(clock[2] / 1000) }
for _, key in ipairs(KEYS) do
  local state = redis.call('HMGET', key, 'epoch', 'seq', 'ms')
  found[#found + 1] = state[1]
  found[#found + 1] = state[2]
  found[#found + 1] = state[3]
end
return found
