-- commit_step: stores one step: its result, its failure, or the time at which it goes on.
-- Guarantee: only the owner of the run writes; repeating it writes the same result, and does not put a wait off.
-- ARGS
--   id
--   fence
--   name
--   head             kind,status,order,attempt,earlier@asked, and a digest if there is one, as they are stored: see StoredStep in stored-step.ts; kind o is stored as r, and
--                    says that the run has nothing left to undo
--   elapsed          ms since the step began
--   wait             '' for none, '+ms' from now, '=epoch ms'
--   payload          encoded output or error
-- RETURNS OK | DONE | LOST | TAKEN, or for a step that waits the epoch ms at which it goes on
local state, run = guard(id, fence)
if state ~= 'RUNNING' then return state end
local since = elapsed == '0' and now_text or now - finite(elapsed)
local moment
local stamp = now_text
if wait ~= '' then moment = math.max(0, finite(string.sub(wait, 2))) end
-- A wait that others can end (child, event, any) is timed out only if they have not: whoever writes first decides.
local kind = string.sub(head, 1, 1)
if kind == 'o' then head = STEP_KIND.run .. string.sub(head, 2) end
if kind == STEP_KIND.child or kind == STEP_KIND.event or kind == STEP_KIND.any then
  local known = call('HGET', data_key(id), 's:' .. name)
  if known and string.match(known, '^%a,[dk],') then return 'TAKEN' end
  if kind ~= STEP_KIND.child then unlisten(id, name) end
end
if moment then
  if string.sub(wait, 1, 1) == '+' then
    local known = call('HGET', data_key(id), 's:' .. name)
    if known and string.sub(known, 1, #head) == head then
      return tonumber(string.match(known, '^%d+,(%d+);', #head + 1))
    end
    moment = now + moment
  end
  -- A number of more than 14 digits would be joined in the form 8.64e+15.
  stamp = string.format('%.0f', moment)
end
call('HSET', data_key(id), 's:' .. name, head .. since .. ',' .. stamp .. ';' .. payload)
-- Whether there is something to undo should the run fail: known, or possible as long as a function that has begun has no outcome.
if kind == STEP_KIND.undoable or kind == STEP_KIND.unknown then
  call('HSET', run_key(id), RUN.compensable, 1)
elseif kind == 'o' then
  call('HDEL', run_key(id), RUN.compensable)
end
if run.recoveryStreak and string.sub(head, 3, 3) == STEP_STATUS.succeeded then
  run.recoveryStreak = false
  call('HDEL', run_key(id), RUN.recoveryStreak)
end
return moment or 'OK'
