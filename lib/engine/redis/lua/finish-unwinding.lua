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
local payload = outcome == 'f' and (call('HGET', data_key(id), 'e') or '')
record_pass(id, failures_before(run), outcome, run[6] or call('HGET', run_key(id), 'sa'), run[3], payload)
if errors ~= '' then call('HSET', data_key(id), 'ce', errors) end
disown(run[3], id)
terminate(id, run, outcome, payload, hook)
return 'OK'
