-- finish_unwinding: writes the terminal state of a run whose compensations are done.
-- ARGS
--   id
--   fence
--   errors           JSON array of the errors of compensations that failed for good, '' for none
--   hook             id of the run of the failure hook, '' for none
-- RETURNS OK | DONE | LOST
local state, run = guard(id, fence)
if state ~= 'RUNNING' then return state end
read_fate(id, run)
local outcome = run.unwinding
local payload = outcome == STATUS.failed and (call('HGET', data_key(id), 'e') or '')
record_pass(id, failures_before(run), outcome, run.claimedAt or call('HGET', run_key(id), RUN.startedAt), run.workerId, payload)
if errors ~= '' then call('HSET', data_key(id), 'ce', errors) end
disown(run.workerId, id)
terminate(id, run, outcome, payload, hook)
return 'OK'
