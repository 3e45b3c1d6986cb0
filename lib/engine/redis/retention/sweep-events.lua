-- sweep_events: deletes events past their retention.
-- Guarantee: at most `limit` events per call, none whose fan-out is not done.
-- ARGS
--   retention        ms
--   limit
-- RETURNS { events deleted, 1 if there may be more }
local before = string.format('%.0f', (now - tonumber(retention)) * 1000)
local deleted = 0
local ids = call('ZRANGEBYSCORE', ROOT .. 'events', '-inf', before, 'LIMIT', 0, limit)
for _, id in ipairs(ids) do
  if call('SISMEMBER', ROOT .. 'pending', id) == 0 then
    local event = call('HMGET', event_key(id), EVENT.name, EVENT.correlationKey)
    if event.name then call('ZREM', ROOT .. 'events:' .. event.name, id) end
    if event.correlationKey then call('ZREM', ROOT .. 'mail:' .. place_of(event.name, event.correlationKey), id) end
    call('UNLINK', event_key(id), ROOT .. 'deliveries:' .. id, ROOT .. 'resumed:' .. id)
    call('ZREM', ROOT .. 'events', id)
    deleted = deleted + 1
  end
end
return { deleted, deleted > 0 and #ids == tonumber(limit) and 1 or 0 }
