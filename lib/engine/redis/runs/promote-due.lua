-- promote_due: moves runs whose time has come into their queues, for a worker that has no free slot and so does not claim.
-- ARGS
--   limit
-- RETURNS ms to the next due run, -1 for none
local promoted = promote(tonumber(limit))
for i = 1, #promoted, 2 do wake(promoted[i + 1], promoted[i]) end
return next_due()
