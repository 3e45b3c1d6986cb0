-- sweep_queues: forgets the names of queues that hold nothing, that no worker serves and that are not paused.
-- Guarantee: a bounded number of names per call; a run that enters such a queue later makes its name known again.
-- ARGS
--   cursor           0 to begin
-- RETURNS the cursor to go on with, 0 when all names were looked at
local found = call('SSCAN', ROOT .. 'queues', cursor, 'COUNT', 100)
for _, queue in ipairs(found[2]) do
  local is_used = call('EXISTS', ROOT .. 'queue:' .. queue, ROOT .. 'suspects:' .. queue, ROOT .. 'lanes:' .. queue, ROOT .. 'serving:' .. queue) > 0
  if not is_used and call('HEXISTS', ROOT .. 'controls', 'p' .. queue) == 0 then call('SREM', ROOT .. 'queues', queue) end
end
return tonumber(found[1])
