-- renew_lease: one heartbeat keeps all runs of a worker.
-- ARGS
--   worker
--   lease            ms
--   running          runs in execution
--   stalled          JSON array of run ids without progress
-- RETURNS { OK | LOST, now }
local record = ROOT .. 'worker:' .. worker
if not call('ZSCORE', ROOT .. 'workers', worker) or call('HEXISTS', record, 'lost') == 1 then return { 'LOST', now } end
call('ZADD', ROOT .. 'workers', real + finite(lease), worker)
call('HSET', record, 'running', running, 'stalled', stalled, 'seen', now)
return { 'OK', now }
