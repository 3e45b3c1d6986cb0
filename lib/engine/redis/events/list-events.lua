-- list_events: one page of events in the order of their emission.
-- Guarantee: costs O(page); of each event at most 100 resumed runs are named.
-- ARGS
--   after            stamp of the last event seen, '' for the beginning
--   sort             asc | desc
--   limit
--   name             '' for all
-- RETURNS { stamp to go on from or '', { id, fields, deliveries, resumed }… }
local index = ROOT .. 'events' .. (name == '' and '' or (':' .. name))
local window
if sort == 'asc' then
  window = call('ZRANGEBYSCORE', index, after == '' and '-inf' or '(' .. after, '+inf', 'WITHSCORES', 'LIMIT', 0, limit + 1)
else
  window = call('ZREVRANGEBYSCORE', index, after == '' and '+inf' or '(' .. after, '-inf', 'WITHSCORES', 'LIMIT', 0, limit + 1)
end
local page = { '' }
for i = 1, math.min(#window, limit * 2), 2 do
  local id = window[i]
  page[#page + 1] = {
    id, call('HGETALL', event_key(id)), call('HGETALL', ROOT .. 'deliveries:' .. id), call('LRANGE', ROOT .. 'resumed:' .. id, 0, 99),
  }
end
if #window > limit * 2 then page[1] = window[limit * 2] end
return page
