-- Gates that a run passes at its claim, in this order: m mutex, t throttle, c maxConcurrency. `hg` on a run holds the letters of what it
-- has, `bl` the one it waits at: then it is in a line of that gate (lines.lua) instead of its queue. A gate is its letter and what it is
-- about: m<len>:<workflow>:<key>, t<len>:<workflow>:<key>, c<workflow>.

-- The score of a start that is still to come.
local RESERVED = 9000000000000000
local HANDED_AT_ONCE = 100

local function keyed_gate(letter, workflow, key) return letter .. #workflow .. ':' .. workflow .. ':' .. key end
local function mutex_key(gate) return ROOT .. 'mutex:' .. string.sub(gate, 2) end
local function starts_key(gate) return ROOT .. 'starts:' .. string.sub(gate, 2) end
local function slots_key(workflow) return ROOT .. 'slots:' .. workflow end
local function read_throttle(text)
  local limit, period, key = string.match(text, '^(%d+),(%d+),(.*)$')
  return tonumber(limit), tonumber(period), key
end
local function gate_of(letter, workflow, mutex, throttle)
  if letter == 'm' then return keyed_gate('m', workflow, mutex) end
  if letter == 'c' then return 'c' .. workflow end
  local _, _, key = read_throttle(throttle)
  return keyed_gate('t', workflow, key)
end

-- The gate looks at its waiters again at this time: its entry in `due` begins with a byte that no run id has.
local function look_again(gate, id, at) set_due('\0' .. gate, call('HGET', run_key(id), RUN.queue), at, id) end

local function pass_mutex_on(gate)
  local heir = first_waiter(gate)
  if not heir then
    call('DEL', mutex_key(gate))
    return
  end
  call('SET', mutex_key(gate), heir)
  let_go(gate, 'm')
end

-- Until when no further start is allowed: nothing if one is now, RESERVED if that is up to starts still to come.
local function throttled_until(gate, limit, period)
  local starts = starts_key(gate)
  call('ZREMRANGEBYSCORE', starts, '-inf', now - period)
  local count = call('ZCARD', starts)
  if count < limit then return nil end
  local blocking = tonumber(call('ZRANGE', starts, count - limit, count - limit, 'WITHSCORES')[2])
  return blocking == RESERVED and RESERVED or blocking + period
end
local function set_start(gate, id, score, period)
  local starts = starts_key(gate)
  call('ZADD', starts, string.format('%.0f', score), id)
  if score == RESERVED or call('ZCOUNT', starts, RESERVED, '+inf') > 0 then
    call('PERSIST', starts)
  else
    call('PEXPIRE', starts, period)
  end
end
-- A run that is retried starts once more. Its start so far counts on under a name that no run has.
local function keep_start(id, name)
  local run = call('HMGET', run_key(id), RUN.workflow, RUN.throttle)
  if not run.throttle then return end
  local starts = starts_key(gate_of('t', run.workflow, nil, run.throttle))
  local at = call('ZSCORE', starts, id)
  if not at then return end
  call('ZADD', starts, at, '\0' .. name)
  call('ZREM', starts, id)
end
local function hand_out_starts(gate)
  for handed = 1, HANDED_AT_ONCE + 1 do
    local id = first_waiter(gate)
    if not id then return end
    local limit, period = read_throttle(call('HGET', run_key(id), RUN.throttle))
    local at = throttled_until(gate, limit, period)
    if at == RESERVED then return end
    if at or handed > HANDED_AT_ONCE then return look_again(gate, id, at or now) end
    set_start(gate, id, RESERVED, period)
    let_go(gate, 't')
  end
end

