-- The newest publications of a feed, or those before one of them.
--
-- KEYS  [1] the shard's fence  [2] the feed's state  [3] its history
-- ARGV  [1] the id of the oldest entry that the caller has, or nothing  [2] about how many bytes to return at most
--       [3] milliseconds until an idle feed is forgotten  [4] an epoch, for a feed that is not there
-- Returns the time in milliseconds; the time after which everything published on the feed is in the history; the seq
-- before the history's first event; the feed's epoch, seq, milliseconds; and messages, newest first.
--
-- A feed that is not there begins with this: whoever follows it then has an epoch and a place to come back with, and the
-- first event that is ever published on it cannot be missed without a trace.

local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)

local state = redis.call('HMGET', KEYS[2], 'epoch', 'seq', 'ms', 'since', 'floor', 'bytes')
if not state[1] then
  local born = redis.call('HGET', KEYS[1], ':born')
  if not born then
    born = string.format('%.0f', now)
    redis.call('HSET', KEYS[1], ':born', born)
  end
  local began = string.format('%.0f', now)
  local known = string.format('%.0f', math.max(tonumber(born), now - tonumber(ARGV[3])))
  state = { ARGV[4], '0', began, known, '0', '0' }
  redis.call('HSET', KEYS[2], 'epoch', ARGV[4], 'began', began, 'seq', 0, 'ms', began, 'since', known, 'floor', 0,
    'bytes', 0)
  redis.call('PEXPIRE', KEYS[2], ARGV[3])
end
local epoch, seq, ms, since, floor, bytes = state[1], tonumber(state[2]), tonumber(state[3]), tonumber(state[4]),
  tonumber(state[5]), tonumber(state[6])
local held = redis.call('XLEN', KEYS[3])
if held == 0 then
  -- It was empty or has expired.
  since, floor = seq > 0 and ms or since, seq
end
local count = math.max(1, math.floor(tonumber(ARGV[2]) * held / math.max(bytes, 1)))
local newest = ARGV[1] == '' and '+' or '(' .. ARGV[1]
local messages = {}
for _, entry in ipairs(redis.call('XREVRANGE', KEYS[3], newest, '-', 'COUNT', count)) do
  messages[#messages + 1] = entry[2][2]
end
return { now, since, floor, epoch, seq, ms, messages }
