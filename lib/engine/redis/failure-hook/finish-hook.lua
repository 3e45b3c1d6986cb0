-- finish_hook: ends the failure hook of a run and writes its outcome to that run, which begins its retention. One whose cancellation was
-- requested has failed with that, whatever it came to.
-- Guarantee: once; the hook leaves nothing behind but its outcome.
-- ARGS
--   id               of the hook's run
--   fence
--   failed           the run that has failed
--   outcome          s succeeded, f failed
--   payload          encoded error, '' for success
-- RETURNS OK | DONE | LOST
local state, run = guard(id, fence)
if not run.status and call('HGET', run_key(failed), RUN.hookRunId) == id then return 'DONE' end
if state ~= 'RUNNING' then return state end
disown(run.workerId, id)
end_hook(id, run, failed, outcome, payload)
return 'OK'
