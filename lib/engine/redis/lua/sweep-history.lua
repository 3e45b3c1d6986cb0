-- sweep_history: deletes ended runs past their retention.
-- Guarantee: at most `limit` runs per call, none that has not ended.
-- ARGS
--   retention        ms
--   limit
-- RETURNS runs deleted
local ids = call('ZRANGEBYSCORE', ROOT .. 'ended', '-inf', now - tonumber(retention), 'LIMIT', 0, limit)
for _, id in ipairs(ids) do
  local run = call('HMGET', run_key(id), 'st', 'wf', 'q')
  if run[1] then leave_list(id, run[1], run[2], run[3]) end
  leave_indexes(id)
  call('UNLINK', run_key(id), data_key(id), ROOT .. 'passes:' .. id, ROOT .. 'waiters:' .. id,
    ROOT .. 'parents:' .. id, ROOT .. 'children:' .. id, ROOT .. 'listening:' .. id)
  call('ZREM', ROOT .. 'ended', id)
end
return #ids
