-- store_progress: keeps what a running step reports of itself, apart from its record.
-- ARGS
--   id
--   fence
--   name
--   payload          encoded progress value
-- RETURNS OK | DONE | LOST
local state = guard(id, fence)
if state ~= 'RUNNING' then return state end
call('HSET', data_key(id), 'g:' .. name, payload)
return 'OK'
