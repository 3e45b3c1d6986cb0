-- create_run: stores a new run and queues it, now or later.
-- Guarantee: one run per id and per idempotency key; a repeat of the same call answers CREATED again and writes nothing.
-- ARGS
--   id               run id, made by the caller
--   nonce            '' when the id was generated for this call, else a value of this call alone
--   workflow
--   queue
--   priority         0..9
--   attempts         maxAttempts, '' to leave it to the worker's definition
--   version          '' for none
--   tags             JSON object, '' for none
--   at               epoch ms of the start, '' to use delay
--   delay            ms from now, 0 for at once
--   idempotency      key, '' for none
--   ttl              ms the idempotency key is kept
--   input            encoded payload, '' for undefined
-- RETURNS { CREATED, id } | { EXISTS, id } | { CONFLICT, id, workflow of the existing run }
local key = run_key(id)
local known = call('HMGET', key, 'wf', 'no')
if known[1] then
  if known[1] ~= workflow then return { 'CONFLICT', id, known[1] } end
  if nonce == '' or known[2] == nonce then return { 'CREATED', id } end
  return { 'EXISTS', id }
end
local claim_key
if idempotency ~= '' then
  claim_key = ROOT .. 'idem:' .. #workflow .. ':' .. workflow .. ':' .. idempotency
  local existing = call('GET', claim_key)
  if existing then return { 'EXISTS', existing } end
end

local start = now + tonumber(delay)
if at ~= '' then start = tonumber(at) end
local later = start > now
if not later then start = now end
local fields = { 'wf', workflow, 'q', queue, 'st', later and 'd' or 'q', 'c', now, 'av', start }
local function keep(field, value)
  fields[#fields + 1] = field
  fields[#fields + 1] = value
end
if attempts ~= '' then keep('ma', attempts) end
if priority ~= '0' then keep('pr', priority) end
if nonce ~= '' then keep('no', nonce) end
if version ~= '' then keep('ve', version) end
if tags ~= '' then keep('tg', tags) end
if claim_key then
  keep('ik', idempotency)
  call('SET', claim_key, id, 'PX', ttl)
end
call('HSET', key, unpack(fields))
if input ~= '' then call('HSET', data_key(id), 'i', input) end
call('ZADD', ROOT .. 'runs', next_counter('created'), id)
if later then
  set_due(id, queue, start)
else
  enqueue(id, queue, tonumber(priority), 0)
  wake(queue)
end
return { 'CREATED', id }
