-- back_off_run: ends a failed attempt that is to be tried again: the run is parked for its backoff.
-- ARGS
--   id
--   fence
--   delay            ms
--   deadline         epoch ms of the run's timeout, '' for none
--   failure          encoded error
-- RETURNS OK | DONE | LOST
local state, run = guard(id, fence)
if state ~= 'RUNNING' then return state end
if is_canceled(id, run) then
  settle_canceled(id, run)
  return 'OK'
end
local at = now + floor(finite(delay))
if deadline ~= '' and finite(deadline) < at then at = tonumber(deadline) end
record_pass(id, run.failures, 'f', run.claimedAt or call('HGET', run_key(id), RUN.startedAt), run.workerId, failure)
call('HSET', run_key(id), RUN.status, STATUS.backingOff, RUN.availableAt, at, RUN.failures, tonumber(run.failures or 0) + 1)
call('HSET', data_key(id), 'e', failure)
move(id, run.workflow, run.queue, run.stamp, STATUS.running, STATUS.backingOff)
call('SREM', ROOT .. 'owned:' .. run.workerId, id)
if run.held then give_back(id, run.held, 'c') end
set_due(id, run.queue, at)
return 'OK'
