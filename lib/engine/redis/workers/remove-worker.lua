-- remove_worker: a worker leaves. Runs it still owns are queued again as lost. It is taken from the living first, so that those are for others.
-- ARGS
--   worker
-- RETURNS OK | AGAIN while runs remain
deployments.leave(worker)
sets.leave(worker)
if requeue_lost(worker, 100) == 100 then return 'AGAIN' end
call('ZREM', ROOT .. 'workers', worker)
call('DEL', ROOT .. 'worker:' .. worker, ROOT .. 'wake:' .. worker, ROOT .. 'owned:' .. worker)
return 'OK'
