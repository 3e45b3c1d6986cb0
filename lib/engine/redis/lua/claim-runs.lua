-- claim_runs: promotes what is due, then hands queued runs that pass their gates to a worker; nothing from paused queues.
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
-- RETURNS { 'LOST' } when the worker's lease is gone, else { 'OK', now, ms until the worker is to look again or -1, run… }
--   with run = { id, fence, suspects that may be executed together with this one or 0 if it is none, fields, data }: `fields` the flat hash of the run before the claim, as JSON, `data` the flat
--   hash of its payloads, or 0 when they would make the answer too long: then they are read in pages
local lease = call('ZSCORE', ROOT .. 'workers', worker)
if not lease or tonumber(lease) <= real then return { 'LOST' } end
local record = ROOT .. 'worker:' .. worker
-- c<workflow> is a maxConcurrency, v<workflow> its current version, p<queue> there while that is paused.
local controls = {}
local set = call('HGETALL', ROOT .. 'controls')
for i = 1, #set, 2 do controls[set[i]] = set[i + 1] end
local served = {}
for i = queues_first, queues_last do served[ARGV[i]] = true end
for _, queue in ipairs(promote(100)) do
  if not served[queue] then wake(queue) end
end

-- Runs that one call may find blocked: each costs a few commands.
local MOST_BLOCKED = 200
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
local function hand_over(id, fence, suspect, run, fields)
  local data = data_key(id)
  local payloads = has_room(data, fields) and call('HGETALL', data) or 0
  if payloads ~= 0 then
    for i = 2, #payloads, 2 do room = room - #payloads[i] end
  end
  taken[#taken + 1] = { id, fence, suspect }
  answer[#answer + 1] = { id, fence, suspect, cjson.encode(run), payloads }
end

-- Whether an open queue of the worker holds runs.
local function is_left()
  for i = queues_first, queues_last do
    if not controls['p' .. ARGV[i]] and call('EXISTS', ROOT .. 'queue:' .. ARGV[i]) == 1 then return true end
  end
  return false
end

-- One HGETALL was measured cheaper than an HMGET of the fields that matter.
local function read(id)
  local run = call('HGETALL', run_key(id))
  local fields = {}
  for i = 1, #run, 2 do
    local name = run[i]
    if name == 'st' or name == 'f' or name == 'w' or name == 'sa' or name == 'ca' or name == 'wf' or name == 'mx' or name == 'th'
      or name == 'lg' or name == 've' or name == 'hk' then
      fields[name] = run[i + 1]
    end
  end
  return run, fields
end

local MOST_SUSPECTS = 16
-- Runs that crashed together are halved with every further crash, until the one that causes it is alone.
local function group_of(streak) return math.max(1, math.min(MOST_SUSPECTS, 2 ^ (tonumber(alone) - streak))) end

-- A run is pinned by its first claim. One that began without a version stays without, and the hook of a run goes with that.
local function pin(id, run, fields)
  local version = not (fields.f or fields.ve or fields.hk) and controls['v' .. fields.wf]
  if not version then return end
  call('HSET', run_key(id), 've', version)
  count_open(fields.wf, 'v' .. version, 1)
  run[#run + 1] = 've'
  run[#run + 1] = version
end

local blocked = 0
local function claim(id, group)
  local run, fields = read(id)
  if fields.st ~= 'q' then return end
  local limit = controls['c' .. fields.wf]
  if (limit or fields.mx or fields.th) and not rare().admit(id, fields, limit) then
    blocked = blocked + 1
    return
  end
  -- Not a count alone: a Redis that came back without its last second, or a replica that took over, would give it out again
  -- while the worker of the forgotten claim still writes.
  local fence = string.format('%.0f', math.max(tonumber(fields.f or 0) + 1, real))
  call('HSET', run_key(id), 'st', 'r', 'f', fence, 'w', worker, fields.sa and 'ca' or 'sa', now_text)
  -- A run that was retried starts anew.
  if fields.ca and not fields.sa then call('HSET', run_key(id), 'ca', now_text) end
  pin(id, run, fields)
  owned[#owned + 1] = id
  hand_over(id, fence, group, run, fields)
end
local more_suspects, held_suspects = tonumber(suspects), tonumber(held)
local function claim_suspects(queue, free)
  local key = ROOT .. 'suspects:' .. queue
  while more_suspects > 0 and #taken < free and blocked < MOST_BLOCKED do
    local id = call('ZRANGE', key, 0, 0)[1]
    if not id then return end
    local group = group_of(tonumber(call('HGET', run_key(id), 'rs') or 0))
    if held_suspects >= group then break end
    call('ZREM', key, id)
    local before = #taken
    claim(id, group)
    if #taken > before then
      held_suspects = held_suspects + 1
      more_suspects = math.min(more_suspects - 1, group - held_suspects)
    end
  end
  -- Another worker may take those that are left.
  if held_suspects > tonumber(held) and call('EXISTS', key) == 1 then wake(queue) end
end

local again = false
local last = call('HMGET', record, 'claimSeq' .. lane, 'claimed' .. lane)
-- A copy of an earlier claim, from a connection that was given up: nobody reads the answer.
if tonumber(last[1] or 0) > tonumber(seq) then return answer end
if last[1] == seq then
  for _, pair in ipairs(cjson.decode(last[2])) do
    local run, fields = read(pair[1])
    if fields.st == 'r' and fields.f == pair[2] and fields.w == worker then hand_over(pair[1], pair[2], pair[3], run, fields) end
  end
  again = true
else
  local free = tonumber(want)
  for i = queues_first, queues_last do
    local queue = ARGV[i]
    local open = not controls['p' .. queue]
    if open then claim_suspects(queue, free) end
    while open and #taken < free and blocked < MOST_BLOCKED do
      local asked = free - #taken
      local popped = call('ZPOPMIN', ROOT .. 'queue:' .. queue, asked)
      for j = 1, #popped, 2 do claim(popped[j], 0) end
      if #popped < asked * 2 then break end
    end
  end
  in_chunks(owned, function(...) call('SADD', ROOT .. 'owned:' .. worker, ...) end)
  if #taken > 0 then call('HSET', record, 'claimSeq' .. lane, seq, 'claimed' .. lane, cjson.encode(taken)) end
  for i = queues_first, queues_last do
    local queue = ARGV[i]
    if #taken < free then
      call('SADD', ROOT .. 'idle:' .. queue, worker)
      nobody_idle[queue] = nil
    else
      if spare == '0' then call('SREM', ROOT .. 'idle:' .. queue, worker) end
      -- What this worker had to leave is for the next idle one.
      if not controls['p' .. queue] and call('EXISTS', ROOT .. 'queue:' .. queue) == 1 then wake(queue) end
    end
  end
end
-- A run that was blocked may have let others go on, in a queue that was looked at before.
answer[3] = (again or blocked > 0) and #taken < tonumber(want) and is_left() and 0 or next_due()
return answer
