-- Shared by every transition: clock, keys, counters.
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

-- How many runs of a workflow are open, by kind: v<version> pinned to it, h<version> failed ones whose failure hook is still to
-- come, p1<id> and p0<id> by an answer of ctx.patched().
-- Whoever changes what a run counts as calls this in the same script, once.
local function count_open(workflow, kind, by)
  local key = ROOT .. 'open:' .. workflow
  if call('HINCRBY', key, kind, by) <= 0 then call('HDEL', key, kind) end
end

-- The hash `controls`, as a claim has read it whole; nil in other operations, which read what they need.
local controls

local ops = {}
