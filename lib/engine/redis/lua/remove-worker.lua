-- remove_worker: a worker leaves. Runs it still owns are queued again as lost.
-- ARGS
--   worker
--   ...queues
-- RETURNS OK | AGAIN while runs remain
if requeue_lost(worker, 100) == 100 then return 'AGAIN' end
deployments.leave(worker)
unserve(worker, { unpack(ARGV, queues_first, queues_last) })
call('ZREM', ROOT .. 'workers', worker)
call('DEL', ROOT .. 'worker:' .. worker, ROOT .. 'wake:' .. worker, ROOT .. 'owned:' .. worker)
return 'OK'
