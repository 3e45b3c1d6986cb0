-- renew_lease: one heartbeat keeps all runs of a worker, and lists a page of them, so that the worker can tell which it does not hold.
-- ARGS
--   worker
--   lease            ms
--   running          runs in execution
--   stalled          JSON array of run ids without progress
--   cursor           of the page, '0' for the first
-- RETURNS { LOST, now } | { OK, now, cursor of the next page or '0', owned runs }
local record = ROOT .. 'worker:' .. worker
if not call('ZSCORE', ROOT .. 'workers', worker) or call('HEXISTS', record, 'lost') == 1 then return { 'LOST', now } end
call('ZADD', ROOT .. 'workers', real + finite(lease), worker)
call('HSET', record, 'running', running, 'stalled', stalled, 'seen', now)
local page = call('SSCAN', ROOT .. 'owned:' .. worker, cursor, 'COUNT', 100)
return { 'OK', now, page[1], page[2] }
