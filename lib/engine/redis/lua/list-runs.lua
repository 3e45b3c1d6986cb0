-- list_runs: one page of runs in the order of their creation.
-- Guarantee: looks at no more than `scan` runs; a page may be short, its cursor says where to go on.
-- ARGS
--   after            creation stamp of the last run seen, '' for the beginning
--   sort             asc | desc
--   limit
--   scan
--   statuses         one letter each, '' for all
--   workflow         '' for all
--   queue            '' for all
-- RETURNS { stamp to go on from or '', { id, fields, payloads }… }
local window
if sort == 'asc' then
  window = call('ZRANGEBYSCORE', ROOT .. 'runs', after == '' and '-inf' or '(' .. after, '+inf', 'WITHSCORES', 'LIMIT', 0, scan)
else
  window = call('ZREVRANGEBYSCORE', ROOT .. 'runs', after == '' and '+inf' or '(' .. after, '-inf', 'WITHSCORES', 'LIMIT', 0, scan)
end
local page = { '' }
for i = 1, #window, 2 do
  local id = window[i]
  local run = call('HMGET', run_key(id), 'st', 'wf', 'q')
  if run[1]
    and (statuses == '' or string.find(statuses, run[1], 1, true))
    and (workflow == '' or run[2] == workflow)
    and (queue == '' or run[3] == queue) then
    page[#page + 1] = { id, call('HGETALL', run_key(id)), payloads_of(id) }
  end
  if #page > tonumber(limit) then
    if i + 1 < #window or #window == tonumber(scan) * 2 then page[1] = window[i + 1] end
    return page
  end
end
if #window == tonumber(scan) * 2 then page[1] = window[#window] end
return page
