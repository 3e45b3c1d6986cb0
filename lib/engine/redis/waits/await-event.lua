-- await_event: registers a step that waits for an event, and looks for one that came before, in one script.
-- Guarantee: registered once; an event emitted before or after is found, none is consumed twice.
-- ARGS
--   id
--   fence
--   step
--   asked            '@' and how many outcomes the handler had when it asked for the step, '' where that says nothing
--   name             of the event
--   key              correlation key
--   timeout          ms, '' for ever
--   lookback         run: events since the run was created count; none: only those to come
-- RETURNS { OK | DONE | LOST, now, epoch ms of the timeout or 0, 1 if the event is there }
local state = guard(id, fence)
if state ~= 'RUNNING' then return { state, now, 0, 0 } end
local field = 's:' .. step
local known = call('HGET', data_key(id), field)
if known then
  local status, moment = string.match(known, '^%a,(%a),%d+,%d+,[%d@]+,%d+,(%d+);')
  return { 'OK', now, tonumber(moment), status == STEP_STATUS.waiting and 0 or 1 }
end
local moment = 0
if timeout ~= '' then moment = now + finite(timeout) end
call('HSET', data_key(id), field, 'e,w,0,1,0' .. asked .. ',' .. now_text .. ',' .. string.format('%.0f', moment) .. ';')
local entries = {}
local over = listen(id, step, '', name, key, lookback, entries)
keep_listening(id, step, entries)
return { 'OK', now, moment, over and 1 or 0 }
