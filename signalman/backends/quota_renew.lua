-- Renew a gateway's lease.
--
-- KEYS  [1] the leases, as in quota_enter.lua
-- ARGV  [1] the gateway  [2] milliseconds of a lease
-- Returns 1 where it had none, so that what it holds has to be written anew.

local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local lapses = redis.call('ZSCORE', KEYS[1], ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', now))
redis.call('ZADD', KEYS[1], string.format('%.0f', now + ARGV[2]), ARGV[1])
redis.call('PEXPIRE', KEYS[1], 2 * ARGV[2])
return (lapses and tonumber(lapses) > now) and 0 or 1
