-- What was published on a feed after a publication that the caller knows.
--
-- KEYS  [1] the feed's state  [2] its history
-- ARGV  [1] epoch  [2] seq  [3] milliseconds: where that publication ended  [4] about how many bytes to return at most
-- Returns the time in milliseconds, a word, the feed's seq, and messages, oldest first. The word is
--   ok        these are the next messages; there are more unless they end at the feed's seq
--   unknown   the feed has another epoch, or none
--   trimmed   the history does not reach back so far
--   diverged  the feed did not go through that publication: the server lost its newest data and went on from older

local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local after_seq, after_ms = tonumber(ARGV[2]), tonumber(ARGV[3])

local function answer(word, seq, messages)
  return { now, word, seq or 0, messages or {} }
end

local state = redis.call('HMGET', KEYS[1], 'epoch', 'seq', 'ms', 'since', 'floor', 'bytes')
if state[1] ~= ARGV[1] then
  return answer('unknown')
end
local seq, ms, since, floor, bytes = tonumber(state[2]), tonumber(state[3]), tonumber(state[4]), tonumber(state[5]),
  tonumber(state[6])
local held = redis.call('XLEN', KEYS[2])
if held == 0 then
  -- It was empty or has expired.
  since, floor = ms, seq
end
if after_seq < floor then
  return answer('trimmed')
end
if after_seq > seq then
  return answer('diverged')
end
if after_seq == seq then
  return answer((after_seq == 0 or after_ms == ms) and 'ok' or 'diverged', seq)
end
local count = math.max(1, math.floor(tonumber(ARGV[4]) * held / math.max(bytes, 1)))
local known = after_seq == floor
if known and after_seq > 0 and after_ms ~= since then
  return answer('diverged')
end
local id = string.format('%.0f-%.0f', after_ms, after_seq)
local messages = {}
for _, entry in ipairs(redis.call('XRANGE', KEYS[2], known and '-' or id, '+', 'COUNT', count + 1)) do
  if entry[1] == id then
    known = true
  elseif not known then
    return answer('diverged')
  else
    messages[#messages + 1] = entry[2][2]
  end
end
return answer(known and 'ok' or 'diverged', seq, messages)
