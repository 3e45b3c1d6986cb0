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
call('SREM', ROOT .. 'owned:' .. run[3], id)
local cold = call('HMGET', key, 'pr', 'sa', 'co', 'on')
run.unwinding = cold[3]
local queue = run[11]
record_pass(id, failures_before(run), 'h', run[6] or cold[2], run[3])
if delay == '0' then
  call('HSET', key, 'st', 'q', 'av', now)
  enqueue(id, queue, tonumber(cold[1] or 0), run[7], true)
  keep_slot(id, queue, run[13])
  wake(queue, id)
else
  -- The first claim after a retry sets both times.
  local first = not cold[3] and (not run[6] or run[6] == cold[2])
  local status = first and 'd' or 'b'
  call('HSET', key, 'st', status, 'av', at)
  move(id, run[10], queue, run[12], 'r', status)
  local unstarted = unfit == '1' and first
  if run[13] then give_back(id, run[13], unstarted and 'mtc' or 'c', unstarted) end
  if unfit == '1' then
    call('HINCRBY', key, 'hb', 1)
    -- It is kept for a deployment that gets on with it.
    if cold[4] then call('HDEL', key, 'on') end
    if first then call('HDEL', key, 'sa') end
  end
  set_due(id, queue, at)
end
return 'OK'
