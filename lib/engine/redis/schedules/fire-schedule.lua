-- fire_schedule: starts the run of one nominal instant of a schedule, and moves the schedule on.
-- Guarantee: one run per schedule and instant: who moves the next instant on creates the run, and its id follows from both. Never
-- before its time.
-- ARGS
--   id
--   expected         next instant as the worker knows it
--   instant          the one to fire, '' for none: what was missed is skipped
--   following        next instant from now on
--   judged           Redis time at which the worker chose among the instants
--   run              id of the run
--   workflow
--   expression
--   zone
--   queue
--   priority
--   attempts
--   tags
--   admission
-- RETURNS { status, now, next instant or '' }
--   FIRED | SKIPPED (missed, or the workflow is at its maxConcurrency or over its rate limit) | PAUSED: moved on; MOVED: somebody else did; EARLY | LATE: look at the clock again;
--   OTHER: declared otherwise by a later deployment; GONE
local key = schedule_key(id)
local known = call('HMGET', key, SCHEDULE.next, SCHEDULE.workflow, SCHEDULE.expression, SCHEDULE.zone, SCHEDULE.paused, SCHEDULE.input)
if not known.next then return { 'GONE', now, '' } end
if known.workflow ~= workflow or known.expression ~= expression or known.zone ~= zone then return { 'OTHER', now, '' } end
if known.next ~= expected then return { 'MOVED', now, known.next } end
finite(following)
if finite(expected) > now or (instant ~= '' and finite(instant) > now) then return { 'EARLY', now, expected } end
-- The call lay somewhere while time went on, with Redis away: other instants may have passed.
if now - finite(judged) > 10000 then return { 'LATE', now, expected } end
if known.paused or instant == '' or is_full(workflow) then
  call('HSET', key, SCHEDULE.next, following)
  return { known.paused and 'PAUSED' or 'SKIPPED', now, following }
end
local created = create({
  id = run, nonce = '', workflow = workflow, queue = queue, priority = priority, attempts = attempts,
  tags = tags, at = '', delay = 0, idempotency = '', ttl = 0, input = known.input or '', admission = admission,
  extra = { RUN.trigger, 'cron', RUN.scheduleId, id, RUN.scheduledFor, instant },
})
if created[1] == 'LIMITED' then
  call('HSET', key, SCHEDULE.next, following)
  return { 'SKIPPED', now, following }
end
call('HSET', key, SCHEDULE.last, instant, SCHEDULE.next, following)
return { 'FIRED', now, following }
