-- trigger_schedule: starts a run of a schedule now, also of a paused one. Its next instant stays.
-- Guarantee: one run per id; a repeat answers the same again.
-- ARGS
--   id
--   run              id of the run, made for this call
--   workflow         the schedule's, as the caller has read it
--   queue
--   priority
--   attempts
--   tags
--   admission
--   headers          encoded: what travels with the run to its passes, '' for none
-- RETURNS { CREATED, id } | { COALESCED, id of the debounced run } | { LIMITED, id, ms to wait } | { MISSING } | { CHANGED } when the schedule is
--   of another workflow by now
if call('EXISTS', run_key(run)) == 1 then return { 'CREATED', run } end
local merged = merged_into(run)
if merged then return { 'COALESCED', merged } end
local known = call('HMGET', schedule_key(id), SCHEDULE.workflow, SCHEDULE.input)
if not known.workflow then return { 'MISSING' } end
if known.workflow ~= workflow then return { 'CHANGED' } end
return create({
  id = run, nonce = '', workflow = workflow, queue = queue, priority = priority, attempts = attempts,
  tags = tags, at = '', delay = 0, idempotency = '', ttl = 0, input = known.input or '', admission = admission, headers = headers,
  extra = { RUN.trigger, 'cron', RUN.scheduleId, id, RUN.scheduledFor, now_text },
})
