-- read_schedule: one schedule.
-- ARGS
--   id
-- RETURNS { now, workflow, expression, zone, input }, or nothing
local known = call('HMGET', ROOT .. 'schedule:' .. id, 'wf', 'ex', 'tz', 'ip')
if not known[1] then return false end
return { now, known[1], known[2], known[3], known[4] or '' }
