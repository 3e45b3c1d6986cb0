-- settle_delivery: a worker has asked the filter, the schema and the key functions of a workflow that the creator of a run did not know.
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
  call('HDEL', run_key(id), RUN.unjudged)
  return 'OK'
end
if is_canceled(id, run) then
  settle_canceled(id, run)
  return 'OK'
end
settle_late(id, run.workflow, status, id, failure)
local outcome = status == 'f' and STATUS.failed or STATUS.canceled
if status == 's' then
  local event = call('HGET', run_key(id), RUN.eventId)
  call('HSET', data_key(id), 'cx', 'The filter of workflow "' .. run.workflow .. '" skips event "' .. event .. '".')
end
if run.claimedAt then record_pass(id, run.failures, outcome, run.claimedAt, run.workerId, failure) end
disown(run.workerId, id)
terminate(id, run, outcome, failure)
return 'OK'
