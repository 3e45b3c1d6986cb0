-- search_runs: one page of runs of which the id, the idempotency key, a tag value or the workflow begins with a text, in this order of
-- kinds, inside a kind in the order of the bytes, and of the creation for the workflow.
-- Guarantee: looks at no more than `scan` runs, whatever there are; a page may be short, its cursor says where to go on.
-- ARGS
--   text
--   kind             of match to go on with: i id, k idempotency key, t tag value, w workflow; '' for the beginning
--   after            member of the index, or creation stamp, that was seen last, '' for the beginning of the kind
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
-- RETURNS { kind to go on with or '', member or stamp to go on from, { id, fields, payloads }… }
local page = { '', '' }
page[1], page[2] = search_runs(text, kind, {
  after = after, sort = sort, limit = tonumber(limit), scan = tonumber(scan), statuses = statuses, workflow = workflow, queue = queue,
  created_after = created_after, created_before = created_before, parent = parent, tags = { unpack(ARGV, tags_first, tags_last) },
}, function(id) page[#page + 1] = { id, metadata_of(id), payloads_of(id) } end)
return page
