-- store_patches: stores what ctx.patched() has answered in a run. What its handler begins afterwards comes in later operations.
-- Guarantee: only the owner of the run writes; a repeat writes the same.
-- ARGS
--   id
--   fence
--   answers          JSON object of all answers of the run by id
-- RETURNS OK | DONE | LOST
local state, run = guard(id, fence)
if state ~= 'RUNNING' then return state end
local data = data_key(id)
-- A failure hook is not an open run.
if call('HEXISTS', run_key(id), RUN.hookOf) == 0 then
  local known = call('HGET', data, 'pa')
  local before = known and cjson.decode(known) or {}
  for patch, answer in pairs(cjson.decode(answers)) do
    if before[patch] == nil then count_patch(run.workflow, patch, answer, 1) end
  end
  call('HSET', run_key(id), RUN.patched, 1)
end
call('HSET', data, 'pa', answers)
return 'OK'
