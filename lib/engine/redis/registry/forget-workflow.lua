-- forget_workflow: removes subscriptions, schedules, pauses, limits and the name of a workflow that nobody serves; never its runs.
-- Guarantee: a bounded number of entries per call, and the name last, so that a crash leaves what can be forgotten again.
-- ARGS
--   workflow
-- RETURNS OK | AGAIN while more remains | SERVED | UNKNOWN
if call('HEXISTS', ROOT .. 'held', workflow) == 0 then return 'UNKNOWN' end
if deployments.is_served(workflow) then return 'SERVED' end
return registry.forget(workflow, 200) and 'OK' or 'AGAIN'
