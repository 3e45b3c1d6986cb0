-- pack_runs: packs runs that have ended, so that they take less memory while they are kept.
-- Guarantee: at most `limit` runs per call, each once; what can be read of them stays the same.
-- ARGS
--   limit
--   pause            ms that must have passed since any worker began a round, 0 to go on with one
-- RETURNS 1 if there may be more, else 0
local ids = call('LRANGE', ROOT .. 'ended', 0, limit - 1)
if #ids == 0 then return 0 end
if pause ~= '0' and not call('SET', ROOT .. 'packing', 1, 'NX', 'PX', pause) then return 0 end
in_chunks(ids, function(...) call('RPUSH', ROOT .. 'packed', ...) end)
call('LTRIM', ROOT .. 'ended', #ids, -1)
for _, id in ipairs(ids) do pack(id) end
return #ids == tonumber(limit) and 1 or 0
