-- Publish the events of one batch that belong to one logical shard.
--
-- KEYS  one key per entry: the hash of a feed, whose name is also the feed's pub/sub channel
-- ARGV  [1] an epoch id, used by feeds that have none yet: made by the caller, since a script draws no random numbers
--       [2] Unix milliseconds
--       then two per entry: the number of events, and their wire form (`redis_wire.py`)
--
-- All keys share a hash tag, so one node of a cluster holds them all. A script runs alone: between raising a feed's
-- seq and publishing nothing else can be published on that feed.
for entry, key in ipairs(KEYS) do
  local count = ARGV[1 + 2 * entry]
  local events = ARGV[2 + 2 * entry]
  redis.call('HSETNX', key, 'epoch', ARGV[1])
  local epoch = redis.call('HGET', key, 'epoch')
  local last = redis.call('HINCRBY', key, 'seq', count)
  -- A number turned into text by Lua itself loses digits beyond the fourteenth.
  local range = string.format('%.0f|%.0f', last - count, last)
  redis.call('PUBLISH', key, '1|' .. epoch .. '|' .. range .. '|' .. ARGV[2] .. '|' .. events)
end
return #KEYS
