-- read_steps: some step records of a run, as they are stored.
-- ARGS
--   id
--   ...names
-- RETURNS one record or nothing per name
local records = {}
for i = names_first, names_last do records[#records + 1] = call('HGET', data_key(id), 's:' .. ARGV[i]) end
return records
