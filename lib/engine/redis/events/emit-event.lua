-- emit_event: records an event, creates the runs of its subscribers and resumes the waits that match, a bounded number of both.
-- Guarantee: one event per id; a repeat creates nothing. What is left over is done by continue_event, whatever crashes.
-- ARGS
--   id
--   nonce            '' when the id was made for this call, else a value of this call alone
--   name
--   ts               epoch ms, '' for now
--   key              correlation key, '' for none
--   data             encoded payload
--   run              run that emits it in a step, '' for a client
--   fence
--   step
--   asked            '@' and how many outcomes the handler had when it asked for the step, '' where that says nothing
--   order            place of the step in the order of completion
--   headers          encoded: what travels with the event to the subscribers' runs, '' for none
--   ...verdicts      of subscribers that the emitter knows, nine each: workflow, verdict (d, s, f), error, queue, priority,
--                    attempts, tags, version that judged it, admission
-- RETURNS { OK | EXISTS | DONE | LOST, 1 if continue_event has more to do, encoded ids of the runs created if a step emits it }
if run ~= '' then
  local state = guard(run, fence)
  if state ~= 'RUNNING' then return { state, 0, '' } end
  local record = call('HGET', data_key(run), 's:' .. step)
  if record and not is_reopened(record) then return { 'OK', call('SISMEMBER', ROOT .. 'pending', id), string.match(record, ';(.*)$') } end
end

local function finish_step(runs)
  if run == '' then return '' end
  -- An empty table would become an object.
  local payload = #runs == 0 and '[]' or cjson.encode(runs)
  call('HSET', data_key(run), 's:' .. step, 'n,s,' .. order .. ',1,0' .. asked .. ',' .. now_text .. ',' .. now_text .. ';' .. payload)
  return payload
end

local existing = call('HMGET', event_key(id), EVENT.stamp, EVENT.nonce)
if existing.stamp then
  local runs = {}
  if run ~= '' then
    local deliveries = call('HGETALL', ROOT .. 'deliveries:' .. id)
    for i = 2, #deliveries, 2 do
      runs[#runs + 1] = string.match(deliveries[i], '^d:(.*);$')
    end
    table.sort(runs)
  end
  local is_repeat = run == '' and (nonce == '' or existing.nonce == nonce)
  return { is_repeat and 'OK' or 'EXISTS', call('SISMEMBER', ROOT .. 'pending', id), finish_step(runs) }
end

if ts ~= '' then finite(ts) end
local judged = {}
local names = subscribers_of(name)
for i = verdicts_first, verdicts_last, 9 do
  finite(ARGV[i + 4])
  -- While the workflow is served, what its youngest deployment declares counts, and not what the emitter's code does: it may be older.
  if names[ARGV[i]] or not deployments.is_served(ARGV[i]) then names[ARGV[i]] = true end
  judged[ARGV[i]] = {
    w = ARGV[i], v = ARGV[i + 1], e = ARGV[i + 2], q = ARGV[i + 3], p = ARGV[i + 4], a = ARGV[i + 5], t = ARGV[i + 6], j = ARGV[i + 7],
    ad = ARGV[i + 8],
  }
end
local subscribers = {}
for workflow in pairs(names) do subscribers[#subscribers + 1] = workflow end
table.sort(subscribers)

local stamp = next_counter('created')
local fields = { EVENT.name, name, EVENT.ts, ts == '' and now_text or ts, EVENT.stamp, string.format('%.0f', stamp), EVENT.fanOutStatus, 'p',
  EVENT.subscribers, #subscribers }
local function keep(field, value)
  fields[#fields + 1] = field
  fields[#fields + 1] = value
end
if key ~= '' then keep(EVENT.correlationKey, key) end
if nonce ~= '' then keep(EVENT.nonce, nonce) end
if data ~= '' then keep(EVENT.data, data) end
if headers ~= '' then keep(EVENT.headers, headers) end
call('HSET', event_key(id), unpack(fields))
call('ZADD', ROOT .. 'events', stamp, id)
call('ZADD', ROOT .. 'events:' .. name, stamp, id)
if key ~= '' then call('ZADD', ROOT .. 'mail:' .. place_of(name, key), stamp, id) end

local runs = {}
for i, workflow in ipairs(subscribers) do
  local sub = judged[workflow]
  if not sub then
    local meta = call('HGET', ROOT .. 'workflows', workflow)
    meta = meta and cjson.decode(meta) or {}
    sub = {
      w = workflow, v = '?', e = '', q = meta.queue or 'default', p = tostring(meta.priority or 0), a = tostring(meta.maxAttempts or ''),
      t = meta.tags and next(meta.tags) and cjson.encode(meta.tags) or '',
    }
  end
  -- Which run one with limits comes to is not known before it is delivered.
  if i <= EVENTS_PER_CALL or sub.ad and sub.ad ~= '' then
    runs[#runs + 1] = deliver_event(id, sub, data)
  else
    if sub.v == 'd' or sub.v == '?' then runs[#runs + 1] = subscriber_run(id, workflow) end
    call('RPUSH', ROOT .. 'fanout:' .. id, cjson.encode(sub))
  end
end
return { 'OK', go_on(id, 0) and 1 or 0, finish_step(runs) }
