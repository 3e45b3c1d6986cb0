-- keep_input: stores what the schema of a workflow, or its pipes, have made of a run's input, beside the input. It is sent in front of the first
-- write of a pass: a crash before leaves nothing of the pass, and the next one is again the first.
-- Guarantee: only the owner of the run writes; a repeat writes the same.
-- ARGS
--   id
--   fence
--   field            is by the schema, ip by the pipes
--   payload          encoded value
-- RETURNS OK | DONE | LOST
local state = guard(id, fence)
if state ~= 'RUNNING' then return state end
call('HSET', data_key(id), field, payload)
return 'OK'
