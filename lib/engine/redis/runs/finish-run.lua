-- finish_run: writes the terminal state, once, and tells who waits for it. A run whose cancellation was requested ends canceled,
-- whatever its handler came to.
-- ARGS
--   id
--   fence
--   outcome          s succeeded, f failed, c canceled
--   payload          encoded output, or error
--   hook             id of the run of the failure hook, '' for none
-- RETURNS OK | DONE | LOST
local state, run = guard(id, fence)
if state ~= 'RUNNING' then return state end
if is_canceled(id, run) then
  settle_canceled(id, run)
  return 'OK'
end
-- The history of a run that ended in its first pass can be told from the run itself.
if run.claimedAt then record_pass(id, run.failures, outcome, run.claimedAt, run.workerId, outcome == STATUS.failed and payload) end
disown(run.workerId, id)
terminate(id, run, outcome, payload, hook)
return 'OK'
