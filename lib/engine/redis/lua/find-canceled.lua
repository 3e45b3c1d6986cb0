-- find_canceled: which of some runs in execution are to be canceled.
-- ARGS
--   ...ids
-- RETURNS { id, reason or '' }…
local found = {}
for i = ids_first, ids_last do
  if call('HEXISTS', run_key(ARGV[i]), 'cr') == 1 then
    found[#found + 1] = { ARGV[i], call('HGET', data_key(ARGV[i]), 'cx') or '' }
  end
end
return found
