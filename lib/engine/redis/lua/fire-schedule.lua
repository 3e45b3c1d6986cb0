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
local key = ROOT .. 'schedule:' .. id
local known = call('HMGET', key, 'nx', 'wf', 'ex', 'tz', 'pa', 'ip')
if not known[1] then return { 'GONE', now, '' } end
if known[2] ~= workflow or known[3] ~= expression or known[4] ~= zone then return { 'OTHER', now, '' } end
if known[1] ~= expected then return { 'MOVED', now, known[1] } end
finite(following)
if finite(expected) > now or (instant ~= '' and finite(instant) > now) then return { 'EARLY', now, expected } end
-- The call lay somewhere while time went on, with Redis away: other instants may have passed.
if now - finite(judged) > 10000 then return { 'LATE', now, expected } end
if known[5] or instant == '' or is_full(workflow) then
  call('HSET', key, 'nx', following)
  return { known[5] and 'PAUSED' or 'SKIPPED', now, following }
end
local created = create({
  id = run, nonce = '', workflow = workflow, queue = queue, priority = priority, attempts = attempts,
  tags = tags, at = '', delay = 0, idempotency = '', ttl = 0, input = known[6] or '', admission = admission,
  extra = { 'tr', 'cron', 'si', id, 'sn', instant },
})
if created[1] == 'LIMITED' then
  call('HSET', key, 'nx', following)
  return { 'SKIPPED', now, following }
end
call('HSET', key, 'la', instant, 'nx', following)
return { 'FIRED', now, following }
