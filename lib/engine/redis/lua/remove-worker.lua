-- remove_worker: a worker leaves. Runs it still owns are queued again as lost.
-- ARGS
--   worker
-- RETURNS OK | AGAIN while runs remain
if requeue_lost(worker, 100) == 100 then return 'AGAIN' end
deployments.leave(worker)
sets.leave(worker)
call('ZREM', ROOT .. 'workers', worker)
call('DEL', ROOT .. 'worker:' .. worker, ROOT .. 'wake:' .. worker, ROOT .. 'owned:' .. worker)
return 'OK'
