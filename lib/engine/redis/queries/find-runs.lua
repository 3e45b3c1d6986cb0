-- find_runs: one page of the ids of runs in the order of their creation.
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
--   parent           run that has started them, '' for all
--   ...tags          name and value in turn, all of which they have
-- RETURNS { stamp to go on from or '', id… }
local page = { '' }
page[1] = walk_runs({
  after = after, sort = sort, limit = tonumber(limit), scan = tonumber(scan), statuses = statuses, workflow = workflow, queue = queue,
  created_after = created_after, created_before = created_before, parent = parent, tags = { unpack(ARGV, tags_first, tags_last) },
}, function(id) page[#page + 1] = id end)
return page
