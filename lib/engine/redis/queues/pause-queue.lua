-- pause_queue: workers start nothing from the queue any more; what they execute goes on. Slots and turns that its runs were handed go to
-- the next in line.
-- Guarantee: holds until resume_queue, whatever restarts; the queue need not exist yet.
-- ARGS
--   queue
-- RETURNS OK
call('HSET', ROOT .. 'controls', 'p' .. queue, 1)
call('SADD', ROOT .. 'queues', queue)
queue_changed(queue)
return 'OK'
