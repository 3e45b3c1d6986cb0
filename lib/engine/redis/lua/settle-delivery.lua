-- settle_delivery: a worker has asked the filter and schema of a subscriber that the emitter did not know.
-- Guarantee: only a delivered run loses its mark; until another one has ended, the next pass asks again and answers the same.
-- ARGS
--   id
--   fence
--   status           d delivered, s skipped, f failed
--   failure          encoded error of a failed one
-- RETURNS OK | DONE | LOST
local state = guard(id, fence)
if state ~= 'RUNNING' then return state end
if status == 'd' then
  call('HDEL', run_key(id), 'fc')
  return 'OK'
end
local run = call('HMGET', run_key(id), 'ei', 'wf')
local deliveries = ROOT .. 'deliveries:' .. run[1]
local known = call('HGET', deliveries, run[2])
if not known or string.sub(known, 1, 1) ~= 'd' then return 'OK' end
call('HSET', deliveries, run[2], status .. ':' .. id .. ';' .. failure)
call('HINCRBY', event_key(run[1]), 'dc', -1)
if status == 'f' then call('HINCRBY', event_key(run[1]), 'fc', 1) end
if call('HGET', event_key(run[1]), 'fs') ~= 'p' then settle_fanout(run[1]) end
return 'OK'
