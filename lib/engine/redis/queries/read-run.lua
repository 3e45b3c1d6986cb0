-- read_run: one run, without its steps.
-- ARGS
--   id
-- RETURNS { flat fields, payloads }, or nothing
local fields = metadata_of(id)
if #fields == 0 then return false end
return { fields, payloads_of(id) }
