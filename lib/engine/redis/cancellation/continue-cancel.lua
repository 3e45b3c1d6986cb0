-- continue_cancel: cancels descendants of one canceled run, at most `limit` of them.
-- Guarantee: a canceled run starts no more children, so that none is missed; descendants of a child that has ended are canceled too.
-- ARGS
--   limit
-- RETURNS 1 if there may be more, of this run or another
local canceling = ROOT .. 'canceling'
local id = call('HRANDFIELD', canceling)
if not id then return 0 end
local last, compensate, canceled = string.match(call('HGET', canceling, id), '^(%d+),(%d),(.*)$')
local children = call('ZRANGEBYSCORE', children_key(id), '(' .. last, '+inf', 'WITHSCORES', 'LIMIT', 0, limit)
if #children < 2 * tonumber(limit) then
  call('HDEL', canceling, id)
else
  call('HSET', canceling, id, children[#children] .. ',' .. compensate .. ',' .. canceled)
end
local reason = (canceled == id and 'Parent' or 'Ancestor') .. ' run "' .. canceled .. '" was canceled'
for i = 1, #children, 2 do
  local child = children[i]
  local answer = request_cancel(child, reason, compensate, '')
  if answer[1] == 'NO' and not call('HGET', run_key(child), RUN.cancelRequestedAt) then cancel_children(child, compensate, canceled) end
end
return call('EXISTS', canceling)
