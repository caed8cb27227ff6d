-- Publish the events of one batch that belong to one logical shard, each of them once.
--
-- KEYS  [1] the shard's fence, then five per feed (`FeedKeys` in redis_wire.py says what they hold)
-- ARGV  [1] an epoch for feeds that have none: made by the caller, since a script draws no random numbers
--       [2] PUBLISH, or SPUBLISH on a cluster
--       [3] limits: milliseconds, events and bytes of history; milliseconds until an idle feed is forgotten;
--           milliseconds and number of identities to remember: six numbers with commas between them
--       [4] the number of partitions; then four per partition: its name, the lowest and the highest offset and the
--           newest timestamp of its records in this call
--       then four per feed: the events' heads (partition, offset, timestamp: 20 bytes each), their identities (8 bytes
--       each), their lengths as the message has them, and the events one after the other
-- Returns the time in milliseconds, and how many events entered, were fenced, were repeated.
--
-- All keys share a hash tag, so one node of a cluster holds them all. A script runs alone: between raising a feed's
-- seq and publishing nothing else can be published on that feed. It also runs to its end, unless a command fails; so
-- whatever can fail, because a key is of another type, is read before anything is written.

-- Lua puts all arguments of a call on a stack of 8,000 places.
local CHUNK = 1000
local KEYS_PER_FEED = 5
local HEAD = '>I4dd'
local HEAD_BYTES = 20

-- Lua itself turns numbers into text with fourteen digits only.
local function text(number)
  return string.format('%.0f', number)
end

