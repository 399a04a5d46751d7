-- Sends the requests of a file in random order. NUL separates them. 16 # in a
-- row are replaced by a number that is new in each request.
-- Arguments: the file, and the number of this run.

local heads, tails, count, run, sent = {}, {}, 0, 0, 0

function init(args)
  local file = assert(io.open(args[1], 'rb'))
  local text = file:read('*a')
  file:close()
  run = tonumber(args[2])
  math.randomseed(run)
  for request in text:gmatch('%Z+') do
    count = count + 1
    local from, to = request:find('################', 1, true)
    heads[count] = from and request:sub(1, from - 1) or request
    tails[count] = from and request:sub(to + 1)
  end
end

function request()
  local i = math.random(count)
  if not tails[i] then return heads[i] end
  sent = sent + 1
  return string.format('%s%06d%010d%s', heads[i], run, sent, tails[i])
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    'RESULT {"requests":%d,"microseconds":%d,"bytes":%d,"p50":%d,"p90":%d,'
      .. '"p99":%d,"max":%d,"refused":%d,"failed":%d}\n',
    summary.requests, summary.duration, summary.bytes, latency:percentile(50),
    latency:percentile(90), latency:percentile(99), latency.max, errors.status,
    errors.connect + errors.read + errors.write + errors.timeout))
end
