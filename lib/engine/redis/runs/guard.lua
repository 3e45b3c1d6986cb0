-- The last commit of a run and its finish come together: what they check is read once. All other operations forget it.
local guarded = {}
local GUARDED = { RUN.status, RUN.fence, RUN.workerId, RUN.failures, RUN.awaited, RUN.claimedAt, RUN.recoveryStreak, RUN.listened,
  RUN.cancelRequestedAt, RUN.workflow, RUN.queue, RUN.stamp, RUN.held, RUN.version, RUN.patched }

-- The fence check of every write. RUNNING: the caller owns the run. DONE: the caller's own write has already ended this
-- pass (a repeat after a lost answer). LOST: somebody else has it.
-- The run is a list of those fields; what few scripts need besides is added by read_fate().
local function guard(id, fence)
  local run = guarded[id]
  if not run then
    run = call('HMGET', run_key(id), unpack(GUARDED))
    guarded[id] = run
  end
  if not run.status or run.fence ~= fence then return 'LOST', run end
  if run.status ~= STATUS.running then return 'DONE', run end
  return 'RUNNING', run
end

-- Adds to what guard() answers whether the run unwinds, and to which outcome, whether it could, and whether its cancellation forbids it.
local function read_fate(id, run)
  local fate = call('HMGET', run_key(id), RUN.unwinding, RUN.compensable, RUN.uncompensated)
  run.unwinding, run.compensable, run.uncompensated = fate.unwinding, fate.compensable, fate.uncompensated
end

-- Whether a run in execution is to be canceled, which whoever ends its pass sees to.
local function is_canceled(id, run)
  if not run.cancelRequestedAt then return false end
  read_fate(id, run)
  return not run.unwinding
end

-- Failures before the attempt that a pass belongs to. A run that unwinds after a failure has counted it already.
local function failures_before(run)
  local failures = tonumber(run.failures or 0)
  return run.unwinding == STATUS.failed and failures - 1 or failures
end

-- Appends one line of the pass history: attempt,outcome,startedAt,endedAt,worker;error. A pass ends now, unless told otherwise.
local function record_pass(id, failures, outcome, since, worker, failure, till)
  local attempt = tonumber(failures or 0) + 1
  local line = attempt .. ',' .. outcome .. ',' .. since .. ',' .. (till or now_text) .. ',' .. worker .. ';' .. (failure or '')
  call('RPUSH', ROOT .. 'passes:' .. id, line)
end

-- What finishing does to the same few keys for many runs is done at the end of the script in one command each.
local ended, released = {}, {}
local function flush_bookkeeping()
  flush_moves()
  in_chunks(ended, function(...) call('RPUSH', ROOT .. 'ended', ...) end)
  for worker, ids in pairs(released) do
    in_chunks(ids, function(...) call('SREM', ROOT .. 'owned:' .. worker, ...) end)
  end
end
-- For runs that end. One that is queued again may be claimed in this very script: it is removed at once.
local function disown(worker, id)
  local ids = released[worker]
  if not ids then
    ids = {}
    released[worker] = ids
  end
  ids[#ids + 1] = id
end
