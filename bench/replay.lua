-- Lets wrk send the requests of a file, each once, in their order: wrk … --script replay.lua URL -- FILE
local ffi = require("ffi")
ffi.cdef("int getpid(void); int kill(int pid, int signal); int usleep(unsigned int microseconds);")

local SIGINT = 2
local FEW, A_MOMENT = 200, 100000
local requests, sent, answered = {}, -1, 0 -- wrk asks for one request more, to see whether it is one
local threads = {}
errors = 0

function setup(thread)
   threads[#threads + 1] = thread
end

function init(args)
   local file = assert(io.open(args[1], "rb"))
   for length in function() return file:read("*l") end do
      requests[#requests + 1] = file:read(tonumber(length))
   end
   file:close()
end

-- wrk would ask for further requests until the last answer has come.
function delay()
   return sent < #requests and 0 or 60000
end

function request()
   sent = sent + 1
   return requests[math.max(sent, 1)]
end

function response(status)
   answered = answered + 1
   if status < 200 or status > 299 then
      errors = errors + 1
   end
   if answered == #requests then
      wrk.thread:stop()
      if #requests < FEW then
         ffi.C.usleep(A_MOMENT) -- A signal is lost that comes before wrk's main thread has begun to wait.
      end
      ffi.C.kill(ffi.C.getpid(), SIGINT) -- Without it wrk waits until its time is up.
   end
end

function done(summary, latency)
   local lost = summary.errors
   local failed = threads[1]:get("errors") + lost.connect + lost.read + lost.write + lost.timeout
   print(string.format('{"answers": %d, "errors": %d, "seconds": %f, "p50": %f, "p99": %f}', summary.requests, failed,
      summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3))
end
