-- read_event: one event with its deliveries.
-- ARGS
--   id
-- RETURNS { id, flat fields, flat deliveries, ids of the runs it resumed }, or nothing
local fields = call('HGETALL', event_key(id))
if #fields == 0 then return false end
return { id, fields, call('HGETALL', ROOT .. 'deliveries:' .. id), call('LRANGE', ROOT .. 'resumed:' .. id, 0, -1) }
