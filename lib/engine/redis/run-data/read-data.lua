-- read_data: the payloads of a run, its steps included.
-- ARGS
--   id
-- RETURNS flat fields, or their number when they are too much for one answer
local packed = unpacked(id)
if packed then return packed[1] end
local data = data_key(id)
local size = call('HLEN', data)
if size > 256 or (call('MEMORY', 'USAGE', data, 'SAMPLES', 0) or 0) > 1048576 then return size end
return call('HGETALL', data)
