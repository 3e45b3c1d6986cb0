-- Lines of runs that wait at a gate. Each queue has its own, line:<len>:<gate><queue>, by position, so that runs in a queue that is paused
-- or that no living worker serves are passed over without being looked at. waiting:<gate> holds those queues by the position of their
-- first run, passed:<queue> the gates whose runs of that queue were passed over.

local able = {}
-- Whether runs of a queue can be claimed now.
local function is_able(queue)
  if able[queue] == nil then
    able[queue] = call('HEXISTS', ROOT .. 'controls', 'p' .. queue) == 0 and call('EXISTS', ROOT .. 'serving:' .. queue) == 1
  end
  return able[queue]
end

local function waiting_key(gate) return ROOT .. 'waiting:' .. gate end
local function line_key(gate, queue) return ROOT .. 'line:' .. #gate .. ':' .. gate .. queue end
local function handed_key(queue) return ROOT .. 'handed:' .. queue end

local function note_head(gate, queue)
  local head = call('ZRANGE', line_key(gate, queue), 0, 0, 'WITHSCORES')
  if head[1] then
    call('ZADD', waiting_key(gate), head[2], queue)
  else
    call('ZREM', waiting_key(gate), queue)
    call('SREM', ROOT .. 'passed:' .. queue, gate)
  end
end
local function enter_line(gate, id, queue, position)
  call('ZADD', line_key(gate, queue), position, id)
  note_head(gate, queue)
end
local function quit_line(gate, id, queue)
  call('ZREM', line_key(gate, queue), id)
  note_head(gate, queue)
end

-- The first run of a line; runs that a reset has deleted while their line was still there are dropped.
local function head_of(gate, queue)
  local head = call('ZRANGE', line_key(gate, queue), 0, 0, 'WITHSCORES')
  while head[1] and call('EXISTS', run_key(head[1])) == 0 do
    quit_line(gate, head[1], queue)
    head = call('ZRANGE', line_key(gate, queue), 0, 0, 'WITHSCORES')
  end
  return head[1], head[2]
end

-- The first run at a gate that can be claimed once it is let go, with its queue and position. The others keep their places.
local function first_waiter(gate)
  for _, queue in ipairs(call('ZRANGE', waiting_key(gate), 0, -1)) do
    if is_able(queue) then
      local id, position = head_of(gate, queue)
      if id then return id, queue, position end
    else
      call('SADD', ROOT .. 'passed:' .. queue, gate)
    end
  end
end

-- A run in its queue, or in a later line, holds what it has of the gates from `letter` on for a start that is still to come. Until then
-- handed:<queue> has it with its position in the line of that gate, to which it goes back if its queue stands still meanwhile.
local function hold_until_start(id, queue, letter, position)
  if call('HSETNX', run_key(id), 'hd', letter) == 1 then call('ZADD', handed_key(queue), position, id) end
end
local function start_holding(id, queue)
  if call('HDEL', run_key(id), 'hd') == 1 then call('ZREM', handed_key(queue), id) end
end

-- Gives the first waiter what it waited for, and lets it go on at the front of its queue. `letter` is '' if there is nothing to hold.
local function let_go(gate, letter)
  local id, queue, position = first_waiter(gate)
  quit_line(gate, id, queue)
  local run = call('HMGET', run_key(id), 'pr', 'rs', 'hg')
  call('HDEL', run_key(id), 'bl')
  if letter ~= '' then
    call('HSET', run_key(id), 'hg', (run[3] or '') .. letter)
    hold_until_start(id, queue, letter, position)
  end
  enqueue(id, queue, tonumber(run[1] or 0), run[2], true)
  wake(queue)
end
