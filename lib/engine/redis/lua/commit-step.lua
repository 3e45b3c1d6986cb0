-- commit_step: stores one step: its result, its failure, or the time at which it goes on.
-- Guarantee: only the owner of the run writes; repeating it writes the same record.
-- ARGS
--   id
--   fence
--   name
--   kind             r run, s sleep
--   status           s succeeded, f failed (memoised), x failed (runs again), w waiting, r running
--   order            place in the order of completion, 0 while open
--   attempt
--   earlier          failures of the step before the current attempt of the run
--   elapsed          ms since the step began
--   wait             '' for none, '+ms' from now, '=epoch ms'
--   payload          encoded output or error
-- RETURNS { OK | DONE | LOST, now, epoch ms of the end or of the wake-up }
local state, run = guard(id, fence, 'rs')
if state ~= 'RUNNING' then return { state == 'DONE' and 'DONE' or 'LOST', now, 0 } end
local moment = now
if wait ~= '' then
  moment = tonumber(string.sub(wait, 2))
  if string.sub(wait, 1, 1) == '+' then moment = now + moment end
end
call('HSET', data_key(id), 's:' .. name,
  kind .. ',' .. status .. ',' .. order .. ',' .. attempt .. ',' .. earlier .. ',' .. (now - floor(tonumber(elapsed))) .. ',' .. moment .. ';' .. payload)
if run[4] and status == 's' then call('HDEL', run_key(id), 'rs') end
return { 'OK', now, moment }
