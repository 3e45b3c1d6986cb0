-- Lists of runs, each a zset by creation stamp, and the merge of several into one order.

-- Keys of the lists whose runs have one of the statuses (letters, '' for any), the workflow and the queue ('' for any).
local function lists_of(statuses, workflow, queue)
  local keys = {}
  for _, place in ipairs(call('SMEMBERS', ROOT .. 'lists')) do
    local of_workflow, of_queue = split_sized(string.sub(place, 2))
    if (statuses == '' or string.find(statuses, string.sub(place, 1, 1), 1, true))
      and (workflow == '' or of_workflow == workflow)
      and (queue == '' or of_queue == queue) then
      local key = ROOT .. 'list:' .. place
      if call('EXISTS', key) == 1 then keys[#keys + 1] = key else call('SREM', ROOT .. 'lists', place) end
    end
  end
  return keys
end

-- What ZRANGE needs to walk a list from behind `after` on, within the times of creation given in epoch ms.
local function stamp_range(after, sort, created_after, created_before)
  local first = created_after == '' and '-inf' or string.format('%.0f', tonumber(created_after) * 1000)
  local final = created_before == '' and '+inf' or string.format('%.0f', tonumber(created_before) * 1000 + 999)
  local asc = sort == 'asc'
  -- A cursor lies within the bounds of the walk that it belongs to.
  if after ~= '' then
    if asc then first = '(' .. after else final = '(' .. after end
  end
  return { asc = asc, from = asc and first or final, to = asc and final or first }
end

-- Iterates over the runs of several lists in one order: id, stamp. Reads each list in pieces as large as its share of `most`.
local function merge_lists(keys, range, most)
  local command = range.asc and 'ZRANGEBYSCORE' or 'ZREVRANGEBYSCORE'
  local piece = math.max(2, math.min(100, math.ceil(most / math.max(1, #keys))))
  local function ahead(a, b)
    if range.asc then return a.stamp < b.stamp end
    return a.stamp > b.stamp
  end
  local function read(list, from)
    list.items = call(command, list.key, from, range.to, 'WITHSCORES', 'LIMIT', 0, piece)
    list.at = 1
    list.stamp = tonumber(list.items[2])
    return list.stamp
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
  for _, key in ipairs(keys) do
    local list = { key = key }
    if read(list, range.from) then heap[#heap + 1] = list end
  end
  for i = floor(#heap / 2), 1, -1 do sink(i) end
  return function()
    local list = heap[1]
    if not list then return nil end
    local id, stamp = list.items[list.at], list.items[list.at + 1]
    list.at = list.at + 2
    list.stamp = tonumber(list.items[list.at + 1])
    if not list.stamp and not (#list.items == piece * 2 and read(list, '(' .. stamp)) then
      heap[1] = heap[#heap]
      heap[#heap] = nil
    end
    if heap[1] then sink(1) end
    return id, stamp
  end
end
