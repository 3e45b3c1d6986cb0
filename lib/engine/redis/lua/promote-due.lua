-- promote_due: moves runs whose time has come into their queues, for a worker that has no free slot and so does not claim.
-- ARGS
--   limit
-- RETURNS ms to the next due run, -1 for none
for _, queue in ipairs(promote(tonumber(limit))) do wake(queue) end
return next_due()
