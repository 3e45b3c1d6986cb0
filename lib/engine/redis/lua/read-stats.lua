-- read_stats: runs by status, queues and workers; its cost does not depend on the number of runs.
-- ARGS
-- RETURNS { now, { status letter, runs }…, { queue, depth, suspects, availableAt of the head or '', 1 if paused }…, then { worker, app, queues, concurrency, running, seen,
--   stalled, deployment }…, then { workflow, queue }… of workflows that nobody serves } as four lists
flush_moves()
local counts = {}
for _, status in ipairs(LIST_LETTERS) do
  for _, key in ipairs(lists_of(status, '', '', '')) do counts[status] = (counts[status] or 0) + call('ZCARD', key) end
end
counts.r = #running_runs()
counts.q = (counts.q or 0) - counts.r
local runs = {}
for status, count in pairs(counts) do runs[#runs + 1] = { status, count } end
local queues = {}
for _, queue in ipairs(call('SMEMBERS', ROOT .. 'queues')) do
  local head = call('ZRANGE', ROOT .. 'queue:' .. queue, 0, 0)[1]
  local since = head and call('HGET', run_key(head), 'av')
  queues[#queues + 1] = {
    queue, call('ZCARD', ROOT .. 'queue:' .. queue), call('ZCARD', ROOT .. 'suspects:' .. queue), since or '',
    call('HEXISTS', ROOT .. 'controls', 'p' .. queue),
  }
end
local workers = {}
for _, worker in ipairs(call('ZRANGE', ROOT .. 'workers', 0, -1)) do
  -- What else the record holds, what it declares above all, is long.
  local record = call('HMGET', ROOT .. 'worker:' .. worker, 'app', 'queues', 'concurrency', 'running', 'seen', 'stalled', 'dp')
  workers[#workers + 1] = { worker, unpack(record, 1, 7) }
end
return { now, runs, queues, workers, registry.unserved(1000) }
