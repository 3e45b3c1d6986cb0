-- Shared by every transition: clock, keys, counters, queue and wake-up helpers, the ownership guard.
-- KEYS[1] is the namespace with its hash tag, e.g. {redflow:v1}; ARGV is a sequence of operations: name, argument count, arguments.
-- The key layout and the field names of a run are documented in keyspace.ts.
local ROOT = KEYS[1] .. ':'
local call = redis.call
local floor = math.floor

-- 3 recoveries without a new step make a run a suspect: a worker then executes it with few others, and with fewer after every further
-- crash (claim_runs), so that a run that kills its process cannot drag the same neighbours through maxRecoveries.
local QUARANTINE_AFTER = 3
local PRIORITY_SPAN = 562949953421312 -- 2^49
local TAIL = 281474976710656 -- 2^48: queue positions below it are the front, for runs that come back from a worker

local time = call('TIME')
local real_us = time[1] * 1000000 + time[2]
local real = floor(real_us / 1000)
-- Only a prefix marked as a test one has a clock of its own: an offset that a test bed moves forward.
local offset = 0
if string.sub(KEYS[1], 1, 14) == '{redflow-test:' then
  offset = tonumber(call('GET', ROOT .. 'clock') or 0)
end
local now = real + offset
local now_us = real_us + offset * 1000
-- Redis formats a number anew for every command it is given to.
local now_text = string.format('%.0f', now)

-- A number that a caller has sent, read before the first write: a script has no rollback, and what Redis refuses is too late by then.
local function finite(text)
  local value = tonumber(text)
  if not value or value ~= value or value == math.huge or value == -math.huge then
    error('a finite number is expected, got ' .. tostring(text))
  end
  return value
end

local function run_key(id) return ROOT .. 'run:' .. id end
local function data_key(id) return ROOT .. 'data:' .. id end

-- Counters are read once and written once per script, whatever the number of operations. With them comes which sets of workers live
-- (sets.lua): '' none, the id of the only one, + several. A claim has it from `controls`.
local counters, are_counted, living_set
local function load_counters()
  if counters then return end
  local known = call('HMGET', ROOT .. 'counters', 'seq', 'created', 'set')
  counters = { seq = tonumber(known[1] or 0), created = tonumber(known[2] or 0) }
  living_set = living_set or known[3] or ''
end
local function next_counter(name)
  load_counters()
  are_counted = true
  local value = counters[name] + 1
  -- Creation stamps are microseconds, pushed apart where two runs fall into one: unique, ordered, and still a time.
  if name == 'created' and value < now_us then value = now_us end
  counters[name] = value
  return value
end

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

-- Every run is in one list, list:<status><place>, of those that share its status, workflow and queue, by creation stamp. So a filter by
-- any of them is a merge of whole lists. Queued and running runs share one, and waits and backoffs: a claim then changes no list. What a
-- script changes is written at its end, in one command per list. The run of a failure hook has no stamp and is in no list.
local lists, changed, moved = {}, {}, {}
-- Score and id, in turn, of runs that were created: what searchRuns finds ids in.
local new_ids = {}
local flush_moves
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

-- What finishing does to the same few keys for many runs is done at the end of the script in one command each.
local ended, released = {}, {}
local function in_chunks(list, use)
  for i = 1, #list, 1000 do use(unpack(list, i, math.min(i + 999, #list))) end
end
-- The records of those steps of a run whose names are arguments.
local function each_record(id, from, to, use)
  for at = from, to, 1000 do
    local fields = {}
    for i = at, math.min(at + 999, to) do fields[#fields + 1] = 's:' .. ARGV[i] end
    for i, record in ipairs(call('HMGET', data_key(id), unpack(fields))) do use(ARGV[at + i - 1], record) end
  end
end
flush_moves = function()
  for _, list in ipairs(changed) do
    in_chunks(list.left, function(...) call('ZREM', list.key, ...) end)
    in_chunks(list.entered, function(...) call('ZADD', list.key, ...) end)
  end
  in_chunks(new_ids, function(...) call('ZADD', ROOT .. 'search:ids', ...) end)
  lists, changed, moved, new_ids = {}, {}, {}, {}
end
local function flush_bookkeeping()
  flush_moves()
  in_chunks(ended, function(...) call('RPUSH', ROOT .. 'ended', ...) end)
  for worker, ids in pairs(released) do
    in_chunks(ids, function(...) call('SREM', ROOT .. 'owned:' .. worker, ...) end)
  end
end
-- For runs that end. One that is queued again may be claimed in this very script: it is removed at once.
local function disown(worker, id)
  local ids = released[worker]
  if not ids then
    ids = {}
    released[worker] = ids
  end
  ids[#ids + 1] = id
end

-- How many runs of a workflow are open, by kind: v<version> pinned to it, h<version> failed ones whose failure hook is still to
-- come, p1<id> and p0<id> by an answer of ctx.patched().
-- Whoever changes what a run counts as calls this in the same script, once.
local function count_open(workflow, kind, by)
  local key = ROOT .. 'open:' .. workflow
  if call('HINCRBY', key, kind, by) <= 0 then call('HDEL', key, kind) end
end

-- The last commit of a run and its finish come together: what they check is read once. All other operations forget it.
local guarded = {}
local GUARDED = { RUN.status, RUN.fence, RUN.workerId, RUN.failures, RUN.awaited, RUN.claimedAt, RUN.recoveryStreak, RUN.listened,
  RUN.cancelRequestedAt, RUN.workflow, RUN.queue, RUN.stamp, RUN.held, RUN.version, RUN.patched }

-- The fence check of every write. RUNNING: the caller owns the run. DONE: the caller's own write has already ended this
-- pass (a repeat after a lost answer). LOST: somebody else has it.
-- The run is a list of those fields; what few scripts need besides is added by read_fate().
local function guard(id, fence)
  local run = guarded[id]
  if not run then
    run = call('HMGET', run_key(id), unpack(GUARDED))
    guarded[id] = run
  end
  if not run.status or run.fence ~= fence then return 'LOST', run end
  if run.status ~= STATUS.running then return 'DONE', run end
  return 'RUNNING', run
end

-- Adds to what guard() answers whether the run unwinds, and to which outcome, whether it could, and whether its cancellation forbids it.
local function read_fate(id, run)
  local fate = call('HMGET', run_key(id), RUN.unwinding, RUN.compensable, RUN.uncompensated)
  run.unwinding, run.compensable, run.uncompensated = fate.unwinding, fate.compensable, fate.uncompensated
end

-- Whether a run in execution is to be canceled, which whoever ends its pass sees to.
local function is_canceled(id, run)
  if not run.cancelRequestedAt then return false end
  read_fate(id, run)
  return not run.unwinding
end

-- Failures before the attempt that a pass belongs to. A run that unwinds after a failure has counted it already.
local function failures_before(run)
  local failures = tonumber(run.failures or 0)
  return run.unwinding == STATUS.failed and failures - 1 or failures
end

-- Appends one line of the pass history: attempt,outcome,startedAt,endedAt,worker;error. A pass ends now, unless told otherwise.
local function record_pass(id, failures, outcome, since, worker, failure, till)
  local attempt = tonumber(failures or 0) + 1
  local line = attempt .. ',' .. outcome .. ',' .. since .. ',' .. (till or now_text) .. ',' .. worker .. ';' .. (failure or '')
  call('RPUSH', ROOT .. 'passes:' .. id, line)
end

-- The hash `controls`, as a claim has read it whole; nil in other operations, which read what they need.
local controls

local ops = {}
