-- retire_worker: a worker that stops claims and is woken no more; what it was woken for already is for the next idle one.
-- ARGS
--   worker
--   ...queues
-- RETURNS OK
deployments.leave(worker)
unserve(worker, { unpack(ARGV, queues_first, queues_last) })
for i = queues_first, queues_last do
  local queue = ARGV[i]
  if call('EXISTS', ROOT .. 'queue:' .. queue, ROOT .. 'suspects:' .. queue) > 0 then wake(queue) end
end
return 'OK'
