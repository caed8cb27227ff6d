-- How long one has still to wait after failures.
--
-- KEYS  [1] as in quota_failed.lua
-- Returns milliseconds, 0 when there is nothing to wait for.

local ends = redis.call('HGET', KEYS[1], 'until')
if not ends then
  return 0
end
local clock = redis.call('TIME')
return math.max(0, ends - (clock[1] * 1000 + math.floor(clock[2] / 1000)))
