-- resume_schedule: ends a pause. What was due meanwhile is not made up, also when no worker lived to move the schedule on.
-- ARGS
--   id
--   expression       as the caller has read it
--   zone
--   following        its next instant from the time of the call
-- RETURNS OK | MISSING | CHANGED when the expression, or the time, is no longer what the caller thinks
local key = schedule_key(id)
local known = call('HMGET', key, SCHEDULE.expression, SCHEDULE.zone, SCHEDULE.next, SCHEDULE.paused)
if not known.expression then return 'MISSING' end
if not known.paused then return 'OK' end
if known.expression ~= expression or known.zone ~= zone or finite(following) <= now then return 'CHANGED' end
if not known.next or tonumber(known.next) <= now then call('HSET', key, SCHEDULE.next, following) end
call('HDEL', key, SCHEDULE.paused)
return 'OK'
