-- commit_step: stores one step: its result, its failure, or the time at which it goes on.
-- Guarantee: only the owner of the run writes; repeating it writes the same result, and does not put a wait off.
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
local head = kind .. ',' .. status .. ',' .. order .. ',' .. attempt .. ',' .. earlier .. ','
local moment = now
local stamp = now
if wait ~= '' then
  moment = math.max(0, tonumber(string.sub(wait, 2)))
  if string.sub(wait, 1, 1) == '+' then
    local known = call('HGET', data_key(id), 's:' .. name)
    if known and string.sub(known, 1, #head) == head then
      return { 'OK', now, tonumber(string.match(known, '^%d+,(%d+);', #head + 1)) }
    end
    moment = now + moment
  end
  -- A number of more than 14 digits would be joined in the form 8.64e+15.
  stamp = string.format('%.0f', moment)
end
call('HSET', data_key(id), 's:' .. name, head .. (now - floor(tonumber(elapsed))) .. ',' .. stamp .. ';' .. payload)
if run[4] and status == 's' then call('HDEL', run_key(id), 'rs') end
return { 'OK', now, moment }
