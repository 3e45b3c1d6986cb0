-- settle_declarations: decides anew for workflows that a team has left whose declaration holds.
-- Guarantee: at most `limit` workflows per call.
-- ARGS
--   limit
-- RETURNS 1 if there may be more, else 0
local workflows = call('SPOP', ROOT .. 'undecided', limit)
for _, workflow in ipairs(workflows) do registry.decide(workflow) end
return #workflows == tonumber(limit) and 1 or 0
