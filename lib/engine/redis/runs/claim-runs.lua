-- claim_runs: promotes what is due, then hands queued runs that pass their gates to a worker; nothing from paused queues. Where several sets of
-- workers live, or runs of a queue lie in lanes, it takes the first that the worker serves, by position, and puts what it passes over in lanes.
-- Guarantee: a run has one owner; its fence grows with every claim; a repeat of the same sequence number answers the same runs, and one of
-- an earlier number none.
-- ARGS
--   worker
--   lane             claims of different lanes may be in flight at once
--   seq              grows with every claim of the lane
--   want             free slots asked for
--   spare            1 if the worker has more of them
--   suspects         suspects that the worker may take, 0 for none
--   held             suspects that it holds
--   alone            recoveries in a row from which a suspect is executed with no other
--   ...queues        in the order in which they are tried
-- RETURNS { 'LOST' } when the worker's lease is gone or was taken, or its set is gone, else { 'OK', now, ms until the worker is to look again or -1, run… }
--   with run = { id, fence, suspects that may be executed together with this one or 0 if it is none, fields, data, position, began }: `fields` the flat
--   hash of the run before the claim, as JSON, `data` the flat hash of its payloads, or 0 when they would make the answer too long: then they
--   are read in pages; `position` the one that it had and `began` 1 if it had begun before, for put_aside
local lease = call('ZSCORE', ROOT .. 'workers', worker)
if not lease or tonumber(lease) <= real then return { 'LOST' } end
local record = ROOT .. 'worker:' .. worker
-- c<workflow> is a maxConcurrency, v<workflow> its current version, p<queue> there while that is paused.
controls = {}
local known = call('HGETALL', ROOT .. 'controls')
for i = 1, #known, 2 do controls[known[i]] = known[i + 1] end
living_set = controls.set or ''
local last = call('HMGET', record, 'claimSeq' .. lane, 'claimed' .. lane, 'set', 'app', 'lost', 'dp')
local set = last[3]
if last[5] then return { 'LOST' } end
-- A reset has deleted it in part: the worker registers again. One that is retired has no set, and claims no more.
local is_alive = set and (living_set == set or living_set == '+' and call('HEXISTS', ROOT .. 'sets', set) == 1)
if not is_alive and (set or not last[4]) then return { 'LOST' } end
local served = {}
for i = queues_first, queues_last do served[ARGV[i]] = is_alive end
local is_shared = living_set == '+'
local function is_ours(queue, id)
  return served[queue] and (not is_shared or is_run_served_by(set, id, queue))
end
local promoted = promote(100)
for i = 1, #promoted, 2 do
  if not is_ours(promoted[i + 1], promoted[i]) then wake(promoted[i + 1], promoted[i]) end
end

-- Runs that one call may find blocked, and those that it may put aside: each costs a few commands.
local MOST_BLOCKED = 200
local aside = { left = 200 }
-- Fields and bytes of payloads that one answer holds: Redis serves nobody else while it copies them.
local MOST_FIELDS, room = 256, 1048576
local taken, owned = {}, {}
local answer = { 'OK', now, 0 }

-- Whether the payloads of a run fit into the answer. Those of a run that was never claimed are what it was created with: `lg` says how
-- much where that is much, so that other runs cost no look.
local function has_room(data, fields)
  if room <= 0 then return false end
  if fields.f then return call('HLEN', data) <= MOST_FIELDS and (call('MEMORY', 'USAGE', data, 'SAMPLES', 0) or 0) <= room end
  return tonumber(fields.lg or 0) <= room
