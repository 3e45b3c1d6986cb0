-- Every run is in one list, list:<status><place>, of those that share its status, workflow and queue, by creation stamp. So a filter by
-- any of them is a merge of whole lists. Queued and running runs share one, and waits and backoffs: a claim then changes no list. What a
-- script changes is written at its end, in one command per list. The run of a failure hook has no stamp and is in no list.
local lists, changed, moved = {}, {}, {}
-- Score and id, in turn, of runs that were created: what searchRuns finds ids in.
local new_ids = {}
local LISTED_AS = { [STATUS.running] = STATUS.queued, [STATUS.backingOff] = STATUS.waiting }
local function place_of_lists(workflow, queue) return #workflow .. ':' .. workflow .. queue end
local function list_key(status, workflow, queue)
  return ROOT .. 'list:' .. status .. place_of_lists(workflow, queue)
end
local function list_of(status, workflow, queue)
  local of_workflow = lists[workflow]
  if not of_workflow then
    of_workflow = {}
    lists[workflow] = of_workflow
  end
  local of_queue = of_workflow[queue]
  if not of_queue then
    of_queue = {}
    of_workflow[queue] = of_queue
  end
  local list = of_queue[status]
  if not list then
    list = { key = list_key(status, workflow, queue), left = {}, entered = {} }
    of_queue[status] = list
    changed[#changed + 1] = list
  end
  return list
end
local function flush_moves()
  for _, list in ipairs(changed) do
    in_chunks(list.left, function(...) call('ZREM', list.key, ...) end)
    in_chunks(list.entered, function(...) call('ZADD', list.key, ...) end)
  end
  in_chunks(new_ids, function(...) call('ZADD', ROOT .. 'search:ids', ...) end)
  lists, changed, moved, new_ids = {}, {}, {}, {}
end
local function move(id, workflow, queue, stamp, from, to)
  from = LISTED_AS[from] or from
  to = LISTED_AS[to] or to
  if not stamp or from == to then return end
  -- One change per run at a time: it might come back to where it was.
  if moved[id] then flush_moves() end
  moved[id] = true
  if from then
    local left = list_of(from, workflow, queue).left
    left[#left + 1] = id
  end
  local entered = list_of(to, workflow, queue).entered
  entered[#entered + 1] = stamp
  entered[#entered + 1] = id
end
