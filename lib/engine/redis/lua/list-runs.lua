-- list_runs: one page of runs in the order of their creation.
-- Guarantee: looks at no more than `scan` runs, whatever there are; a page may be short, its cursor says where to go on.
-- ARGS
--   after            creation stamp of the last run seen, '' for the beginning
--   sort             asc | desc
--   limit
--   scan
--   statuses         one letter each, '' for all
--   workflow         '' for all
--   queue            '' for all
--   created_after    epoch ms, the first that counts, '' for none
--   created_before   epoch ms, the last that counts, '' for none
-- RETURNS { stamp to go on from or '', { id, fields, payloads }… }
flush_moves()
local range = stamp_range(after, sort, created_after, created_before)
local merged = merge_lists(lists_of(statuses, workflow, queue), range, tonumber(scan))
local page, looked, last = { '' }, 0, nil
for id, stamp in merged do
  looked = looked + 1
  last = stamp
  local fields = call('HGETALL', run_key(id))
  if #fields > 0 then page[#page + 1] = { id, fields, payloads_of(id) } end
  if #page > tonumber(limit) or looked == tonumber(scan) then
    if merged() then page[1] = last end
    break
  end
end
return page
