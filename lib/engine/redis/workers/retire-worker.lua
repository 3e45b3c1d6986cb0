-- retire_worker: a worker that stops claims and is woken no more; what it was woken for already is for the next idle one.
-- ARGS
--   worker
--   ...queues
-- RETURNS OK
deployments.leave(worker)
sets.leave(worker)
for i = queues_first, queues_last do
  local queue = ARGV[i]
  if call('EXISTS', ROOT .. 'queue:' .. queue, ROOT .. 'suspects:' .. queue, ROOT .. 'lanes:' .. queue) > 0 then wake_for_queue(queue, 1) end
end
return 'OK'
