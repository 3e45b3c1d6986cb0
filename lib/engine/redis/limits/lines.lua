-- Lines of runs that wait at a gate. Each place, a queue with the route of a run, has its own, line:<len>:<gate><place>, by position, so that
-- runs in a queue that is paused, or that no living worker serves, are passed over without being looked at. waiting:<gate> holds those places
-- by the position of their first run, passed:<place> the gates whose runs of that place were passed over, gated:<queue> the routes of its
-- places with something in that or in handed:<place>.

local function place_at(queue, route) return #queue .. ':' .. queue .. route end
local function place_of_run(id, queue) return place_at(queue, routes.of_run(id) or '') end

local able = {}
-- Whether runs of a place can be claimed now.
local function is_able(place)
  if able[place] == nil then
    local queue, route = split_sized(place)
    able[place] = call('HEXISTS', ROOT .. 'controls', 'p' .. queue) == 0 and routes.is_served(queue, route)
  end
  return able[place]
end

local function waiting_key(gate) return ROOT .. 'waiting:' .. gate end
local function line_key(gate, place) return ROOT .. 'line:' .. #gate .. ':' .. gate .. place end
local function handed_key(place) return ROOT .. 'handed:' .. place end
local function passed_key(place) return ROOT .. 'passed:' .. place end

local function note_gated(place)
  local queue, route = split_sized(place)
  call('SADD', ROOT .. 'gated:' .. queue, route)
end
local function tidy_gated(place)
  if call('EXISTS', passed_key(place), handed_key(place)) > 0 then return end
  local queue, route = split_sized(place)
  call('SREM', ROOT .. 'gated:' .. queue, route)
end

local function note_head(gate, place)
  local head = call('ZRANGE', line_key(gate, place), 0, 0, 'WITHSCORES')
  if head[1] then
    call('ZADD', waiting_key(gate), head[2], place)
  else
    call('ZREM', waiting_key(gate), place)
    if call('SREM', passed_key(place), gate) == 1 then tidy_gated(place) end
  end
end
local function enter_line(gate, id, place, position)
  call('ZADD', line_key(gate, place), position, id)
  note_head(gate, place)
end
local function quit_line(gate, id, place)
  call('ZREM', line_key(gate, place), id)
  note_head(gate, place)
end

-- The first run of a line; runs that a reset has deleted while their line was still there are dropped.
local function head_of(gate, place)
  local head = call('ZRANGE', line_key(gate, place), 0, 0, 'WITHSCORES')
  while head[1] and call('EXISTS', run_key(head[1])) == 0 do
    quit_line(gate, head[1], place)
    head = call('ZRANGE', line_key(gate, place), 0, 0, 'WITHSCORES')
  end
  return head[1], head[2]
end

-- The first run at a gate that can be claimed once it is let go, with its place and position. The others keep theirs.
local function first_waiter(gate)
  for _, place in ipairs(call('ZRANGE', waiting_key(gate), 0, -1)) do
    if is_able(place) then
      local id, position = head_of(gate, place)
      if id then return id, place, position end
    elseif call('SADD', passed_key(place), gate) == 1 then
      note_gated(place)
    end
  end
end

-- A run in its queue, or in a later line, holds what it has of the gates from `letter` on for a start that is still to come. Until then
-- handed:<place> has it with its position in the line of that gate, to which it goes back if its place stands still meanwhile.
local function hold_until_start(id, place, letter, position)
  if call('HSETNX', run_key(id), RUN.heldForStart, letter) == 0 then return end
  call('ZADD', handed_key(place), position, id)
  note_gated(place)
end
local function start_holding(id, place)
  if call('HDEL', run_key(id), RUN.heldForStart) == 1 and call('ZREM', handed_key(place), id) == 1 then tidy_gated(place) end
end

-- Gives the first waiter what it waited for, and lets it go on at the front of its queue. `letter` is '' if there is nothing to hold.
local function let_go(gate, letter)
  local id, place, position = first_waiter(gate)
  quit_line(gate, id, place)
  local run = call('HMGET', run_key(id), RUN.priority, RUN.recoveryStreak, RUN.held)
  call('HDEL', run_key(id), RUN.blockedBy)
  if letter ~= '' then
    call('HSET', run_key(id), RUN.held, (run.held or '') .. letter)
    hold_until_start(id, place, letter, position)
  end
  local queue = split_sized(place)
  enqueue(id, queue, tonumber(run.priority or 0), run.recoveryStreak, true)
  wake(queue, id)
end
