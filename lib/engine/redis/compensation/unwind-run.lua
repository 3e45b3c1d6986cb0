-- unwind_run: ends the last attempt of a run that has compensations: its next pass runs them and writes the failure.
-- ARGS
--   id
--   fence
--   failure          encoded error
-- RETURNS OK | DONE | LOST
local state, run = guard(id, fence)
if state ~= 'RUNNING' then return state end
if is_canceled(id, run) then
  settle_canceled(id, run)
  return 'OK'
end
record_pass(id, run.failures, 'f', run.claimedAt or call('HGET', run_key(id), RUN.startedAt), run.workerId, failure)
call('HSET', run_key(id), RUN.failures, tonumber(run.failures or 0) + 1)
call('HSET', data_key(id), 'e', failure)
call('SREM', ROOT .. 'owned:' .. run.workerId, id)
unwind(id, run, STATUS.failed)
return 'OK'
