-- resume_schedule: ends a pause. What was due meanwhile is not made up, also when no worker lived to move the schedule on.
-- ARGS
--   id
--   expression       as the caller has read it
--   zone
--   following        its next instant from the time of the call
-- RETURNS OK | MISSING | CHANGED when the expression, or the time, is no longer what the caller thinks
local key = ROOT .. 'schedule:' .. id
local known = call('HMGET', key, 'ex', 'tz', 'nx', 'pa')
if not known[1] then return 'MISSING' end
if not known[4] then return 'OK' end
if known[1] ~= expression or known[2] ~= zone or finite(following) <= now then return 'CHANGED' end
if not known[3] or tonumber(known[3]) <= now then call('HSET', key, 'nx', following) end
call('HDEL', key, 'pa')
return 'OK'
