-- admit_run: a worker has asked the key functions of a workflow that the creator of a run did not know: what create_run would have done
-- is done now, before its handler starts.
-- Guarantee: asked once; a repeat finds the run admitted, or the pass over.
-- ARGS
--   id
--   fence
--   admission        what it is subject to: see shared/rare/admission.lua
-- RETURNS OK: the pass goes on | OVER: the run is queued again, for its gates, or is delayed, or has ended: over its rate limit, or joined
--   with a debounced run | DONE | LOST
local state, run = guard(id, fence)
if state ~= 'RUNNING' then return state end
local key, data, workflow, queue = run_key(id), data_key(id), run[10], run[11]
local cold = call('HMGET', key, 'fc', 'uk', 'pr', 'ik', 'tr', 'ei', 'si', 'sn', 'sa')
if not cold[1] and not cold[2] then return 'OK' end
if is_canceled(id, run) then
  settle_canceled(id, run)
  return 'OVER'
end
local limits = read_limits(admission)

local function finish(outcome, payload)
  if run[6] then record_pass(id, run[4], outcome, run[6], run[3], payload) end
  disown(run[3], id)
  terminate(id, run, outcome, payload)
  return 'OVER'
end
local pending = limits.d and pending_of(workflow, limits.d[3])
if pending then
  local extra = {}
  for i, field in ipairs({ 'tr', 'ei', 'si', 'sn' }) do
    if cold[4 + i] then
      extra[#extra + 1] = field
      extra[#extra + 1] = cold[4 + i]
    end
  end
  join(pending, { id = id, input = call('HGET', data, 'i') or '', headers = call('HGET', data, 'x'), extra = extra }, limits)
  local envelope = call('HGET', data, 'ev')
  if envelope then call('HSET', data_key(pending), 'ev', envelope) end
  local claim_key = cold[4] and scoped('idem', workflow, cold[4])
  if claim_key and call('GET', claim_key) == id then call('SET', claim_key, pending, 'KEEPTTL') end
  settle_late(id, workflow, 'd', pending, '')
  pass_waits_on(id, pending)
  call('HSET', data, 'cx', 'Debounced: run "' .. pending .. '" has taken its input.')
  return finish('c')
end
local wait = limited_for(workflow, limits, 0)
if wait then
  local failure = limited_error(workflow, limits, string.format('%.0f', wait))
  settle_late(id, workflow, 'f', id, failure)
  return finish('f', failure)
end

subject(id, workflow, limits, function(field, value) call('HSET', key, field, value) end)
call('HDEL', key, 'fc', 'uk')
if not (limits.d or limits.m or limits.t) then return 'OK' end
-- It has not started: this was no pass.
if run[13] then give_back(id, run[13], 'mtc', true) end
-- The first claim after a retry sets both times.
if not run[6] or run[6] == cold[9] then call('HDEL', key, 'sa') end
call('SREM', ROOT .. 'owned:' .. run[3], id)
if limits.d then
  local at = now + limits.d[1]
  call('HSET', key, 'st', 'd', 'av', string.format('%.0f', at))
  move(id, workflow, queue, run[12], 'r', 'd')
  set_due(id, queue, at)
else
  call('HSET', key, 'st', 'q', 'av', now_text)
  enqueue(id, queue, tonumber(cold[3] or 0), run[7], true)
  wake(queue, id)
end
return 'OVER'
