-- pass_point: passes a point of no return: what completed before it is not compensated any more. What is in flight lies behind it.
-- Guarantee: each point once; a replayed one does not move it.
-- ARGS
--   id
--   fence
--   number           how many points the handler has passed, this one included
--   order            its place in the order in which the steps completed
--   open             1 if a step with a compensation is begun and not completed
-- RETURNS OK | DONE | LOST
local state = guard(id, fence)
if state ~= 'RUNNING' then return state end
local passed = finite(number)
finite(order)
local point = number .. ',' .. order
local known = call('HGET', data_key(id), 'pt')
if known and known ~= point and tonumber(string.match(known, '^%d+')) >= passed then return 'OK' end
if known ~= point then call('HSET', data_key(id), 'pt', point) end
-- Also by a repeat: the commits of steps that were repeated with it have set it anew.
if open == '0' then call('HDEL', run_key(id), RUN.compensable) end
return 'OK'
