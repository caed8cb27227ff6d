-- Hold one more of each of some keys, or of none of them.
--
-- KEYS  [1] the leases: a sorted set of gateways by when their lease lapses, in milliseconds by the clock of this server
--       then the keys: hashes of gateway → how many it holds
-- ARGV  [1] the gateway that asks  [2] milliseconds of a lease  [3] milliseconds that a hash is kept
--       then the ceiling of each key
-- Returns the place of the first key that has reached its ceiling, else 0; and 1 where the gateway had no lease, so that
-- nothing of what it held before may be here.
--
-- What a gateway without a lease holds counts for nothing, and is thrown away by whoever comes across it.

local gateway, lease, keep = ARGV[1], tonumber(ARGV[2]), ARGV[3]
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)

local function is_alive(holder)
  local lapses = redis.call('ZSCORE', KEYS[1], holder)
  return lapses and tonumber(lapses) > now
end

local is_new = not is_alive(gateway)
-- A lease that lapsed begins anew from nothing.
if is_new then
  redis.call('ZADD', KEYS[1], string.format('%.0f', now + lease), gateway)
  redis.call('PEXPIRE', KEYS[1], 2 * lease)
end

for place = 2, #KEYS do
  local held, holders = 0, redis.call('HGETALL', KEYS[place])
  for field = 1, #holders, 2 do
    if is_alive(holders[field]) and not (is_new and holders[field] == gateway) then
      held = held + holders[field + 1]
    else
      redis.call('HDEL', KEYS[place], holders[field])
    end
  end
  if held >= tonumber(ARGV[2 + place]) then
    return { place - 1, is_new and 1 or 0 }
  end
end
for place = 2, #KEYS do
  redis.call('HINCRBY', KEYS[place], gateway, 1)
  redis.call('PEXPIRE', KEYS[place], keep)
end
return { 0, is_new and 1 or 0 }
