-- Runs with a tag, by creation stamp. Names and values are any text.
local function tag_key(name, value) return ROOT .. 'tagged:' .. #name .. ':' .. name .. value end

-- Stores a new run and queues it, now or later. `run` has the arguments of create_run as fields, and in `extra` further fields of the
-- hash. Answers what create_run answers.
local function create(run)
  local id, workflow = run.id, run.workflow
  local key = run_key(id)
  local known = call('HMGET', key, 'wf', 'no')
  if known[1] then
    if known[1] ~= workflow then return { 'CONFLICT', id, known[1] } end
    if run.nonce == '' or known[2] == run.nonce then return { 'CREATED', id } end
    return { 'EXISTS', id }
  end
  local claim_key
  if run.idempotency ~= '' then
    claim_key = ROOT .. 'idem:' .. #workflow .. ':' .. workflow .. ':' .. run.idempotency
    local existing = call('GET', claim_key)
    if existing then return { 'EXISTS', existing } end
  end

  local start = now + tonumber(run.delay)
  if run.at ~= '' then start = tonumber(run.at) end
  local later = start > now
  if not later then start = now end
  local status, stamp = later and 'd' or 'q', string.format('%.0f', next_counter('created'))
  local fields = { 'wf', workflow, 'q', run.queue, 'st', status, 'cs', stamp, 'av', start }
  local function keep(field, value)
    fields[#fields + 1] = field
    fields[#fields + 1] = value
  end
  if run.attempts ~= '' then keep('ma', run.attempts) end
  if run.priority ~= '0' then keep('pr', run.priority) end
  if run.nonce ~= '' then keep('no', run.nonce) end
  if run.version ~= '' then keep('ve', run.version) end
  if run.tags ~= '' then
    keep('tg', run.tags)
    for name, value in pairs(cjson.decode(run.tags)) do call('ZADD', tag_key(name, value), stamp, id) end
  end
  if claim_key then
    keep('ik', run.idempotency)
    call('SET', claim_key, id, 'PX', run.ttl)
  end
  for i = 1, #(run.extra or {}), 2 do keep(run.extra[i], run.extra[i + 1]) end
  call('HSET', key, unpack(fields))
  if run.input ~= '' then call('HSET', data_key(id), 'i', run.input) end
  call('SADD', ROOT .. 'places', place_of_lists(workflow, run.queue))
  move(id, workflow, run.queue, stamp, nil, status)
  if later then
    set_due(id, run.queue, start)
  else
    enqueue(id, run.queue, tonumber(run.priority), 0)
    wake(run.queue)
  end
  return { 'CREATED', id }
end
