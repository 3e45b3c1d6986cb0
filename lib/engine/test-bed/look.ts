/**
 * Reads, as of one moment, what a namespace is busy with and when something is due next. It is no transition: production code has no
 * use for it, and its cost grows with what there is.
 *
 * Answers { now, workers, next due time or '', next instant of a schedule or '', { state, id, workflow, queue }… }.
 */
export const LOOK = `
local ROOT = KEYS[1] .. ':'
local call = redis.call
local MOST = 10
local time = call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000) + tonumber(call('GET', ROOT .. 'clock') or 0)
local busy = {}
local function add(state, id, queue)
  local run = call('HMGET', ROOT .. 'run:' .. id, 'wf', 'q')
  busy[#busy + 1] = { state, id, run[1] or '', queue or run[2] or '' }
end

local served = {}
local workers = call('ZRANGE', ROOT .. 'workers', 0, -1)
for _, worker in ipairs(workers) do
  for _, id in ipairs(call('SMEMBERS', ROOT .. 'owned:' .. worker)) do add('running', id) end
  for _, queue in ipairs(cjson.decode(call('HGET', ROOT .. 'worker:' .. worker, 'queues') or '[]')) do served[queue] = true end
end
for _, queue in ipairs(call('SMEMBERS', ROOT .. 'queues')) do
  local paused = call('HEXISTS', ROOT .. 'controls', 'p' .. queue) == 1
  local state = paused and 'paused' or served[queue] and 'queued' or 'unserved'
  for _, kind in ipairs({ 'queue:', 'suspects:' }) do
    for _, id in ipairs(call('ZRANGE', ROOT .. kind .. queue, 0, MOST - 1)) do add(state, id, queue) end
  end
end
for _, id in ipairs(call('ZRANGEBYSCORE', ROOT .. 'due', '-inf', now, 'LIMIT', 0, MOST)) do add('due', id) end
for _, id in ipairs(call('SMEMBERS', ROOT .. 'pending')) do busy[#busy + 1] = { 'event', id, '', '' } end

local tick
for _, id in ipairs(call('ZRANGE', ROOT .. 'schedules', 0, -1)) do
  local schedule = call('HMGET', ROOT .. 'schedule:' .. id, 'nx', 'pa', 'wf')
  local at = tonumber(schedule[1])
  if at and not schedule[2] then
    if at <= now then busy[#busy + 1] = { 'schedule', id, schedule[3], '' }
    else tick = math.min(tick or at, at) end
  end
end
local due = call('ZRANGEBYSCORE', ROOT .. 'due', '(' .. now, '+inf', 'WITHSCORES', 'LIMIT', 0, 1)
return { now, #workers, due[2] or '', tick and string.format('%.0f', tick) or '', unpack(busy, 1, math.min(#busy, 1000)) }
`;
