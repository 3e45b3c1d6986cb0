-- register_worker: starts a lease. A worker that had lost its lease gives back what is left of its runs first.
-- Guarantee: what a living worker declares is known for as long as its lease.
-- ARGS
--   worker
--   lease            ms
--   app
--   queues           JSON array
--   concurrency
--   declares         JSON array of the members of app:<app> that are in its code
-- RETURNS { OK, now } | { AGAIN, now } while runs of the lost lease remain
local till = real + finite(lease)
if requeue_lost(worker, 100) == 100 then return { 'AGAIN', now } end
local record = ROOT .. 'worker:' .. worker
call('ZADD', ROOT .. 'workers', till, worker)
call('HDEL', record, 'lost')
call('HSET', record, 'app', app, 'queues', queues, 'concurrency', concurrency, 'declares', declares, 'running', 0, 'seen', now)
serve(worker, cjson.decode(queues))
return { 'OK', now }
