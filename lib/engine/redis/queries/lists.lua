-- Lists of runs, each a zset by creation stamp, the merge of several into one order, and what a filter wants of them.

local LIST_LETTERS = { STATUS.scheduled, STATUS.queued, STATUS.waiting, STATUS.succeeded, STATUS.failed, STATUS.canceled }

local function begins_with(text, start) return string.sub(text, 1, #start) == start end

-- Keys of the lists whose runs have one of the statuses (letters, '' for any), the workflow and the queue ('' for any); `start` is what the
-- workflow begins with.
local function lists_of(statuses, workflow, queue, start)
  local keys = {}
  for _, place in ipairs(call('SMEMBERS', ROOT .. 'places')) do
    local of_workflow, of_queue = split_sized(place)
    local is_named = (workflow == '' or of_workflow == workflow) and begins_with(of_workflow, start)
    if is_named and (queue == '' or of_queue == queue) then
      for _, status in ipairs(LIST_LETTERS) do
        if statuses == '' or string.find(statuses, status, 1, true) then keys[#keys + 1] = list_key(status, of_workflow, of_queue) end
      end
    end
  end
  return keys
end

-- Takes a run that is deleted out of its list, with all that a script changes in that list.
local function leave_list(id, status, workflow, queue)
  local left = list_of(LISTED_AS[status] or status, workflow, queue).left
  left[#left + 1] = id
end

-- Forgets a place that has no run any more.
local function forget_place(workflow, queue)
  local keys = {}
  for _, letter in ipairs(LIST_LETTERS) do keys[#keys + 1] = list_key(letter, workflow, queue) end
  if call('EXISTS', unpack(keys)) == 0 then call('SREM', ROOT .. 'places', place_of_lists(workflow, queue)) end
end

-- Takes a run that is deleted out of the indexes that it is in besides.
local function leave_indexes(id)
  local run = call('HMGET', run_key(id), RUN.idempotencyKey, RUN.tags)
  call('ZREM', ROOT .. 'search:ids', id)
  if run.idempotencyKey then call('ZREM', ROOT .. 'search:keys', run.idempotencyKey .. '\0' .. id) end
  for name, value in pairs(run.tags and cjson.decode(run.tags) or {}) do
    call('ZREM', tag_key(name, value), id)
    call('ZREM', ROOT .. 'search:tags', value .. '\0' .. id)
  end
end

-- The runs in execution, { id, stamp, workflow, queue, worker } each: they are no more than the workers have slots.
local function running_runs()
  local runs = {}
  for _, worker in ipairs(call('ZRANGE', ROOT .. 'workers', 0, -1)) do
    for _, id in ipairs(call('SMEMBERS', ROOT .. 'owned:' .. worker)) do
      local run = call('HMGET', run_key(id), RUN.status, RUN.stamp, RUN.workflow, RUN.queue)
      if run.status == STATUS.running and run.stamp then runs[#runs + 1] = { id, run.stamp, run.workflow, run.queue, worker } end
    end
  end
  return runs
end

-- The stamps of a walk from behind `after` on, within the times of creation given in epoch ms; '' for none. Stamps are whole numbers.
local function stamp_range(after, sort, created_after, created_before)
  local asc = sort == 'asc'
  local low = created_after == '' and 0 or tonumber(created_after) * 1000
  local high = created_before == '' and 9007199254740991 or tonumber(created_before) * 1000 + 999
  if after ~= '' and asc then low = math.max(low, tonumber(after) + 1) end
  if after ~= '' and not asc then high = math.min(high, tonumber(after) - 1) end
  return { asc = asc, low = low, high = high }
end

-- The running runs of a workflow and queue ('' for any) within a range, as merge_lists() walks them.
local function running_list(range, workflow, queue)
  local runs = {}
  for _, run in ipairs(running_runs()) do
    local stamp = tonumber(run[2])
    if stamp >= range.low and stamp <= range.high and (workflow == '' or run[3] == workflow) and (queue == '' or run[4] == queue) then
      runs[#runs + 1] = run
    end
  end
  table.sort(runs, function(a, b)
    if range.asc then return tonumber(a[2]) < tonumber(b[2]) end
    return tonumber(a[2]) > tonumber(b[2])
  end)
  local items = {}
  for _, run in ipairs(runs) do
    items[#items + 1] = run[1]
    items[#items + 1] = run[2]
  end
  return { items = items, is_whole = true }
end

-- Iterates over the runs of several lists in one order: id, stamp. Reads each list in pieces as large as its share of `most`. A source is
-- the key of a list, or what running_list() answers.
local function merge_lists(sources, range, most)
  local command = range.asc and 'ZRANGEBYSCORE' or 'ZREVRANGEBYSCORE'
  local low, high = string.format('%.0f', range.low), string.format('%.0f', range.high)
  local from, to = range.asc and low or high, range.asc and high or low
  local piece = math.max(2, math.min(100, math.ceil(most / math.max(1, #sources))))
  local function ahead(a, b)
    if range.asc then return a.stamp < b.stamp end
    return a.stamp > b.stamp
  end
  local function start(list, items)
    list.items, list.at, list.stamp = items, 1, tonumber(items[2])
    return list.stamp
  end
  local function read(list, first)
    return start(list, call(command, list.key, first, to, 'WITHSCORES', 'LIMIT', 0, piece))
  end
  -- A heap of the lists by their next run.
  local heap = {}
  local function sink(i)
    local list = heap[i]
    while true do
      local child = i * 2
      if child > #heap then break end
      if heap[child + 1] and ahead(heap[child + 1], heap[child]) then child = child + 1 end
      if not ahead(heap[child], list) then break end
      heap[i] = heap[child]
      i = child
    end
    heap[i] = list
  end
  for _, source in ipairs(sources) do
    local list = type(source) == 'table' and source or { key = source }
    local found
    if list.is_whole then found = start(list, list.items) else found = read(list, from) end
    if found then heap[#heap + 1] = list end
  end
  for i = floor(#heap / 2), 1, -1 do sink(i) end
  return function()
    local list = heap[1]
    if not list then return nil end
    local id, stamp = list.items[list.at], list.items[list.at + 1]
    list.at = list.at + 2
    list.stamp = tonumber(list.items[list.at + 1])
    if not list.stamp and (list.is_whole or #list.items < piece * 2 or not read(list, '(' .. stamp)) then
      heap[1] = heap[#heap]
      heap[#heap] = nil
    end
    if heap[1] then sink(1) end
    return id, stamp
  end
end

-- Whether a run is what a filter wants: statuses are letters, '' for any, as with workflow, queue and parent; tags name and value in turn.
local function is_wanted(id, wanted)
  local run = call('HMGET', run_key(id), RUN.status, RUN.workflow, RUN.queue, RUN.parentRunId)
  if not run.status then return false end
  if wanted.statuses ~= '' and not string.find(wanted.statuses, run.status, 1, true) then return false end
  if wanted.workflow ~= '' and run.workflow ~= wanted.workflow then return false end
  if wanted.queue ~= '' and run.queue ~= wanted.queue then return false end
  if wanted.parent ~= '' and run.parentRunId ~= wanted.parent then return false end
  for i = 1, #wanted.tags, 2 do
    if not call('ZSCORE', tag_key(wanted.tags[i], wanted.tags[i + 1]), id) then return false end
  end
  return true
end

-- What merge_lists() walks to find all that a filter wants: the lists of its statuses, workflow and queue, the children of its parent, or
-- the runs with one of its tags, whichever has the fewest left.
local function sources_of(wanted, range)
  local keys = lists_of(wanted.statuses, wanted.workflow, wanted.queue, '')
  local low, high = string.format('%.0f', range.low), string.format('%.0f', range.high)
  local best, fewest
  local function consider(key)
    local count = call('ZCOUNT', key, low, high)
    if not best or count < fewest then best, fewest = { key }, count end
  end
  if wanted.parent ~= '' then consider(children_key(wanted.parent)) end
  for i = 1, #wanted.tags, 2 do consider(tag_key(wanted.tags[i], wanted.tags[i + 1])) end
  if best then
    local listed = 0
    for _, key in ipairs(keys) do
      listed = listed + call('ZCOUNT', key, low, high)
      if listed >= fewest then return best end
    end
  end
  -- Running runs are among the queued ones; asked for alone they are found with the workers.
  local function is_any_of(letter) return wanted.statuses == '' or string.find(wanted.statuses, letter, 1, true) end
  if is_any_of(STATUS.running) and not is_any_of(STATUS.queued) then keys[#keys + 1] = running_list(range, wanted.workflow, wanted.queue) end
  return keys
end

-- Takes what a filter wants in the order of creation, from behind `after` on: at most `limit` of the `scan` runs that it looks at. Answers
-- the stamp to go on from, '' at the end.
local function walk_runs(wanted, take)
  flush_moves()
  local range = stamp_range(wanted.after, wanted.sort, wanted.created_after, wanted.created_before)
  local merged = merge_lists(sources_of(wanted, range), range, wanted.scan)
  local looked, taken = 0, 0
  for id, stamp in merged do
    looked = looked + 1
    if is_wanted(id, wanted) then
      taken = taken + 1
      take(id)
    end
    if taken == wanted.limit or looked == wanted.scan then return merged() and stamp or '' end
  end
  return ''
end
