-- read_data: the payloads of a run, its steps included.
-- ARGS
--   id
-- RETURNS flat fields, or their number when there are too many for one answer
local packed = unpacked(id)
if packed then return packed[1] end
local size = call('HLEN', data_key(id))
return size > 256 and size or call('HGETALL', data_key(id))
