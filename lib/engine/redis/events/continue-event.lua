-- continue_event: goes on with an event whose fan-out or waits are not done: a bounded number of them.
-- ARGS
--   id               '' for any event that is not done
-- RETURNS 1 if there is more to do, for this event or, with '', for any
if id ~= '' then return go_on(id, EVENTS_PER_CALL) and 1 or 0 end
local pending = call('SRANDMEMBER', ROOT .. 'pending')
if not pending then return 0 end
go_on(pending, EVENTS_PER_CALL)
return call('EXISTS', ROOT .. 'pending')
