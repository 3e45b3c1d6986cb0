-- read_steps: some step records of a run, as they are stored.
-- ARGS
--   id
--   ...names
-- RETURNS one record or nothing per name
local records = {}
each_record(id, names_first, names_last, function(_, record) records[#records + 1] = record end)
return records
