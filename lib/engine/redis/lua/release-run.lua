-- release_run: a worker hands a run back unfinished: at once to the front of its queue (shutdown), or after a delay (a
-- workflow this worker does not know). Not an attempt.
-- ARGS
--   id
--   fence
--   delay            ms, 0 for at once
--   unknown          1 if the worker does not know the workflow: then the run has not started either
-- RETURNS OK | DONE | LOST
local state, run = guard(id, fence, 'q', 'n', 'sa', 'ca', 'pr', 'rs')
if state ~= 'RUNNING' then return state end
local key = run_key(id)
call('SREM', ROOT .. 'owned:' .. run[3], id)
record_pass(id, run[5], 'h', run[7] or run[6], run[3])
if delay == '0' then
  call('HSET', key, 'st', 'q', 'av', now)
  enqueue(id, run[4], tonumber(run[8] or 0), run[9], true)
  wake(run[4])
else
  local at = now + tonumber(delay)
  call('HSET', key, 'st', run[7] and 'w' or 'd', 'av', at)
  if unknown == '1' then
    call('HINCRBY', key, 'hb', 1)
    if not run[7] then call('HDEL', key, 'sa') end
  end
  set_due(id, run[4], at)
end
return 'OK'
