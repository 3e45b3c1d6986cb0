-- list_unserved: known workflows that no living worker serves.
-- ARGS
--   limit
-- RETURNS { workflow, queue }…
return registry.unserved(tonumber(limit))
