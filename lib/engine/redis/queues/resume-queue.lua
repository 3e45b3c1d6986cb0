-- resume_queue: ends the pause of a queue and wakes idle workers for what waits there, up to a hundred.
-- ARGS
--   queue
-- RETURNS OK
if call('HDEL', ROOT .. 'controls', 'p' .. queue) == 1 then
  queue_changed(queue)
  local most = call('ZCARD', ROOT .. 'queue:' .. queue) + call('ZCARD', ROOT .. 'suspects:' .. queue) + call('ZCARD', ROOT .. 'lanes:' .. queue)
  wake_for_queue(queue, math.min(100, most))
end
return 'OK'
