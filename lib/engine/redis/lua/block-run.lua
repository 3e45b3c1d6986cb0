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
local cold = call('HMGET', run_key(id), 'sa', 'co')
run.unwinding = cold[2]
record_pass(id, failures_before(run), 'k', run[6] or cold[1], run[3])
move(id, run[10], run[11], run[12], 'r', 'q')
call('SREM', ROOT .. 'owned:' .. run[3], id)
if run[13] then give_back(id, run[13], 'c') end
blocks.set_aside(id, run[10], fence, run[3], reason)
return 'OK'
