-- Wakes one idle worker of a set that serves the queue; answers whether there was one. A hint only: idle workers also poll.
local nobody_idle = {}
local function idle_key(set, queue) return ROOT .. 'idle:' .. set .. ':' .. queue end
local function wake_one_of(set, queue)
  local idle = idle_key(set, queue)
  if nobody_idle[idle] then return false end
  -- Each that is met dead leaves for good.
  for _ = 1, 100 do
    local worker = call('SPOP', idle)
    if not worker then
      nobody_idle[idle] = true
      return false
    end
    local lease = call('ZSCORE', ROOT .. 'workers', worker)
    if lease and tonumber(lease) > real then
      -- Such a list does not expire: it is made for a worker that is in `workers`, and whoever takes that out of them deletes it.
      call('LPUSH', ROOT .. 'wake:' .. worker, '1')
      return true
    end
  end
  return false
end
-- Wakes one that serves the run, of which `fields` may be given; answers whether there was one. A set that lives alone is not asked whether
-- it does.
local function wake(queue, id, fields)
  if not living_set then load_counters() end
  if living_set == '' then return false end
  if living_set == '+' then return wake_server(queue, id, fields) end
  return wake_one_of(living_set, queue)
end

-- Puts a run into its queue: first in, first out inside a priority; front before all that wait there. Suspects wait apart.
local known_queues = {}
local function enqueue(id, queue, priority, streak, front)
  local position = next_counter('seq')
  if tonumber(streak or 0) >= QUARANTINE_AFTER then
    call('ZADD', ROOT .. 'suspects:' .. queue, position, id)
    return
  end
  if not front then position = position + TAIL end
  call('ZADD', ROOT .. 'queue:' .. queue, (9 - priority) * PRIORITY_SPAN + position, id)
  if not known_queues[queue] then
    known_queues[queue] = true
    call('SADD', ROOT .. 'queues', queue)
  end
end

-- Sets the time at which a parked run, or an entry for one, is due; wakes an idle worker if it must look earlier than it thinks. Of several
-- sets, any worker does where none is idle that serves the run: else nobody would look in time for those that are due after it.
local function set_due(entry, queue, at, id)
  call('ZADD', ROOT .. 'due', at, entry)
  if call('ZRANGE', ROOT .. 'due', 0, 0)[1] ~= entry then return end
  if not wake(queue, id or entry) and living_set == '+' then wake_any() end
end

-- Moves due runs into their queues, at most `limit`; returns them with their queues, in turn.
local function promote(limit)
  local ids = call('ZRANGEBYSCORE', ROOT .. 'due', '-inf', now, 'LIMIT', 0, limit)
  local promoted = {}
  if #ids == 0 then return promoted end
  call('ZREM', ROOT .. 'due', unpack(ids))
  for _, id in ipairs(ids) do
    local gate = string.byte(id) == 0
    if gate then reopen(string.sub(id, 2)) end
    local run = gate and {} or call('HMGET', run_key(id), RUN.status, RUN.queue, RUN.priority, RUN.recoveryStreak, RUN.workflow, RUN.stamp,
      RUN.debounceKey)
    if run.debounceKey then end_debounce(id, run.workflow, run.debounceKey) end
    if run.status == STATUS.scheduled or run.status == STATUS.waiting or run.status == STATUS.backingOff then
      call('HSET', run_key(id), RUN.status, STATUS.queued)
      move(id, run.workflow, run.queue, run.stamp, run.status, STATUS.queued)
      enqueue(id, run.queue, tonumber(run.priority or 0), run.recoveryStreak)
      promoted[#promoted + 1] = id
      promoted[#promoted + 1] = run.queue
    end
  end
  return promoted
end

-- Milliseconds until the next parked run is due, -1 for none.
local function next_due()
  local head = call('ZRANGE', ROOT .. 'due', 0, 0, 'WITHSCORES')
  if not head[1] then return -1 end
  return math.max(0, tonumber(head[2]) - now)
end
