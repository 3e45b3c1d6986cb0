-- reap_workers: takes the runs of one worker whose lease ran out.
-- Guarantee: at most `limit` runs per call; a worker once touched is told so by its next heartbeat.
-- ARGS
--   limit
-- RETURNS { runs taken, 1 if there may be more }
local dead = call('ZRANGEBYSCORE', ROOT .. 'workers', '-inf', real, 'LIMIT', 0, 1)[1]
if not dead then return { 0, 0 } end
deployments.leave(dead)
sets.leave(dead)
local taken = requeue_lost(dead, tonumber(limit))
if taken < tonumber(limit) then
  call('ZREM', ROOT .. 'workers', dead)
  call('DEL', ROOT .. 'worker:' .. dead, ROOT .. 'wake:' .. dead, ROOT .. 'owned:' .. dead)
else
  call('HSET', ROOT .. 'worker:' .. dead, 'lost', 1)
end
return { taken, 1 }
