-- retire_worker: a worker that stops is woken no more; what it was woken for already is for the next idle one.
-- ARGS
--   worker
--   ...queues
-- RETURNS OK
for i = queues_first, queues_last do
  local queue = ARGV[i]
  call('SREM', ROOT .. 'idle:' .. queue, worker)
  if call('EXISTS', ROOT .. 'queue:' .. queue, ROOT .. 'suspects:' .. queue) > 0 then wake(queue) end
end
return 'OK'
