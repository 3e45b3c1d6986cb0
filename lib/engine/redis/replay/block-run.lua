-- block_run: ends a pass whose code does not come to what is stored of the run, and sets the run aside until somebody
-- lets it go on. Another living deployment is offered it at once.
-- Guarantee: not an attempt, a recovery or a failure; the run keeps its mutex, and its timeout stands still. One that was canceled ends.
-- ARGS
--   id
--   fence
--   reason           JSON of a BlockReason
-- RETURNS OK | DONE | LOST
local state, run = guard(id, fence)
if state ~= 'RUNNING' then return state end
if is_canceled(id, run) then
  settle_canceled(id, run)
  return 'OK'
end
local cold = call('HMGET', run_key(id), RUN.startedAt, RUN.unwinding)
run.unwinding = cold.unwinding
record_pass(id, failures_before(run), 'k', run.claimedAt or cold.startedAt, run.workerId)
move(id, run.workflow, run.queue, run.stamp, STATUS.running, STATUS.queued)
call('SREM', ROOT .. 'owned:' .. run.workerId, id)
if run.held then give_back(id, run.held, 'c') end
blocks.set_aside(id, run.workflow, fence, run.workerId, reason)
return 'OK'
