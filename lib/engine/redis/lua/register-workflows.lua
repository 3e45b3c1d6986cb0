-- register_workflows: makes workflows known by name to every client of the namespace.
-- ARGS
--   ...entries       name, JSON metadata without updatedAt, …
-- RETURNS OK
for i = entries_first, entries_last, 2 do
  local meta = cjson.decode(ARGV[i + 1])
  meta.updatedAt = now
  call('HSET', ROOT .. 'workflows', ARGV[i], cjson.encode(meta))
end
return 'OK'
