-- read_schedule: one schedule.
-- ARGS
--   id
-- RETURNS { now, workflow, expression, zone, input }, or nothing
local known = call('HMGET', schedule_key(id), SCHEDULE.workflow, SCHEDULE.expression, SCHEDULE.zone, SCHEDULE.input)
if not known.workflow then return false end
return { now, known.workflow, known.expression, known.zone, known.input or '' }
