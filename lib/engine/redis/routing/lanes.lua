-- Lanes: where runs wait at their old positions that were passed over by a claim of a worker that does not serve them,
-- lane:<kind><len>:<route><queue>; the kind is q, or s for suspects. lanes:<queue> has kind and route of each that is not empty by a lower
-- bound of its first position, and `controls` l<queue> while it exists.
local lanes = {}
local SOURCES = { q = 'queue:', s = 'suspects:' }
local function lanes_key(queue) return ROOT .. 'lanes:' .. queue end
function lanes.key(kind, route, queue) return ROOT .. 'lane:' .. kind .. #route .. ':' .. route .. queue end

function lanes.enter(kind, id, queue, route, position)
  call('ZADD', lanes.key(kind, route, queue), position, id)
  call('ZADD', lanes_key(queue), 'LT', position, kind .. route)
  if control('l' .. queue) then return end
  call('HSET', ROOT .. 'controls', 'l' .. queue, 1)
  if controls then controls['l' .. queue] = '1' end
end

-- Claims of the queue look no more.
function lanes.forget(queue)
  call('HDEL', ROOT .. 'controls', 'l' .. queue)
  if controls then controls['l' .. queue] = nil end
end

-- Forgets a lane that has no run any more.
function lanes.tidy(kind, route, queue)
  if call('EXISTS', lanes.key(kind, route, queue)) == 1 then return end
  call('ZREM', lanes_key(queue), kind .. route)
  if call('EXISTS', lanes_key(queue)) == 0 then lanes.forget(queue) end
end

-- Takes a queued run out of its queue, or the lane that it was put in.
local function unqueue(id, queue)
  if call('ZREM', ROOT .. 'queue:' .. queue, id) == 1 or call('ZREM', ROOT .. 'suspects:' .. queue, id) == 1 then return end
  local route = control('l' .. queue) and routes.of_run(id)
  if not route then return end
  for kind in pairs(SOURCES) do
    if call('ZREM', lanes.key(kind, route, queue), id) == 1 then lanes.tidy(kind, route, queue) end
  end
end

-- The lanes of a queue, { kind, route, bound, key } each; of one kind, and such that a set serves, if those are given.
function lanes.of_queue(queue, of_kind, set)
  if not control('l' .. queue) then return {} end
  local found, listed = {}, call('ZRANGE', lanes_key(queue), 0, -1, 'WITHSCORES')
  -- A reset deletes the lanes alone.
  if #listed == 0 then lanes.forget(queue) end
  for i = 1, #listed, 2 do
    local kind, route = string.sub(listed[i], 1, 1), string.sub(listed[i], 2)
    if (not of_kind or kind == of_kind) and (not set or routes.is_served_by(set, route, queue)) then
      found[#found + 1] = { kind = kind, route = route, bound = tonumber(listed[i + 1]), key = lanes.key(kind, route, queue) }
    end
  end
  return found
end

local function has_lanes_for(set, queue) return #lanes.of_queue(queue, 'q', set) > 0 end

-- Puts a run aside that a set does not serve, and wakes a worker that does; answers whether it was. It is in no queue any more.
local function pass_over(set, kind, id, queue, position, fields, budget)
  local route = routes.of(fields)
  if routes.is_served_by(set, route, queue) then return false end
  budget.left = budget.left - 1
  lanes.enter(kind, id, queue, route, position)
  wake_server(queue, id, fields)
  return true
end

-- What a claim of a worker may take from a queue, or of its suspects: peek() answers the first run, by position, that its set serves, as
-- { id, position, key that it is taken from, and what read() answers for it }. Runs that it passes over go to their lanes, and those that
-- serve them are woken; no more of them than `budget.left` says, then peek() answers nothing.
local function served_runs(set, kind, queue, budget, read)
  local source, served = ROOT .. SOURCES[kind] .. queue, lanes.of_queue(queue, kind, set)
  local function first_of_queue()
    while true do
      local head = call('ZRANGE', source, 0, 0, 'WITHSCORES')
      local id, position = head[1], head[2]
      if not id then return nil end
      local run, fields = read(id)
      if fields.wf and routes.is_served_by(set, routes.of(fields), queue) then return { id, position, source, run, fields } end
      if fields.wf and budget.left <= 0 then return nil, tonumber(position) end
      call('ZREM', source, id)
      if fields.wf then pass_over(set, kind, id, queue, position, fields, budget) end
    end
  end
  local function by_bound(a, b) return a.bound < b.bound end
  table.sort(served, by_bound)
  return function()
    local first, barrier = first_of_queue()
    barrier = first and tonumber(first[2]) or barrier
    while served[1] and (not barrier or served[1].bound < barrier) do
      local lane = served[1]
      local head = call('ZRANGE', lane.key, 0, 0, 'WITHSCORES')
      if not head[1] then
        table.remove(served, 1)
        lanes.tidy(kind, lane.route, queue)
      elseif tonumber(head[2]) > lane.bound then
        lane.bound = tonumber(head[2])
        call('ZADD', lanes_key(queue), head[2], kind .. lane.route)
        table.sort(served, by_bound)
      else
        return { head[1], head[2], lane.key, read(head[1]) }
      end
    end
    return first
  end
end