-- What a worker's declaration has changed the limit to counts at once; with none, the waiters go on without a slot.
local function hand_out_slots(gate)
  local workflow = string.sub(gate, 2)
  local limit = tonumber(call('HGET', ROOT .. 'controls', gate))
  for handed = 1, HANDED_AT_ONCE + 1 do
    local id = first_waiter(gate)
    if not id or limit and call('SCARD', slots_key(workflow)) >= limit then return end
    if handed > HANDED_AT_ONCE then return look_again(gate, id, now) end
    if limit then call('SADD', slots_key(workflow), id) end
    let_go(gate, limit and 'c' or '')
  end
end

local look_at_place
-- Lets as many waiters go on as the gate has room for.
local function reopen(gate)
  local letter = string.sub(gate, 1, 1)
  if letter == 't' then
    hand_out_starts(gate)
  elseif letter == 'c' then
    hand_out_slots(gate)
  elseif letter == 'q' then
    look_at_place(string.sub(gate, 2))
  elseif call('EXISTS', mutex_key(gate)) == 0 then
    pass_mutex_on(gate)
  end
end

-- Sets the limit of a workflow, nothing for none.
local function limit_slots(workflow, limit)
  if limit then
    call('HSET', ROOT .. 'controls', 'c' .. workflow, limit)
  else
    call('HDEL', ROOT .. 'controls', 'c' .. workflow)
  end
  reopen('c' .. workflow)
end
local function is_full(workflow)
  local limit = tonumber(call('HGET', ROOT .. 'controls', 'c' .. workflow))
  return limit and call('SCARD', slots_key(workflow)) >= limit
end

-- Whether a queued run may start now; if not it waits at a gate. `run` has its fields, as far as they say its route, and sa, mx and th.
local function admit(id, run, limit)
  local cold = call('HMGET', run_key(id), RUN.held, RUN.hookOf, RUN.queue)
  if cold.hookOf then return true end
  local before = cold.held or ''
  local held, workflow = before, run.wf
  local place = place_at(cold.queue, routes.of(run))
  local function lacks(letter) return not string.find(held, letter, 1, true) end
  local function wait_at(letter, gate)
    call('HSET', run_key(id), RUN.blockedBy, letter)
    if held ~= '' then call('HSET', run_key(id), RUN.held, held) end
    local position = next_counter('seq')
    -- A mutex or a turn without a start is held here for as long as the queue goes on.
    local first = not run.sa and string.match(held, '[mt]')
    if first then hold_until_start(id, place, first, position) else start_holding(id, place) end
    enter_line(gate, id, place, position)
    if letter ~= 'm' then reopen(gate) end
    return false
  end
  if run.mx and lacks('m') then
    local gate = keyed_gate('m', workflow, run.mx)
    local holder = call('GET', mutex_key(gate))
    if holder and holder ~= id then return wait_at('m', gate) end
    call('SET', mutex_key(gate), id)
    held = held .. 'm'
  end
  local period, throttle
  if run.th then
    local most, key
    most, period, key = read_throttle(run.th)
    throttle = keyed_gate('t', workflow, key)
    if lacks('t') then
      if first_waiter(throttle) or throttled_until(throttle, most, period) then return wait_at('t', throttle) end
      set_start(throttle, id, RESERVED, period)
      held = held .. 't'
    end
  end
  if limit and lacks('c') then
    local gate = 'c' .. workflow
    if first_waiter(gate) or call('SCARD', slots_key(workflow)) >= tonumber(limit) then return wait_at('c', gate) end
    call('SADD', slots_key(workflow), id)
    held = held .. 'c'
  end
  if held ~= before then call('HSET', run_key(id), RUN.held, held) end
  if before ~= '' then start_holding(id, place) end
  if throttle and tonumber(call('ZSCORE', starts_key(throttle), id) or 0) == RESERVED then
    set_start(throttle, id, now, period)
    hand_out_starts(throttle)
  end
  return true
end

