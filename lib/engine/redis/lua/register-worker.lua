-- register_worker: starts a lease. A worker that had lost its lease gives back what is left of its runs first.
-- ARGS
--   worker
--   lease            ms
--   app
--   queues           JSON array
--   concurrency
-- RETURNS { OK, now } | { AGAIN, now } while runs of the lost lease remain
if requeue_lost(worker, 100) == 100 then return { 'AGAIN', now } end
call('ZADD', ROOT .. 'workers', real + tonumber(lease), worker)
call('HDEL', ROOT .. 'worker:' .. worker, 'lost')
call('HSET', ROOT .. 'worker:' .. worker, 'app', app, 'queues', queues, 'concurrency', concurrency, 'running', 0, 'seen', now)
return { 'OK', now }
