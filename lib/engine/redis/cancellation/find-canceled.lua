-- find_canceled: which of some runs in execution are to be canceled.
-- ARGS
--   ...ids
-- RETURNS { id, reason or '' }…
local found = {}
for i = ids_first, ids_last do
  local run = call('HMGET', run_key(ARGV[i]), RUN.cancelRequestedAt, RUN.unwinding)
  if run.cancelRequestedAt and not run.unwinding then
    found[#found + 1] = { ARGV[i], data_field(ARGV[i], 'cx') or '' }
  end
end
return found
