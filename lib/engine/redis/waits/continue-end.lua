-- continue_end: goes on with the end of one run that many runs wait for, or that had many waits: a bounded number of both.
-- Guarantee: each is told once. Those that were not told when the run is retried are told its next end.
-- ARGS
--   runs             how many to look at
-- RETURNS 1 if there may be more to do, for this run or another
for _, id in ipairs(call('SRANDMEMBER', ROOT .. 'ending', runs)) do
  local status = call('HGET', run_key(id), RUN.status)
  local is_done = true
  if status == STATUS.succeeded or status == STATUS.failed or status == STATUS.canceled then
    local payload = status == STATUS.canceled and canceled_error(id) or data_field(id, status == STATUS.succeeded and 'o' or 'e') or ''
    if deliver_ends(id, status, payload) then call('HDEL', run_key(id), RUN.awaited) else is_done = false end
    if not unlisten_some(id) then is_done = false end
  end
  if is_done then call('SREM', ROOT .. 'ending', id) end
end
return call('EXISTS', ROOT .. 'ending')
