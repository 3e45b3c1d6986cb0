-- settle_delivery: a worker has asked the filter and schema of a subscriber that the emitter did not know.
-- Guarantee: a run that is not delivered ends in the same script, before its handler has started; no failure hook follows.
-- ARGS
--   id
--   fence
--   status           d delivered, s skipped, f failed
--   failure          encoded error of a failed one
-- RETURNS OK | DONE | LOST
local state, run = guard(id, fence)
if state ~= 'RUNNING' then return state end
if status == 'd' then
  call('HDEL', run_key(id), 'fc')
  return 'OK'
end
if is_canceled(id, run) then
  settle_canceled(id, run)
  return 'OK'
end
local origin = call('HMGET', run_key(id), 'ei', 'wf')
local event = event_key(origin[1])
-- Gone where the retention is shorter than the wait for a worker.
if call('EXISTS', event) == 1 then
  call('HSET', ROOT .. 'deliveries:' .. origin[1], origin[2], status .. ':' .. id .. ';' .. failure)
  call('HINCRBY', event, 'dc', -1)
  if status == 'f' then call('HINCRBY', event, 'fc', 1) end
  if call('HGET', event, 'fs') ~= 'p' then settle_fanout(origin[1]) end
end
local outcome = status == 'f' and 'f' or 'c'
if status == 's' then call('HSET', data_key(id), 'cx', 'The filter of workflow "' .. origin[2] .. '" skips event "' .. origin[1] .. '".') end
if run[6] then record_pass(id, run[4], outcome, run[6], run[3], failure) end
disown(run[3], id)
terminate(id, run, outcome, failure)
return 'OK'
