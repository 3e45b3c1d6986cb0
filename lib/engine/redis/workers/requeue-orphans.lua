-- requeue_orphans: a worker says which of the runs that it owns here it does not hold: Redis came back without the writes that ended them.
-- They are queued again as recoveries, since the handler may have had effects.
-- Guarantee: a run that a claim handed out whose answer the worker has not read yet is left alone, also when this call comes late: it says
-- which claims had been read when the worker looked, and nothing is done once a lane is more than one claim ahead of that.
-- ARGS
--   worker
--   read             JSON array: number of the last claim of each lane whose answer the worker has read
--   ...ids
-- RETURNS ids of the runs that were queued again
local record = ROOT .. 'worker:' .. worker
local unread = {}
for lane, number in ipairs(cjson.decode(read)) do
  local last = call('HMGET', record, 'claimSeq' .. lane - 1, 'claimed' .. lane - 1)
  local ahead = tonumber(last[1] or 0) - number
  if ahead > 1 then return {} end
  if ahead == 1 then
    for _, pair in ipairs(cjson.decode(last[2])) do unread[pair[1]] = true end
  end
end
local requeued = {}
for i = ids_first, ids_last do
  local id = ARGV[i]
  if not unread[id] and call('SREM', ROOT .. 'owned:' .. worker, id) == 1 and requeue(id, worker) then requeued[#requeued + 1] = id end
end
return requeued
