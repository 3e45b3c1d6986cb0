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

-- Whether a living worker serves a run in its queue: see routes.lua.
local function is_served(id, queue)
  local run = call('HMGET', ROOT .. 'run:' .. id, 'wf', 've', 'f', 'hk', 'nb', 'on')
  if not run[1] then return false end
  local has_begun = run[4] or run[3] and not run[5]
  local version = run[2] or not has_begun and call('HGET', ROOT .. 'controls', 'v' .. run[1])
  for _, set in ipairs(call('SINTER', ROOT .. 'servers:' .. run[1] .. (version and '\\0' .. version or ''), ROOT .. 'serving:' .. queue)) do
    if not run[6] or string.byte(run[6]) == 1 or cjson.decode(call('HGET', ROOT .. 'sets', set)).deployment == run[6] then return true end
  end
  return false
end
local workers = call('ZRANGE', ROOT .. 'workers', 0, -1)
for _, worker in ipairs(workers) do
  for _, id in ipairs(call('SMEMBERS', ROOT .. 'owned:' .. worker)) do add('running', id) end
end
for _, queue in ipairs(call('SMEMBERS', ROOT .. 'queues')) do
  local paused = call('HEXISTS', ROOT .. 'controls', 'p' .. queue) == 1
  local sources = { ROOT .. 'queue:' .. queue, ROOT .. 'suspects:' .. queue }
  for _, lane in ipairs(call('ZRANGE', ROOT .. 'lanes:' .. queue, 0, -1)) do
    local route = string.sub(lane, 2)
    sources[#sources + 1] = ROOT .. 'lane:' .. string.sub(lane, 1, 1) .. #route .. ':' .. route .. queue
  end
  for _, source in ipairs(sources) do
    for _, id in ipairs(call('ZRANGE', source, 0, MOST - 1)) do
      add(paused and 'paused' or is_served(id, queue) and 'queued' or 'unserved', id, queue)
    end
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
