-- Note a failure, and how long one has to wait after it.
--
-- KEYS  [1] a hash: `number` of failures, `until` when to wait, in milliseconds by the clock of this server
-- ARGV  [1] failures that cost nothing  [2] the first wait  [3] the longest  [4] how long failures are remembered: all
--       three in milliseconds
-- Returns the milliseconds to wait.

local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local free, first, longest, memory = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])

local number = redis.call('HINCRBY', KEYS[1], 'number', 1)
local ends = tonumber(redis.call('HGET', KEYS[1], 'until') or 0)
if number > free then
  ends = math.max(ends, now + math.min(longest, first * 2 ^ (number - free - 1)))
  redis.call('HSET', KEYS[1], 'until', string.format('%.0f', ends))
end
local wait = math.max(0, math.ceil(ends - now))
redis.call('PEXPIRE', KEYS[1], math.max(memory, wait, 1))
return wait
