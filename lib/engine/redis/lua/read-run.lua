-- read_run: one run, without its steps.
-- ARGS
--   id
-- RETURNS { flat fields, input, output, error }, or nothing
local fields = call('HGETALL', run_key(id))
if #fields == 0 then return false end
local data = call('HMGET', data_key(id), 'i', 'o', 'e')
return { fields, data[1], data[2], data[3] }
