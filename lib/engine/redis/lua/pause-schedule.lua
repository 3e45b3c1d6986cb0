-- pause_schedule: a paused schedule moves on without starting runs.
-- ARGS
--   id
-- RETURNS OK | MISSING
local key = ROOT .. 'schedule:' .. id
if call('EXISTS', key) == 0 then return 'MISSING' end
call('HSET', key, 'pa', 1)
return 'OK'
