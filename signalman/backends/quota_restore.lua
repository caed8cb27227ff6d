-- Write what a gateway holds, whatever was there.
--
-- KEYS  hashes of gateway → how many it holds
-- ARGV  [1] the gateway  [2] milliseconds that a hash is kept, then how many of each key it holds

for place, key in ipairs(KEYS) do
  if tonumber(ARGV[2 + place]) > 0 then
    redis.call('HSET', key, ARGV[1], ARGV[2 + place])
    redis.call('PEXPIRE', key, ARGV[2])
  else
    redis.call('HDEL', key, ARGV[1])
  end
end
return 0
