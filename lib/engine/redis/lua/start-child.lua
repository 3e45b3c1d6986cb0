-- start_child: creates a child of a run in one step of it.
-- Guarantee: one child per parent and step: the step's record and the child are written together. A child that had ended before is
-- delivered at once.
-- ARGS
--   id               parent
--   fence
--   step
--   kind             c waits for its end, m does not
--   order            place in the order of completion of a step of kind m
--   timeout          ms to wait, '' for ever
--   child            id of the child
--   workflow
--   queue
--   priority
--   attempts
--   version
--   tags
--   at
--   delay
--   idempotency
--   ttl
--   input
-- RETURNS { OK | DONE | LOST | CONFLICT, now, child id, epoch ms of the timeout or 0 }
local state = guard(id, fence)
if state ~= 'RUNNING' then return { state, now, '', 0 } end
local data = data_key(id)
local known = call('HMGET', data, 's:' .. step, 'c:' .. step)
if known[1] then
  return { 'OK', now, known[2], tonumber(string.match(known[1], '^%a,%a,%d+,%d+,%d+,%d+,(%d+);')) }
end
local created = create({
  id = child, nonce = '', workflow = workflow, queue = queue, priority = priority, attempts = attempts, version = version,
  tags = tags, at = at, delay = delay, idempotency = idempotency, ttl = ttl, input = input,
  extra = { 'tr', 'child', 'pa', id, 'ps', step, 'ro', call('HGET', run_key(id), 'ro') or id },
})
if created[1] == 'CONFLICT' then return { 'CONFLICT', now, child, 0 } end
local started = created[2]
call('HSET', data, 'c:' .. step, started)
if created[1] == 'CREATED' then call('SADD', ROOT .. 'children:' .. id, started) end
if kind == 'm' then
  call('HSET', data, 's:' .. step, 'm,s,' .. order .. ',1,0,' .. now_text .. ',' .. now_text .. ';' .. cjson.encode(started))
  return { 'OK', now, started, 0 }
end
local moment = 0
if timeout ~= '' then moment = now + tonumber(timeout) end
call('HSET', data, 's:' .. step, 'c,w,0,1,0,' .. now_text .. ',' .. string.format('%.0f', moment) .. ';')
local status = call('HGET', run_key(started), 'st')
if status == 's' then
  deliver(id, step, 'd', call('HGET', data_key(started), 'o') or '')
elseif status == 'f' or status == 'c' then
  deliver(id, step, 'k', call('HGET', data_key(started), 'e') or '')
elseif not status then
  -- An idempotency key outlives its run.
  local message = 'Run "' .. started .. '", which the idempotency key names, was deleted by retention. Use another key.'
  deliver(id, step, 'k', '{"name":"RunNotFoundError","code":"RUN_NOT_FOUND","message":' .. cjson.encode(message)
    .. ',"runId":' .. cjson.encode(started) .. '}')
else
  call('SADD', ROOT .. 'parents:' .. started, #id .. ':' .. id .. step)
  call('HSET', run_key(started), 'nw', 1)
end
return { 'OK', now, started, moment }
