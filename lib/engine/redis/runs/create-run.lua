-- create_run: stores a new run and queues it, now or later.
-- Guarantee: one run per id and per idempotency key; a repeat of the same call answers CREATED again and writes nothing.
-- ARGS
--   id               run id, made by the caller
--   nonce            '' when the id was generated for this call, else a value of this call alone
--   workflow
--   queue
--   priority         0..9
--   attempts         maxAttempts, '' to leave it to the worker's definition
--   version          the one it is pinned to, '' for the current one of its first claim
--   tags             JSON object, '' for none
--   at               epoch ms of the start, '' to use delay
--   delay            ms from now, 0 for at once
--   idempotency      key, '' for none
--   ttl              ms the idempotency key is kept
--   input            encoded payload, '' for undefined
--   admission        what it is subject to, '' for nothing, ? if the caller does not know: see limits/admission.lua
--   headers          encoded: what travels with the run to its passes, '' for none
--   judged           version whose schema the input has passed, '' for none
-- RETURNS { CREATED, id } | { EXISTS, id } | { CONFLICT, id, workflow of the existing run } | { LIMITED, id, ms to wait }: over its rate limit,
--   nothing is written | { COALESCED, id of the debounced run that has taken the input }
return create({
  id = id, nonce = nonce, workflow = workflow, queue = queue, priority = priority, attempts = attempts, version = version,
  tags = tags, at = at, delay = delay, idempotency = idempotency, ttl = ttl, input = input, admission = admission,
  headers = headers, judged = judged,
})
