-- read_stats: runs by status, queues and workers; its cost does not depend on the number of runs.
-- ARGS
--   ...known         workflow and queue in turn: where the caller expects runs
-- RETURNS { now, { status letter, runs }…, { queue, depth, suspects, availableAt of the head or '', 1 if paused }…, then { worker, app, queues, concurrency, running, seen,
--   stalled, deployment }…, then { workflow, queue, version or '', queued runs }… that no living worker serves: those that have runs, and known ones,
--   then { workflow, runs that its code blocks }… } as lists
flush_moves()
local counts = {}
for _, status in ipairs(LIST_LETTERS) do
  for _, key in ipairs(lists_of(status, '', '', '')) do counts[status] = (counts[status] or 0) + call('ZCARD', key) end
end
local running = running_runs()
counts[STATUS.running] = #running
counts[STATUS.queued] = (counts[STATUS.queued] or 0) - counts[STATUS.running]
local runs = {}
for status, count in pairs(counts) do runs[#runs + 1] = { status, count } end
local queues, unserved = {}, {}
local function rest(workflow, queue, version, count) unserved[#unserved + 1] = { workflow, queue, version, count } end
for _, queue in ipairs(call('SMEMBERS', ROOT .. 'queues')) do
  local head = call('ZRANGE', ROOT .. 'queue:' .. queue, 0, 0)[1]
  local since = head and call('HGET', run_key(head), RUN.availableAt)
  local depth = call('ZCARD', ROOT .. 'queue:' .. queue)
  for _, lane in ipairs(lanes.of_queue(queue)) do
    local count, first = call('ZCARD', lane.key), call('ZRANGE', lane.key, 0, 0)[1]
    depth = depth + count
    local av = first and call('HGET', run_key(first), RUN.availableAt)
    if av and (not since or tonumber(av) < tonumber(since)) then since = av end
    local workflow, version = string.match(lane.route, '^([^%z\1]*)%z([^\1]+)')
    if version and routes.is_served(queue, workflow) and not routes.is_served(queue, lane.route) then rest(workflow, queue, version, count) end
  end
  queues[#queues + 1] = {
    queue, depth, call('ZCARD', ROOT .. 'suspects:' .. queue), since or '',
    call('HEXISTS', ROOT .. 'controls', 'p' .. queue),
  }
end
local executed, listed = {}, {}
for _, run in ipairs(running) do
  local place = place_of_lists(run[3], run[4])
  -- A worker that claims does not execute what nobody serves: it is about to put that aside.
  if call('HEXISTS', ROOT .. 'worker:' .. run[5], 'set') == 0 then executed[place] = (executed[place] or 0) + 1 end
end
for _, place in ipairs(call('SMEMBERS', ROOT .. 'places')) do
  local workflow, queue = split_sized(place)
  if not routes.is_served(queue, workflow) then
    local count = call('ZCARD', list_key(STATUS.queued, workflow, queue)) - (executed[place] or 0)
    listed[place] = count > 0
    if count > 0 then rest(workflow, queue, '', count) end
  end
end
local function expect_runs(workflow, queue)
  local place = place_of_lists(workflow, queue)
  if listed[place] or routes.is_served(queue, workflow) then return end
  listed[place] = true
  rest(workflow, queue, '', 0)
end
for i = known_first, known_last, 2 do expect_runs(ARGV[i], ARGV[i + 1]) end
-- A worker that is dead, and not reaped yet, is still in its set: the leases know better.
for _, declared in ipairs(registry.unserved(1000)) do
  local place = place_of_lists(declared[1], declared[2])
  if not listed[place] then
    listed[place] = true
    rest(declared[1], declared[2], '', call('ZCARD', list_key(STATUS.queued, declared[1], declared[2])) - (executed[place] or 0))
  end
end
local workers = {}
for _, worker in ipairs(call('ZRANGE', ROOT .. 'workers', 0, -1)) do
  -- What else the record holds, what it declares above all, is long.
  local record = call('HMGET', ROOT .. 'worker:' .. worker, 'app', 'queues', 'concurrency', 'running', 'seen', 'stalled', 'dp')
  workers[#workers + 1] = { worker, unpack(record, 1, 7) }
end
local blocked = {}
for _, workflow in ipairs(call('SMEMBERS', ROOT .. 'blocked')) do
  blocked[#blocked + 1] = { workflow, blocks.count(workflow) }
end
return { now, runs, queues, workers, unserved, blocked }
