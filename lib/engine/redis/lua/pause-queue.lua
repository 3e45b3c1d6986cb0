-- pause_queue: workers start nothing from the queue any more; what they execute goes on.
-- Guarantee: holds until resume_queue, whatever restarts; the queue need not exist yet.
-- ARGS
--   queue
-- RETURNS OK
call('HSET', ROOT .. 'controls', 'p' .. queue, 1)
call('SADD', ROOT .. 'queues', queue)
return 'OK'
