-- Give back one of each of some keys.
--
-- KEYS  hashes of gateway → how many it holds
-- ARGV  [1] the gateway

for _, key in ipairs(KEYS) do
  if redis.call('HINCRBY', key, ARGV[1], -1) <= 0 then
    redis.call('HDEL', key, ARGV[1])
  end
end
return 0
