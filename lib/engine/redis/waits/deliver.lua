-- A message for a worker. None for one that is gone: nobody would delete its list.
local function tell(worker, message)
  if call('ZSCORE', ROOT .. 'workers', worker) then call('LPUSH', ROOT .. 'wake:' .. worker, message) end
end

-- Lets a parked run go on, or tells the worker that executes it. One that waits for its backoff stays where it is.
local function resume(id)
  local key = run_key(id)
  local run = call('HMGET', key, RUN.status, RUN.queue, RUN.priority, RUN.recoveryStreak, RUN.workerId, RUN.workflow, RUN.stamp)
  if run.status == STATUS.waiting then
    call('ZREM', ROOT .. 'due', id)
    call('HSET', key, RUN.status, STATUS.queued, RUN.availableAt, now)
    move(id, run.workflow, run.queue, run.stamp, STATUS.waiting, STATUS.queued)
    enqueue(id, run.queue, tonumber(run.priority or 0), run.recoveryStreak)
    wake(run.queue, id)
  elseif run.status == STATUS.running then
    tell(run.workerId, 'run:' .. id)
  end
end

-- What names a wait of a run outside of it: <bytes of the run>:<run><bytes of the step>:<step><branch>. Only a wait for any of
-- several has branches.
local function wait_member(id, step, branch)
  return #id .. ':' .. id .. #step .. ':' .. step .. branch
end
local function read_wait_member(member)
  local id, rest = split_sized(member)
  local step, branch = split_sized(rest)
  return id, step, branch
end

local function stop_listening(entries)
  for _, entry in ipairs(entries) do call('ZREM', ROOT .. 'listeners:' .. entry[1], entry[2]) end
end

-- A step of a run waits for events no more: listening:<run> says where it does.
local function unlisten(id, step)
  local listening = ROOT .. 'listening:' .. id
  local entries = call('HGET', listening, step)
  if not entries then return end
  stop_listening(cjson.decode(entries))
  call('HDEL', listening, step)
end

-- A run that ends waits for nothing.
local function unlisten_all(id)
  for _, step in ipairs(call('HKEYS', ROOT .. 'listening:' .. id)) do unlisten(id, step) end
end

-- The same for some of its waits. Answers whether those were all.
local LISTENERS_PER_CALL = 500
local function unlisten_some(id)
  local listening = ROOT .. 'listening:' .. id
  for _, step in ipairs(call('HRANDFIELD', listening, LISTENERS_PER_CALL)) do unlisten(id, step) end
  return call('EXISTS', listening) == 0
end

-- Ends a wait of a run from outside: d with a value, k with an error. The run's next pass gives it its place in the order of
-- completion. Nothing happens to a wait that is over, or whose time has run out. A wait for any of several stores which branch it
-- was, and `tag`, what ended it: e an event, c<bytes of id>:<id> a child, or t a timer, which the worker writes.
local function deliver(id, step, branch, status, payload, tag)
  local field = 's:' .. step
  local record = call('HGET', data_key(id), field)
  if not record then return false end
  local kind, begun, moment = string.match(record, '^(%a),w,%d+,(%d+,[%d@]+,%d+),(%d+);')
  if not kind or (moment ~= '0' and tonumber(moment) <= now) then return false end
  if kind == STEP_KIND.any then payload = #branch .. ':' .. branch .. tag .. payload end
  if kind ~= STEP_KIND.child then unlisten(id, step) end
  call('HSET', data_key(id), field, kind .. ',' .. status .. ',0,' .. begun .. ',' .. now_text .. ';' .. payload)
  resume(id)
  return true
end

-- Tells the runs that wait for a run's end, each by its member of parents:<run>.
local function deliver_end(child, member, outcome, payload)
  local id, step, branch = read_wait_member(member)
  return deliver(id, step, branch, outcome == STATUS.succeeded and STEP_STATUS.fulfilled or STEP_STATUS.rejected, payload, 'c' .. #child .. ':' .. child)
end

-- The same for some of them: each gets the payload. Answers whether those were all.
local ENDS_PER_CALL, BYTES_PER_CALL = 100, 4194304
local function deliver_ends(child, outcome, payload)
  local parents = ROOT .. 'parents:' .. child
  local most = math.max(1, math.min(ENDS_PER_CALL, floor(BYTES_PER_CALL / math.max(1, #payload))))
  for _, member in ipairs(call('SPOP', parents, most)) do deliver_end(child, member, outcome, payload) end
  return call('EXISTS', parents) == 0
end

-- What the end of a run leaves to do is done by continue_end, whatever crashes.
local function end_later(id) call('SADD', ROOT .. 'ending', id) end
