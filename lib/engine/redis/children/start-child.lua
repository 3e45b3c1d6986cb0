-- start_child: creates a child of a run in one step of it.
-- Guarantee: one child per parent and step: the step's record and the child are written together. A child that had ended before is
-- delivered at once. A canceled run starts none, and none waits for a child that could only go on after it.
-- ARGS
--   id               parent
--   fence
--   step
--   asked            '@' and how many outcomes the handler had when it asked for the step, '' where that says nothing
--   kind             c waits for its end, m does not
--   order            place in the order of completion of a step of kind m
--   timeout          ms to wait, '' for ever
--   child            id of the child
--   workflow
--   queue
--   priority
--   attempts
--   version          as create_run takes it, '' for a child
--   tags
--   at
--   delay
--   idempotency
--   ttl
--   input
--   admission
--   headers
--   judged
-- RETURNS { OK | DONE | LOST | CONFLICT, now, child id, epoch ms of the timeout or 0 } | { LIMITED, now, child id, ms to wait }
--   | { CANCELED, now, reason or '', 0 } | { KEY | MUTEX, now, run that could not go on either, 0 }
local state, run = guard(id, fence)
if state ~= 'RUNNING' then return { state, now, '', 0 } end
local data = data_key(id)
local moment = timeout == '' and 0 or now + finite(timeout)
local known = call('HMGET', data, 's:' .. step, 'c:' .. step)
if known[1] and not is_reopened(known[1]) then
  return { 'OK', now, known[2], tonumber(string.match(known[1], '^%a,%a,%d+,%d+,[%d@]+,%d+,(%d+);')) }
end
if run.cancelRequestedAt or call('HEXISTS', run_key(id), RUN.unwinding) == 1 then return { 'CANCELED', now, call('HGET', data, 'cx') or '', 0 } end
local run_of_child = {
  id = child, nonce = '', workflow = workflow, queue = queue, priority = priority, attempts = attempts, version = version,
  tags = tags, at = at, delay = delay, idempotency = idempotency, ttl = ttl, input = input, admission = admission,
  headers = headers, judged = judged, extra = child_fields(id, step),
}
if kind == STEP_KIND.child and timeout == '' and (idempotency ~= '' or admission ~= '') then
  local circle, other = find_circle(id, run_of_child)
  if circle then return { circle, now, other, 0 } end
end
local created = create(run_of_child)
if created[1] == 'CONFLICT' then return { 'CONFLICT', now, child, 0 } end
if created[1] == 'LIMITED' then return { 'LIMITED', now, child, tonumber(created[3]) } end
local started = created[2]
call('HSET', data, 'c:' .. step, started)
if kind == STEP_KIND.emittedChild then
  register_child(id, created)
  call('HSET', data, 's:' .. step, 'm,s,' .. order .. ',1,0' .. asked .. ',' .. now_text .. ',' .. now_text .. ';' .. cjson.encode(started))
  return { 'OK', now, started, 0 }
end
call('HSET', data, 's:' .. step, 'c,w,0,1,0' .. asked .. ',' .. now_text .. ',' .. string.format('%.0f', moment) .. ';')
await_child(id, step, '', created)
return { 'OK', now, started, moment }
