-- store_patches: stores what ctx.patched() has answered in a run. What its handler begins afterwards comes in later operations.
-- Guarantee: only the owner of the run writes; a repeat writes the same.
-- ARGS
--   id
--   fence
--   answers          JSON object of all answers of the run by id
-- RETURNS OK | DONE | LOST
local state = guard(id, fence)
if state ~= 'RUNNING' then return state end
call('HSET', data_key(id), 'pa', answers)
return 'OK'
