-- Runs with a tag, by creation stamp. Names and values are any text.
local function tag_key(name, value) return ROOT .. 'tagged:' .. #name .. ':' .. name .. value end

-- A key of a workflow and a text of the user, whatever is in them.
local function scoped(kind, workflow, key) return ROOT .. kind .. ':' .. #workflow .. ':' .. workflow .. ':' .. key end

-- What create() answers for a run that exists or that another one stands for, nil if it is to be made; and the key of its claim to an
-- idempotency key, if it has one.
local function find_instead(run, limits)
  local id, workflow = run.id, run.workflow
  local known = call('HMGET', run_key(id), RUN.workflow, RUN.createNonce)
  if known.workflow then
    if known.workflow ~= workflow then return { 'CONFLICT', id, known.workflow } end
    if run.nonce == '' or known.createNonce == run.nonce then return { 'CREATED', id } end
    return { 'EXISTS', id }
  end
  local merged = limits and limits.d and merged_into(id)
  if merged then return { 'COALESCED', merged } end
  local claim_key
  if run.idempotency ~= '' then
    claim_key = scoped('idem', workflow, run.idempotency)
    local existing = call('GET', claim_key)
    if existing then return { 'EXISTS', existing } end
  end
  local answer = limits and turn_away(run, limits)
  if answer and claim_key and answer[1] == 'COALESCED' then call('SET', claim_key, answer[2], 'PX', run.ttl) end
  return answer, claim_key
end

-- Before anything is written that belongs to the run.
local function check_numbers(run)
  finite(run.delay)
  finite(run.priority)
  if run.at ~= '' then finite(run.at) end
  if run.idempotency ~= '' then finite(run.ttl) end
end

-- Bytes that a run is created with, nil for few: the claim is to know before it reads them.
local function large_payload(run)
  local size = #run.input + #(run.headers or '')
  return size > 65536 and size or nil
end

-- Stores a new run and queues it, now or later. `run` has the arguments of create_run as fields, `admission` and `headers` may be absent, and in `extra`
-- further fields of the hash. Answers what create_run answers.
local function create(run)
  local id, workflow = run.id, run.workflow
  local unknown = run.admission == '?'
  local limits = not unknown and run.admission and run.admission ~= '' and read_limits(run.admission)
  check_numbers(run)
  local instead, claim_key = find_instead(run, limits)
  if instead then return instead end

  local start = now + tonumber(run.delay)
  if run.at ~= '' then start = tonumber(run.at) end
  if limits and limits.d then start = now + limits.d[1] end
  local later = start > now
  if not later then start = now end
  local status, stamp = later and STATUS.scheduled or STATUS.queued, string.format('%.0f', next_counter('created'))
  local fields = { RUN.workflow, workflow, RUN.queue, run.queue, RUN.status, status, RUN.stamp, stamp, RUN.availableAt, start }
  local function keep(field, value)
    fields[#fields + 1] = field
    fields[#fields + 1] = value
  end
  if run.attempts ~= '' then keep(RUN.maxAttempts, run.attempts) end
  if run.priority ~= '0' then keep(RUN.priority, run.priority) end
  if run.nonce ~= '' then keep(RUN.createNonce, run.nonce) end
  if (run.version or '') ~= '' then
    keep(RUN.version, run.version)
    count_open(workflow, 'v' .. run.version, 1)
  end
  if (run.judged or '') ~= '' then keep(RUN.judgedByVersion, run.judged) end
  if run.tags ~= '' then
    keep(RUN.tags, run.tags)
    for name, value in pairs(cjson.decode(run.tags)) do
      call('ZADD', tag_key(name, value), stamp, id)
      call('ZADD', ROOT .. 'search:tags', 0, value .. '\0' .. id)
    end
  end
  if claim_key then
    keep(RUN.idempotencyKey, run.idempotency)
    call('SET', claim_key, id, 'PX', run.ttl)
    call('ZADD', ROOT .. 'search:keys', 0, run.idempotency .. '\0' .. id)
  end
  local large = large_payload(run)
  if large then keep(RUN.largeBytes, large) end
  for i = 1, #(run.extra or {}), 2 do keep(run.extra[i], run.extra[i + 1]) end
  if unknown then keep(RUN.unadmitted, 1) end
  if limits then subject(id, workflow, limits, keep) end
  call('HSET', run_key(id), unpack(fields))
  if run.input ~= '' then call('HSET', data_key(id), 'i', run.input) end
  if run.headers and run.headers ~= '' then call('HSET', data_key(id), 'x', run.headers) end
  call('SADD', ROOT .. 'places', place_of_lists(workflow, run.queue))
  move(id, workflow, run.queue, stamp, nil, status)
  new_ids[#new_ids + 1] = 0
  new_ids[#new_ids + 1] = id
  if later then
    set_due(id, run.queue, start)
  else
    enqueue(id, run.queue, tonumber(run.priority), 0)
    wake(run.queue, id, living_set == '+' and { wf = workflow, ve = run.version ~= '' and run.version })
  end
  return { 'CREATED', id }
end
