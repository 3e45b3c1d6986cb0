-- pause_schedule: a paused schedule moves on without starting runs.
-- ARGS
--   id
-- RETURNS OK | MISSING
local key = schedule_key(id)
if call('EXISTS', key) == 0 then return 'MISSING' end
call('HSET', key, SCHEDULE.paused, 1)
return 'OK'