local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local new_epoch, publish = ARGV[1], ARGV[2]
local limits = {}
for limit in string.gmatch(ARGV[3], '%d+') do
  limits[#limits + 1] = tonumber(limit)
end
local keep_ms, keep_events, keep_bytes, idle_ms, repeat_ms, repeat_events = unpack(limits)

-- What the fence says, and whether any record of this call may be behind it.
local partitions, behind = {}, false
local names = {}
for number = 1, tonumber(ARGV[4]) do
  local first = 1 + 4 * number
  partitions[number] = {
    name = ARGV[first],
    lowest = tonumber(ARGV[first + 1]),
    highest = tonumber(ARGV[first + 2]),
    newest = tonumber(ARGV[first + 3]),
  }
  names[number] = ARGV[first]
end
local first_feed = 5 + 4 * #partitions
local born = redis.call('HGET', KEYS[1], ':born')
for first = 1, #names, CHUNK do
  local last = math.min(first + CHUNK - 1, #names)
  for place, fence in ipairs(redis.call('HMGET', KEYS[1], unpack(names, first, last))) do
    local partition = partitions[first + place - 1]
    if fence then
      local offset, timestamp = string.match(fence, '^(-?%d+):(-?%d+)$')
      partition.offset, partition.timestamp = tonumber(offset), tonumber(timestamp)
      partition.behind = partition.lowest <= partition.offset
      behind = behind or partition.behind
    end
  end
end

local feeds = {}
for number = 1, (#KEYS - 1) / KEYS_PER_FEED do
  local key = 2 + KEYS_PER_FEED * (number - 1)
  local argument = first_feed + 4 * (number - 1)
  local state = redis.call('HMGET', KEYS[key], 'epoch', 'seq', 'ms', 'since', 'floor', 'bytes', 'seen', 'seen_ms')
  redis.call('LLEN', KEYS[key + 2])
  feeds[number] = {
    key = KEYS[key],
    past = KEYS[key + 1],
    sizes = KEYS[key + 2],
    seen = { KEYS[key + 3], KEYS[key + 4] },
    remembered = { redis.call('SCARD', KEYS[key + 3]), redis.call('SCARD', KEYS[key + 4]) },
    held = redis.call('XLEN', KEYS[key + 1]),
    heads = ARGV[argument],
    identities = ARGV[argument + 1],
    lengths = ARGV[argument + 2],
    events = ARGV[argument + 3],
    epoch = state[1],
    seq = tonumber(state[2] or 0),
    ms = tonumber(state[3] or 0),
    since = tonumber(state[4] or 0),
    floor = tonumber(state[5] or 0),
    bytes = tonumber(state[6] or 0),
    filled = tonumber(state[7] or 1),
    seen_ms = tonumber(state[8] or now),
  }
end

-- A record behind the fence that is newer than any that entered is of a topic that was deleted and made anew.
local function find_restarts()
  for _, feed in ipairs(feeds) do
    for at = 1, #feed.heads, HEAD_BYTES do
      local number, offset, timestamp = struct.unpack(HEAD, feed.heads, at)
      local partition = partitions[number]
      if partition.behind and offset <= partition.offset and timestamp > partition.timestamp then
        partition.restart = math.min(partition.restart or offset, offset)
      end
    end
  end
end

local function is_fenced(number, offset)
  local partition = partitions[number]
  return partition.behind
    and offset <= partition.offset
    and not (partition.restart and offset >= partition.restart)
end

local function begin(feed)
  redis.call('UNLINK', feed.past, feed.sizes, feed.seen[1], feed.seen[2])
  feed.remembered, feed.held = { 0, 0 }, 0
  feed.epoch = new_epoch
  feed.began = now
  -- An earlier life of this feed ended before this.
  feed.since = math.max(tonumber(born or now), now - idle_ms)
end

-- The set that is filled becomes the one from before when it is full or old.
local function turn_memory(feed)
  local number = feed.remembered[feed.filled]
  if number >= repeat_events or (number > 0 and now - feed.seen_ms >= repeat_ms) then
    feed.filled = 3 - feed.filled
    redis.call('UNLINK', feed.seen[feed.filled])
    feed.remembered[feed.filled] = 0
    number = 0
  end
  if number == 0 then
    feed.seen_ms = now
  end
end

-- Marks the copies among some events of a feed, the first of which is *first*, and remembers the others. Returns the
-- number of copies. Most have none, and then nothing is built for each event.
local function drop_copies(feed, first, identities, dropped)
  local known, has_known = {}, false
  for set = 1, 2 do
    if feed.remembered[set] > 0 then
      for place, is_known in ipairs(redis.call('SMISMEMBER', feed.seen[set], unpack(identities))) do
        if is_known == 1 then
          known[place], has_known = true, true
        end
      end
    end
  end
  local seen, filled = feed.seen[feed.filled], feed.filled
  if not has_known and not next(dropped) then
    local added = redis.call('SADD', seen, unpack(identities))
    feed.remembered[filled] = feed.remembered[filled] + added
    if added == #identities then
      return 0
    end
  end
  local fresh, new, copies = {}, {}, 0
  for place, identity in ipairs(identities) do
    local event = first + place - 1
    if not dropped[event] then
      if known[place] or fresh[identity] then
        dropped[event] = true
        copies = copies + 1
      else
        fresh[identity] = true
        new[#new + 1] = identity
      end
    end
  end
  if #new > 0 then
    feed.remembered[filled] = feed.remembered[filled] + redis.call('SADD', seen, unpack(new))
  end
  return copies
end

-- Drops the events of a feed that entered before. Returns what became of them: entered, fenced, repeated.
local function sift(feed)
  local count = #feed.identities / 8
  local dropped, fenced, repeated = {}, 0, 0
  if behind then
    for event = 1, count do
      local number, offset = struct.unpack(HEAD, feed.heads, HEAD_BYTES * (event - 1) + 1)
      if is_fenced(number, offset) then
        dropped[event] = true
        fenced = fenced + 1
      end
    end
  end
  if repeat_events > 0 and repeat_ms > 0 and fenced < count then
    turn_memory(feed)
    for first = 1, count, CHUNK do
      local size = math.min(CHUNK, count - first + 1)
      local identities = { struct.unpack(string.rep('c8', size), feed.identities, 8 * first - 7) }
      identities[size + 1] = nil
      repeated = repeated + drop_copies(feed, first, identities, dropped)
    end
  end
  if fenced + repeated > 0 and fenced + repeated < count then
    local lengths, events, event, start = {}, {}, 0, 1
    for length in string.gmatch(feed.lengths, '%d+') do
      event = event + 1
      if not dropped[event] then
        lengths[#lengths + 1] = length
        events[#events + 1] = string.sub(feed.events, start, start + length - 1)
      end
      start = start + length
    end
    feed.lengths, feed.events = table.concat(lengths, ','), table.concat(events)
  end
  return count - fenced - repeated, fenced, repeated
end

-- Appends to the history, and cuts off what is beyond the limits. `floor` and `since` are the seq and the time of what
-- was cut off last.
local function keep(feed, message)
  local id = text(feed.ms) .. '-' .. text(feed.seq)
  if redis.call('RPUSH', feed.sizes, id .. ':' .. #message) ~= feed.held + 1 then
    -- The one was evicted and the other was not.
    redis.call('UNLINK', feed.sizes, feed.past)
    redis.call('RPUSH', feed.sizes, id .. ':' .. #message)
    feed.held = 0
  end
  if feed.held == 0 then
    feed.bytes, feed.floor = 0, feed.prev
    feed.since = feed.prev > 0 and feed.prev_ms or feed.since
  end
  feed.held = feed.held + 1
  feed.bytes = feed.bytes + #message
  redis.call('XADD', feed.past, id, 'message', message)
  local cut = 0
  while cut < feed.held - 1 do
    local ms, last, bytes = string.match(redis.call('LINDEX', feed.sizes, cut), '^(%d+)-(%d+):(%d+)$')
    if feed.seq - feed.floor <= keep_events and feed.bytes <= keep_bytes and tonumber(ms) >= now - keep_ms then
      break
    end
    feed.floor, feed.since, feed.bytes = tonumber(last), tonumber(ms), feed.bytes - bytes
    cut = cut + 1
  end
  if cut > 0 then
    redis.call('LTRIM', feed.sizes, cut, -1)
    redis.call('XTRIM', feed.past, 'MINID', text(feed.since) .. '-' .. text(feed.floor + 1))
  end
  redis.call('PEXPIRE', feed.sizes, keep_ms)
  redis.call('PEXPIRE', feed.past, keep_ms)
end

local function put(feed, count)
  feed.prev, feed.prev_ms = feed.seq, feed.ms
  feed.seq, feed.ms = feed.seq + count, math.max(now, feed.ms)
  local range = text(feed.prev) .. '|' .. text(feed.seq) .. '|' .. text(feed.ms)
  local message = table.concat({ '1', feed.epoch, range, feed.lengths, feed.events }, '|')
  keep(feed, message)
  redis.call('HSET', feed.key, 'seq', text(feed.seq), 'ms', text(feed.ms), 'since', text(feed.since),
    'floor', text(feed.floor), 'bytes', text(feed.bytes), 'seen', feed.filled, 'seen_ms', text(feed.seen_ms))
  if feed.began then
    redis.call('HSET', feed.key, 'epoch', feed.epoch, 'began', text(feed.began))
  end
  redis.call('PEXPIRE', feed.key, idle_ms)
  if feed.remembered[feed.filled] > 0 then
    -- Whichever set is the one from before by then still has to be there for as long again.
    redis.call('PEXPIRE', feed.seen[feed.filled], 2 * repeat_ms)
  end
  redis.call(publish, feed.key, message)
end

local function raise_fence()
  if not born then
    redis.call('HSET', KEYS[1], ':born', text(now))
  end
  for _, partition in ipairs(partitions) do
    local offset, timestamp = partition.highest, partition.newest
    if partition.offset then
      timestamp = math.max(timestamp, partition.timestamp)
      offset = partition.restart and offset or math.max(offset, partition.offset)
    end
    redis.call('HSET', KEYS[1], partition.name, text(offset) .. ':' .. text(timestamp))
  end
end

if behind then
  find_restarts()
end
local entered, fenced, repeated = 0, 0, 0
for _, feed in ipairs(feeds) do
  if not feed.epoch then
    begin(feed)
  end
  local now_entered, now_fenced, now_repeated = sift(feed)
  if now_entered > 0 then
    put(feed, now_entered)
  end
  entered, fenced, repeated = entered + now_entered, fenced + now_fenced, repeated + now_repeated
end
raise_fence()
return { now, entered, fenced, repeated }
