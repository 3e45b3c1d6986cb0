-- read_stats: queues and workers; its cost does not depend on the number of runs.
-- ARGS
-- RETURNS { now, { queue, depth, suspects, availableAt of the head or '' }…, then { worker, app, queues, concurrency, running, seen,
--   stalled }… } as two lists
local queues = {}
for _, queue in ipairs(call('SMEMBERS', ROOT .. 'queues')) do
  local head = call('ZRANGE', ROOT .. 'queue:' .. queue, 0, 0)[1]
  local since = head and call('HGET', run_key(head), 'av')
  queues[#queues + 1] = {
    queue, call('ZCARD', ROOT .. 'queue:' .. queue), call('ZCARD', ROOT .. 'suspects:' .. queue), since or '',
  }
end
local workers = {}
for _, worker in ipairs(call('ZRANGE', ROOT .. 'workers', 0, -1)) do
  -- What else the record holds, what it declares above all, is long.
  local record = call('HMGET', ROOT .. 'worker:' .. worker, 'app', 'queues', 'concurrency', 'running', 'seen', 'stalled')
  workers[#workers + 1] = { worker, unpack(record, 1, 6) }
end
return { now, queues, workers }