end
local function hand_over(id, fence, suspect, position, began, run, fields)
  local data = data_key(id)
  local payloads = has_room(data, fields) and call('HGETALL', data) or 0
  if payloads ~= 0 then
    for i = 2, #payloads, 2 do room = room - #payloads[i] end
  end
  taken[#taken + 1] = { id, fence, suspect, position, began }
  answer[#answer + 1] = { id, fence, suspect, cjson.encode(run), payloads, position, began }
end

-- Whether an open queue of the worker holds runs.
local function is_left()
  for i = queues_first, queues_last do
    local queue = ARGV[i]
    local is_open = not controls['p' .. queue]
    if is_open and call('EXISTS', ROOT .. 'queue:' .. queue) == 1 then return true end
    if is_open and controls['l' .. queue] and call('EXISTS', ROOT .. 'lanes:' .. queue) == 1 then return true end
  end
  return false
end

local MATTERS = { st = 1, f = 1, w = 1, sa = 1, ca = 1, wf = 1, ve = 1, hk = 1, on = 1, nb = 1, mx = 1, th = 1, lg = 1 }
-- One HGETALL was measured cheaper than an HMGET of the fields that matter.
local function read(id)
  local run = call('HGETALL', run_key(id))
  local fields = {}
  for i = 1, #run, 2 do
    if MATTERS[run[i]] then fields[run[i]] = run[i + 1] end
  end
  return run, fields
end

local MOST_SUSPECTS = 16
-- Runs that crashed together are halved with every further crash, until the one that causes it is alone.
local function group_of(streak) return math.max(1, math.min(MOST_SUSPECTS, 2 ^ (tonumber(alone) - streak))) end

-- A run is pinned by its first claim. One that began without a version stays without, and the hook of a run goes with that.
local function pin(id, run, fields)
  local has_begun = fields.f and not fields.nb
  local version = not (has_begun or fields.ve or fields.hk) and controls['v' .. fields.wf]
  if not version then return end
  call('HSET', run_key(id), RUN.version, version)
  count_open(fields.wf, 'v' .. version, 1)
  run[#run + 1] = RUN.version
  run[#run + 1] = version
end

local blocked = 0
-- `first` is a run as served_runs() answers it, which has looked at whether the worker serves it, or the beginning of that.
local function claim(first, group, kind, queue)
  local id, position, run, fields = first[1], first[2], first[4], first[5]
  local is_looked_at = run
  if not run then
    run, fields = read(id)
  end
  if fields.st ~= STATUS.queued then return end
  -- Where its set lives alone, the worker itself tells a workflow that it does not serve; which version a run gets is decided here.
  local may_be_foreign = is_shared or fields.ve or fields.on or controls['v' .. fields.wf]
  if may_be_foreign and not is_looked_at and pass_over(set, kind, id, queue, position, fields, aside) then return end
  local limit = controls['c' .. fields.wf]
  if (limit or fields.mx or fields.th) and not admit(id, fields, limit) then
    blocked = blocked + 1
    return
  end
  -- Not a count alone: a Redis that came back without its last second, or a replica that took over, would give it out again
  -- while the worker of the forgotten claim still writes.
  local fence = string.format('%.0f', math.max(tonumber(fields.f or 0) + 1, real))
  if fields.on and fields.on ~= '\1' .. (last[6] or '') then
    blocks.begin_trial(id, fence, fields.on)
    run = read(id)
  end
  call('HSET', run_key(id), RUN.status, STATUS.running, RUN.fence, fence,
    RUN.workerId, worker, fields.sa and RUN.claimedAt or RUN.startedAt, now_text)
  -- A run that was retried starts anew.
  if fields.ca and not fields.sa then call('HSET', run_key(id), RUN.claimedAt, now_text) end
  if fields.nb then call('HDEL', run_key(id), RUN.putAside) end
  pin(id, run, fields)
  owned[#owned + 1] = id
  hand_over(id, fence, group, position, fields.sa and 1 or 0, run, fields)
end
local function is_full(free) return #taken >= free or blocked >= MOST_BLOCKED or aside.left <= 0 end

local more_suspects, held_suspects = tonumber(suspects), tonumber(held)
local function claim_suspects(queue, free)
  local key = ROOT .. 'suspects:' .. queue
  local function first_suspect()
    local head = call('ZRANGE', key, 0, 0, 'WITHSCORES')
    return head[1] and { head[1], head[2], key } or nil
  end
  local looks = is_shared or controls['l' .. queue]
  local peek = looks and served_runs(set, 's', queue, aside, read) or first_suspect
  while more_suspects > 0 and not is_full(free) do
    local first = peek()
    if not first then return end
    local group = group_of(tonumber(call('HGET', run_key(first[1]), RUN.recoveryStreak) or 0))
    if held_suspects >= group then break end
    call('ZREM', first[3], first[1])
    local before = #taken
    claim(first, group, 's', queue)
    if #taken > before then
      held_suspects = held_suspects + 1
      more_suspects = math.min(more_suspects - 1, group - held_suspects)
    end
  end
  -- Another worker may take those that are left. A look forgets an emptied lane, too: nobody else may ever serve it.
  local takes_some = held_suspects > tonumber(held)
  local next = (takes_some or looks and blocked >= MOST_BLOCKED) and peek()
  if takes_some and next then wake(queue, next[1]) end
end
local function claim_queued(queue, free)
  while not is_full(free) do
    local asked = math.min(free - #taken, aside.left)
    local popped = call('ZPOPMIN', ROOT .. 'queue:' .. queue, asked)
    for i = 1, #popped, 2 do claim({ popped[i], popped[i + 1] }, 0, 'q', queue) end
    if #popped < asked * 2 then return end
  end
end
local function claim_served(queue, peek, free)
  while #taken < free and blocked < MOST_BLOCKED do
    local first = peek()
    if not first then return end
    call('ZREM', first[3], first[1])
    claim(first, 0, 'q', queue)
  end
  -- A look forgets the lane that the last of them has emptied: nobody else may ever serve it.
  if blocked >= MOST_BLOCKED then peek() end
end
-- What this worker had to leave is for the next idle one that serves it.
local function leave(queue, peek)
  if not peek then
    if call('EXISTS', ROOT .. 'queue:' .. queue) == 0 then return end
    if not is_shared then return wake(queue) end
    peek = served_runs(set, 'q', queue, aside, read)
  end
  local first = peek()
  if first then wake(queue, first[1], first[5]) elseif aside.left <= 0 then wake_one_of(set, queue) end
end

local again = false
-- A copy of an earlier claim, from a connection that was given up: nobody reads the answer.
if tonumber(last[1] or 0) > tonumber(seq) then return answer end
if last[1] == seq then
  for _, pair in ipairs(cjson.decode(last[2])) do
    local run, fields = read(pair[1])
    local is_held = fields.st == STATUS.running and fields.f == pair[2] and fields.w == worker
    if is_held then hand_over(pair[1], pair[2], pair[3], pair[4], pair[5], run, fields) end
  end
  again = true
elseif is_alive then
  local free, peeks = tonumber(want), {}
  for i = queues_first, queues_last do
    local queue = ARGV[i]
    if not controls['p' .. queue] then
      claim_suspects(queue, free)
      if controls['l' .. queue] and has_lanes_for(set, queue) then
        peeks[queue] = served_runs(set, 'q', queue, aside, read)
        claim_served(queue, peeks[queue], free)
      else
        claim_queued(queue, free)
      end
    end
  end
  in_chunks(owned, function(...) call('SADD', ROOT .. 'owned:' .. worker, ...) end)
  if #taken > 0 then call('HSET', record, 'claimSeq' .. lane, seq, 'claimed' .. lane, cjson.encode(taken)) end
  for i = queues_first, queues_last do
    local queue = ARGV[i]
    local idle = idle_key(set, queue)
    if #taken < free then
      call('SADD', idle, worker)
      nobody_idle[idle] = nil
    else
      if spare == '0' then call('SREM', idle, worker) end
      if not controls['p' .. queue] then leave(queue, peeks[queue]) end
    end
  end
end
-- A run that was blocked may have let others go on, in a queue that was looked at before.
answer[3] = (again or blocked > 0 or aside.left <= 0) and #taken < tonumber(want) and is_left() and 0 or next_due()
return answer
