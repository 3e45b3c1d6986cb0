-- admit_run: a worker has asked the key functions of a workflow that the creator of a run did not know: what create_run would have done
-- is done now, before its handler starts.
-- Guarantee: asked once; a repeat finds the run admitted, or the pass over.
-- ARGS
--   id
--   fence
--   admission        what it is subject to: see limits/admission.lua
-- RETURNS OK: the pass goes on | OVER: the run is queued again, for its gates, or is delayed, or has ended: over its rate limit, or joined
--   with a debounced run | DONE | LOST
local state, run = guard(id, fence)
if state ~= 'RUNNING' then return state end
local key, data, workflow, queue = run_key(id), data_key(id), run.workflow, run.queue
local cold = call('HMGET', key, RUN.unjudged, RUN.unadmitted, RUN.priority, RUN.idempotencyKey, RUN.trigger, RUN.eventId, RUN.scheduleId,
  RUN.scheduledFor, RUN.startedAt)
if not cold.unjudged and not cold.unadmitted then return 'OK' end
if is_canceled(id, run) then
  settle_canceled(id, run)
  return 'OVER'
end
local limits = read_limits(admission)

local function finish(outcome, payload)
  if run.claimedAt then record_pass(id, run.failures, outcome, run.claimedAt, run.workerId, payload) end
  disown(run.workerId, id)
  terminate(id, run, outcome, payload)
  return 'OVER'
end
local pending = limits.d and pending_of(workflow, limits.d[3])
if pending then
  local extra = {}
  for _, pair in ipairs({
    { RUN.trigger, cold.trigger }, { RUN.eventId, cold.eventId }, { RUN.scheduleId, cold.scheduleId }, { RUN.scheduledFor, cold.scheduledFor },
  }) do
    if pair[2] then
      extra[#extra + 1] = pair[1]
      extra[#extra + 1] = pair[2]
    end
  end
  join(pending, { id = id, input = call('HGET', data, 'i') or '', headers = call('HGET', data, 'x'), extra = extra }, limits)
  local envelope = call('HGET', data, 'ev')
  if envelope then call('HSET', data_key(pending), 'ev', envelope) end
  local claim_key = cold.idempotencyKey and scoped('idem', workflow, cold.idempotencyKey)
  if claim_key and call('GET', claim_key) == id then call('SET', claim_key, pending, 'KEEPTTL') end
  settle_late(id, workflow, 'd', pending, '')
  pass_waits_on(id, pending)
  call('HSET', data, 'cx', 'Debounced: run "' .. pending .. '" has taken its input.')
  return finish(STATUS.canceled)
end
local wait = limited_for(workflow, limits, 0)
if wait then
  local failure = limited_error(workflow, limits, string.format('%.0f', wait))
  settle_late(id, workflow, 'f', id, failure)
  return finish(STATUS.failed, failure)
end

subject(id, workflow, limits, function(field, value) call('HSET', key, field, value) end)
call('HDEL', key, RUN.unjudged, RUN.unadmitted)
if not (limits.d or limits.m or limits.t) then return 'OK' end
-- It has not started: this was no pass.
if run.held then give_back(id, run.held, 'mtc', true) end
-- The first claim after a retry sets both times.
if not run.claimedAt or run.claimedAt == cold.startedAt then call('HDEL', key, RUN.startedAt) end
call('SREM', ROOT .. 'owned:' .. run.workerId, id)
if limits.d then
  local at = now + limits.d[1]
  call('HSET', key, RUN.status, STATUS.scheduled, RUN.availableAt, string.format('%.0f', at))
  move(id, workflow, queue, run.stamp, STATUS.running, STATUS.scheduled)
  set_due(id, queue, at)
else
  call('HSET', key, RUN.status, STATUS.queued, RUN.availableAt, now_text)
  enqueue(id, queue, tonumber(cold.priority or 0), run.recoveryStreak, true)
  wake(queue, id)
end
return 'OVER'