-- Takes a run out of the line that it waits in, and out of those that hold something for a start.
local function leave_line(id)
  local run = call('HMGET', run_key(id), RUN.blockedBy, RUN.workflow, RUN.mutex, RUN.throttle, RUN.queue)
  local place = place_of_run(id, run.queue)
  start_holding(id, place)
  -- One that its code blocks is in no line, but for one that was offered to a deployment.
  if not run.blockedBy or run.blockedBy == 'k' then return end
  quit_line(gate_of(run.blockedBy, run.workflow, run.mutex, run.throttle), id, place)
  call('HDEL', run_key(id), RUN.blockedBy)
end

-- Gives back those of the letters that a run holds. A start counts for its period, unless it did not come to be: `unstarted`.
local function give_back(id, held, letters, unstarted)
  local run = call('HMGET', run_key(id), RUN.workflow, RUN.mutex, RUN.throttle, RUN.heldForStart, RUN.queue)
  if run.heldForStart then start_holding(id, place_of_run(id, run.queue)) end
  local kept = string.gsub(held, '[' .. letters .. ']', '')
  if kept == '' then call('HDEL', run_key(id), RUN.held) else call('HSET', run_key(id), RUN.held, kept) end
  for letter in string.gmatch(held, '[' .. letters .. ']') do
    local gate = gate_of(letter, run.workflow, run.mutex, run.throttle)
    if letter == 'm' then
      if call('GET', mutex_key(gate)) == id then pass_mutex_on(gate) end
    elseif letter == 'c' then
      call('SREM', slots_key(run.workflow), id)
      hand_out_slots(gate)
    elseif unstarted or tonumber(call('ZSCORE', starts_key(gate), id) or 0) == RESERVED then
      call('ZREM', starts_key(gate), id)
      local _, period = read_throttle(run.throttle)
      if call('ZCOUNT', starts_key(gate), RESERVED, '+inf') == 0 then call('PEXPIRE', starts_key(gate), period) end
      hand_out_starts(gate)
    end
  end
end

-- A run whose place stands still goes back to the line in which it was handed what it holds, and that is handed on.
local function take_back(id, place, position)
  local key = run_key(id)
  local run = call('HMGET', key, RUN.heldForStart, RUN.workflow, RUN.mutex, RUN.throttle, RUN.held, RUN.status)
  if not run.heldForStart or run.status ~= STATUS.queued then
    call('ZREM', handed_key(place), id)
    return
  end
  leave_line(id)
  unqueue(id, (split_sized(place)))
  call('HSET', key, RUN.blockedBy, run.heldForStart)
  enter_line(gate_of(run.heldForStart, run.workflow, run.mutex, run.throttle), id, place, position)
  give_back(id, run.held, string.match('mtc', run.heldForStart .. '.*'), true)
end

-- A run that is queued again with the slot that it had resumes ahead of the waiters, if its place does not stand still.
local function keep_slot(id, queue, held)
  if not held or not string.find(held, 'c', 1, true) then return end
  local place = place_of_run(id, queue)
  hold_until_start(id, place, 'c', 0)
  if not is_able(place) then take_back(id, place, 0) end
end

local LOOKED_AT_ONCE = 20
-- A place has begun to stand still, or goes on: what its runs hold is handed on, or gates that had passed over them look at them again.
look_at_place = function(place)
  local passed, handed = passed_key(place), handed_key(place)
  if is_able(place) then
    for _, gate in ipairs(call('SPOP', passed, LOOKED_AT_ONCE)) do reopen(gate) end
  else
    local runs = call('ZRANGE', handed, 0, LOOKED_AT_ONCE - 1, 'WITHSCORES')
    for i = 1, #runs, 2 do take_back(runs[i], place, runs[i + 1]) end
  end
  -- The rest is for later calls.
  if call('EXISTS', is_able(place) and passed or handed) == 1 then set_due('\0q' .. place, (split_sized(place)), now) end
  tidy_gated(place)
end
-- Its pause has changed, or who serves it, or which version of a workflow is current.
local function queue_changed(queue)
  able = {}
  for _, route in ipairs(call('SMEMBERS', ROOT .. 'gated:' .. queue)) do look_at_place(place_at(queue, route)) end
end
