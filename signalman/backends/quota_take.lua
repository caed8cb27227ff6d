-- Let something happen that may happen so often: a token bucket, as the moment at which it will be full again.
--
-- KEYS  [1] that moment, in microseconds by the clock of this server; absent while the bucket is full
-- ARGV  [1] microseconds until one more fits in  [2] how many fit in
-- Returns the microseconds to wait: 0 when it has been let happen, else nothing has changed.
--
-- Numbers of Lua are exact up to 2^53: microseconds until the year 2255.

local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local each, burst = tonumber(ARGV[1]), tonumber(ARGV[2])
local full = tonumber(redis.call('GET', KEYS[1]) or now)
-- What fits in at once, though it be less than one, and a clock that was set back.
local room = each * math.max(burst, 1)
full = math.min(math.max(full, now), now + room) + each
local wait = full - now - room
if wait > 0 then
  return math.ceil(wait)
end
redis.call('SET', KEYS[1], string.format('%.0f', full), 'PX', math.ceil((full - now) / 1000))
return 0
