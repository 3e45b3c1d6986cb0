-- read_fields: some of the payloads of a run that is not packed, as they are stored, and no more than one answer should hold.
-- ARGS
--   id
--   most             bytes
--   ...names         fields of its data, a bounded number
-- RETURNS for as many of the names as there is room, in their order: the value, nothing for a field that is gone, or its length if it
--   is longer than the whole answer may be
local data, answer, room = data_key(id), {}, tonumber(most)
for i = names_first, names_last do
  local size = call('HSTRLEN', data, ARGV[i])
  if size > tonumber(most) then
    answer[#answer + 1] = size
  else
    room = room - size
    if room < 0 then break end
    answer[#answer + 1] = call('HGET', data, ARGV[i])
  end
end
return answer
