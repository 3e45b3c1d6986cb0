-- continue_cancel: cancels descendants of one canceled run, about `limit` of them.
-- Guarantee: a canceled run starts no more children, so that none is missed; descendants of a child that has ended are canceled too.
-- ARGS
--   limit
-- RETURNS 1 if there may be more, of this run or another
local canceling = ROOT .. 'canceling'
local id = call('HRANDFIELD', canceling)
if not id then return 0 end
local cursor, compensate, canceled = string.match(call('HGET', canceling, id), '^(%d+),(%d),(.*)$')
local scan = call('SSCAN', ROOT .. 'children:' .. id, cursor, 'COUNT', limit)
if scan[1] == '0' then
  call('HDEL', canceling, id)
else
  call('HSET', canceling, id, scan[1] .. ',' .. compensate .. ',' .. canceled)
end
local reason = (canceled == id and 'Parent' or 'Ancestor') .. ' run "' .. canceled .. '" was canceled'
for _, child in ipairs(scan[2]) do
  local answer = request_cancel(child, reason, compensate, '')
  if answer[1] == 'NO' and not call('HGET', run_key(child), 'cr') then cancel_children(child, compensate, canceled) end
end
return call('EXISTS', canceling)
