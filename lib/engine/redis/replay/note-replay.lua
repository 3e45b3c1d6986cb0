-- note_replay: stores what later passes of a run, or those who look at it, are to know of the order of this one.
-- Guarantee: only the owner of the run writes; a repeat writes the same.
-- ARGS
--   id
--   fence
--   field            ro failures that are to happen anew, ua steps that were not asked for
--   note
-- RETURNS OK | DONE | LOST
local state = guard(id, fence)
if state ~= 'RUNNING' then return state end
call('HSET', data_key(id), field, note)
return 'OK'
