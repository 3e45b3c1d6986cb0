-- forget_unserved: forgets one workflow that nobody has served for as long as it is to be kept; where there is none, some pauses of schedules
-- that are gone for so long.
-- Guarantee: one workflow and a bounded number of entries per call.
-- ARGS
--   cursor           of the pauses, 0 to begin
-- RETURNS { name of the workflow that is forgotten now or '', cursor, 1 if there may be more }
local workflow = call('ZRANGEBYSCORE', ROOT .. 'unserved', '-inf', now, 'LIMIT', 0, 1)[1]
if workflow then
  if deployments.is_served(workflow) then
    call('ZREM', ROOT .. 'unserved', workflow)
    return { '', cursor, 1 }
  end
  return { registry.forget(workflow, 200) and workflow or '', cursor, 1 }
end
local found = call('HSCAN', ROOT .. 'pauses', cursor, 'COUNT', 100)
for i = 1, #found[2], 2 do
  local till, former = string.match(found[2][i + 1], '^(%d+):(.*)$')
  if tonumber(till) <= now then
    call('HDEL', ROOT .. 'pauses', found[2][i])
    call('SREM', registered_key(former), 'p' .. found[2][i])
  end
end
return { '', found[1], found[1] ~= '0' and 1 or 0 }
