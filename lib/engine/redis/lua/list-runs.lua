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
local sources = lists_of(statuses, workflow, queue)
-- Running runs are among the queued ones; asked for alone they are found with the workers.
local wants_queued = statuses == '' or string.find(statuses, 'q', 1, true)
local wants_running = statuses == '' or string.find(statuses, 'r', 1, true)
if wants_running and not wants_queued then sources[#sources + 1] = running_list(range, workflow, queue) end
local merged = merge_lists(sources, range, tonumber(scan))
local page, looked, last = { '' }, 0, nil
for id, stamp in merged do
  looked = looked + 1
  last = stamp
  local status = call('HGET', run_key(id), 'st')
  if status and (wants_running or status ~= 'r') then page[#page + 1] = { id, metadata_of(id), payloads_of(id) } end
  if #page > tonumber(limit) or looked == tonumber(scan) then
    if merged() then page[1] = last end
    break
  end
end
return page
