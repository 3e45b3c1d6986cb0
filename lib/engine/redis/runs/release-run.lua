-- release_run: a worker hands a run back unfinished: at once to the front of its queue (shutdown), or after a
-- delay. Not an attempt.
-- ARGS
--   id
--   fence
--   delay            ms, 0 for at once
--   unfit            1 if the worker cannot begin its handler, and another may: counted, and a run in its first pass has not started
-- RETURNS OK | DONE | LOST
local state, run = guard(id, fence)
if state ~= 'RUNNING' then return state end
if is_canceled(id, run) then
  settle_canceled(id, run)
  return 'OK'
end
local key = run_key(id)
local at = now + finite(delay)
call('SREM', ROOT .. 'owned:' .. run.workerId, id)
local cold = call('HMGET', key, RUN.priority, RUN.startedAt, RUN.unwinding, RUN.reservedFor)
run.unwinding = cold.unwinding
local queue = run.queue
record_pass(id, failures_before(run), 'h', run.claimedAt or cold.startedAt, run.workerId)
if delay == '0' then
  call('HSET', key, RUN.status, STATUS.queued, RUN.availableAt, now)
  enqueue(id, queue, tonumber(cold.priority or 0), run.recoveryStreak, true)
  keep_slot(id, queue, run.held)
  wake(queue, id)
else
  -- The first claim after a retry sets both times.
  local first = not cold.unwinding and (not run.claimedAt or run.claimedAt == cold.startedAt)
  local status = first and STATUS.scheduled or STATUS.backingOff
  call('HSET', key, RUN.status, status, RUN.availableAt, at)
  move(id, run.workflow, queue, run.stamp, STATUS.running, status)
  local unstarted = unfit == '1' and first
  if run.held then give_back(id, run.held, unstarted and 'mtc' or 'c', unstarted) end
  if unfit == '1' then
    call('HINCRBY', key, RUN.handBacks, 1)
    -- It is kept for a deployment that gets on with it.
    if cold.reservedFor then call('HDEL', key, RUN.reservedFor) end
    if first then call('HDEL', key, RUN.startedAt) end
  end
  set_due(id, queue, at)
end
return 'OK'
