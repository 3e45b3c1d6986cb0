-- A *set* is the living workers that serve the same routes and queues in the same deployment: set:<id> has them, serves:<id> the routes,
-- servers:<route> and serving:<queue> the sets, and the hash `sets` what each is about. A worker is in its set from its registration until it
-- claims nothing more. `set` in `counters` and in `controls` says which live: nothing, the id of the only one, or + for several.
local sets = {}

function sets.note_living()
  local ids = call('HKEYS', ROOT .. 'sets')
  living_set = #ids > 1 and '+' or ids[1] or ''
  if living_set == '' then
    call('HDEL', ROOT .. 'counters', 'set')
    call('HDEL', ROOT .. 'controls', 'set')
  else
    call('HSET', ROOT .. 'counters', 'set', living_set)
    call('HSET', ROOT .. 'controls', 'set', living_set)
  end
  routes.changed()
  known_sets = {}
end

-- Serves nobody any more, or somebody new: the gates look again at what waits there.
local function turn_to(queues)
  for _, queue in ipairs(queues) do queue_changed(queue) end
end

-- A worker claims from now on. `served` and `queues` are sorted; `is_start` says that its deployment starts with it.
function sets.join(worker, deployment, served, queues, is_start)
  local set = string.sub(redis.sha1hex(cjson.encode({ deployment, served, queues })), 1, 12)
  local record = ROOT .. 'worker:' .. worker
  local former = call('HGET', record, 'set')
  if former and former ~= set then sets.leave(worker) end
  local is_new = call('HEXISTS', ROOT .. 'sets', set) == 0
  call('HSET', record, 'set', set)
  call('SADD', ROOT .. 'set:' .. set, worker)
  -- All of it each time: a reset that workers have survived deletes it in part.
  call('HSET', ROOT .. 'sets', set, cjson.encode({ deployment = deployment, queues = queues }))
  in_chunks(served, function(...) call('SADD', ROOT .. 'serves:' .. set, ...) end)
  for _, route in ipairs(served) do call('SADD', ROOT .. 'servers:' .. route, set) end
  for _, queue in ipairs(queues) do call('SADD', ROOT .. 'serving:' .. queue, set) end
  sets.note_living()
  turn_to(queues)
  if is_new or is_start then blocks.look_again(served) end
end

-- It claims no more: nobody need try to wake it.
function sets.leave(worker)
  local set = call('HGET', ROOT .. 'worker:' .. worker, 'set')
  if not set then return end
  call('HDEL', ROOT .. 'worker:' .. worker, 'set')
  call('SREM', ROOT .. 'set:' .. set, worker)
  local about = call('HGET', ROOT .. 'sets', set)
  if not about then return end
  local queues, is_last = cjson.decode(about).queues, call('EXISTS', ROOT .. 'set:' .. set) == 0
  for _, queue in ipairs(queues) do
    call('SREM', idle_key(set, queue), worker)
    if is_last then call('SREM', ROOT .. 'serving:' .. queue, set) end
  end
  if not is_last then return end
  local served = call('SMEMBERS', ROOT .. 'serves:' .. set)
  for _, route in ipairs(served) do call('SREM', ROOT .. 'servers:' .. route, set) end
  call('HDEL', ROOT .. 'sets', set)
  call('DEL', ROOT .. 'serves:' .. set)
  sets.note_living()
  reconsider_versions(served)
  turn_to(queues)
  blocks.look_again(served)
  -- What was kept for its deployment may lie in lanes, and be for others now.
  for _, queue in ipairs(queues) do
    if call('EXISTS', ROOT .. 'lanes:' .. queue) == 1 then wake_for_queue(queue, 1) end
  end
end
