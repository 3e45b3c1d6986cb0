-- read_attempts: the passes of a run, and what the one that is not written down can be told from.
-- ARGS
--   id
-- RETURNS { lines, { st, n, w, sa, ca, fa, co }, { error of a failed run } }
local run = call('HMGET', run_key(id), RUN.status, RUN.failures, RUN.workerId, RUN.startedAt, RUN.claimedAt, RUN.finishedAt, RUN.unwinding)
return { passes_of(id), run, { run.status == STATUS.failed and data_field(id, 'e') } }
