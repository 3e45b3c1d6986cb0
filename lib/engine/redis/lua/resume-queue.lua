-- resume_queue: ends the pause of a queue and wakes idle workers for what waits there, up to a hundred.
-- ARGS
--   queue
-- RETURNS OK
if call('HDEL', ROOT .. 'controls', 'p' .. queue) == 1 then
  queue_changed(queue)
  for _ = 1, math.min(100, call('ZCARD', ROOT .. 'queue:' .. queue) + call('ZCARD', ROOT .. 'suspects:' .. queue)) do wake(queue) end
end
return 'OK'
