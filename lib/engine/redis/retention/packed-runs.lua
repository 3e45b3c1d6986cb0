-- A run that has ended is packed: its payloads and passes move into its own hash, in the fields 1, 2, … that are short enough for Redis to
-- keep the hash compact; `z` says how many. Nothing else writes these fields, and all that reads payloads of ended runs is here.
local MOST_PACKED, PIECE = 4096, 60 -- bytes

-- The two times in the records of steps take less as differences: to the end of the run, and to each other.
local function convert_times(flat, convert)
  for i = 2, #flat, 2 do
    if string.sub(flat[i - 1], 1, 2) == 's:' then
      flat[i] = string.gsub(flat[i], '^(%a,%a,%d+,%d+,%d+[^;]-),(-?%d+),(-?%d+);', function(head, since, moment)
        return string.format('%s,%.0f,%.0f;', head, convert(since, moment))
      end)
    end
  end
end

-- { flat payload fields, passes } of a packed run, else nothing.
local function unpacked(id)
  local known = call('HMGET', run_key(id), RUN.pieces, RUN.finishedAt)
  if not known.pieces then return nil end
  local names = {}
  for i = 1, tonumber(known.pieces) do names[i] = i end
  local packed = cmsgpack.unpack(table.concat(call('HMGET', run_key(id), unpack(names))))
  convert_times(packed[1], function(before, later) return known.finishedAt - before, known.finishedAt - before + later end)
  return packed
end

local function pack(id)
  local run, data, passes = run_key(id), data_key(id), ROOT .. 'passes:' .. id
  local known = call('HMGET', run, RUN.finishedAt, RUN.pieces, RUN.hookStatus)
  -- A failure hook is yet to write its error there. The run is met again when that has ended.
  if not known.finishedAt or known.pieces or known.hookStatus == 'p' then return end
  local size = (call('MEMORY', 'USAGE', data, 'SAMPLES', 64) or 0) + (call('MEMORY', 'USAGE', passes) or 0)
  -- What is large gains little, and would cost a call too much.
  if size == 0 or size > MOST_PACKED * 2 then return end
  local flat = call('HGETALL', data)
  convert_times(flat, function(since, moment) return known.finishedAt - since, moment - since end)
  local text = cmsgpack.pack({ flat, call('LRANGE', passes, 0, -1) })
  if #text > MOST_PACKED then return end
  -- In a hash that is not compact every field costs much: one will do.
  local piece = call('OBJECT', 'ENCODING', run) == 'hashtable' and #text or PIECE
  local pieces = math.ceil(#text / piece)
  local fields = { RUN.pieces, pieces }
  for i = 1, pieces do
    fields[#fields + 1] = i
    fields[#fields + 1] = string.sub(text, (i - 1) * piece + 1, i * piece)
  end
  call('HSET', run, unpack(fields))
  call('UNLINK', data, passes)
end

-- Undoes it, for a run that is to go on.
local function expand(id)
  local packed = unpacked(id)
  if not packed then return end
  local names = { RUN.pieces }
  for i = 1, tonumber(call('HGET', run_key(id), RUN.pieces)) do names[#names + 1] = i end
  call('HDEL', run_key(id), unpack(names))
  if packed[1][1] then call('HSET', data_key(id), unpack(packed[1])) end
  if packed[2][1] then call('RPUSH', ROOT .. 'passes:' .. id, unpack(packed[2])) end
end

-- Payload fields of a run, false for those it does not have.
local function data_fields(id, ...)
  local packed = unpacked(id)
  if not packed then return call('HMGET', data_key(id), ...) end
  local values, found = {}, {}
  for i = 1, #packed[1], 2 do values[packed[1][i]] = packed[1][i + 1] end
  for i, field in ipairs({ ... }) do found[i] = values[field] or false end
  return found
end
local function data_field(id, field) return data_fields(id, field)[1] end

local function passes_of(id)
  local packed = unpacked(id)
  return packed and packed[2] or call('LRANGE', ROOT .. 'passes:' .. id, 0, -1)
end

-- What a run's record shows of its hash, flat. Nobody alive serves a queued run that waits at no gate: `bl` is w then.
local function metadata_of(id)
  local all, flat, fields = call('HGETALL', run_key(id)), {}, {}
  for i = 1, #all, 2 do
    if not tonumber(all[i]) then
      flat[#flat + 1] = all[i]
      flat[#flat + 1] = all[i + 1]
      fields[all[i]] = all[i + 1]
    end
  end
  -- One that was offered to a deployment may wait at a gate.
  if fields.ba and fields.bl ~= 'k' then
    flat[#flat + 1] = 'bl'
    flat[#flat + 1] = 'k'
  elseif fields.st == STATUS.queued and not fields.bl and not routes.is_served(fields.q, routes.of(fields)) then
    flat[#flat + 1] = 'bl'
    flat[#flat + 1] = 'w'
  end
  return flat
end

-- What it shows of its data: input, output, error, cancel reason, errors of compensations and of the failure hook, answers of patched(), why
-- it is blocked, and the steps that its last pass did not ask for.
local function payloads_of(id) return data_fields(id, 'i', 'o', 'e', 'cx', 'ce', 'fe', 'pa', 'bk', 'ua') end
