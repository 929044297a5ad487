"""Runs wrk, which loads a server from another core than its own."""

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CONNECTIONS = 16
SCRIPT = """
local body, refs, n = io.open(os.getenv("BODY"), "rb"):read("*a"), {}, tonumber(os.getenv("FIRST"))
if os.getenv("REFS") then for line in io.lines(os.getenv("REFS")) do refs[#refs + 1] = line end end
wrk.method = "POST"
wrk.headers["content-type"] = "application/json"
if os.getenv("NO_CACHE") then wrk.headers["cache-control"] = "no-cache" end
if body:find("@REF@", 1, true) then
  request = function() n = n + 1; return wrk.format(nil, nil, nil, (body:gsub("@REF@", refs[n % #refs + 1]))) end
elseif body:find("@N@", 1, true) then
  request = function() n = n + 1; return wrk.format(nil, nil, nil, (body:gsub("@N@", tostring(n)))) end
else
  wrk.body = body
end
function done(summary, latency)
  local failed = summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.timeout
  io.write(string.format("RESULT %f %f %f %d\\n", summary.requests / summary.duration * 1e6,
    latency:percentile(50) / 1000, latency:percentile(99) / 1000, failed))
end
"""


@dataclass(frozen=True)
class Load:
    """What a server did under load."""

    rate: float
    """Responses per second."""
    median: float
    """Milliseconds."""
    slowest: float
    """Milliseconds within which 99 % of the responses came."""


class Wrk:
    """Loads servers with the queries of a benchmark."""

    def __init__(self, folder: Path, refs: list[str], seconds: float) -> None:
        if not shutil.which("wrk"):
            raise SystemExit("This benchmark needs wrk: apt-get install wrk.")
        self.folder, self.seconds = folder, seconds
        (folder / "refs").write_text("".join(json.dumps(ref)[1:-1] + "\n" for ref in refs))
        (folder / "load.lua").write_text(SCRIPT)
        self.sent = 0

    def load(self, url: str, request: dict[str, Any], *, no_cache: bool = False) -> Load:
        body = self.folder / "body"
        body.write_text(json.dumps(request))
        self.sent += 10_000_000
        environment = {**os.environ, "BODY": str(body), "REFS": str(self.folder / "refs"), "FIRST": str(self.sent)}
        if no_cache:
            environment["NO_CACHE"] = "1"
        command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{self.seconds:g}s", "--timeout", "10s", "-s"]
        output = subprocess.run(
            [*pinned(1), *command, str(self.folder / "load.lua"), url],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        found = re.search(r"RESULT (\S+) (\S+) (\S+) (\d+)", output)
        assert found, output
        if int(found[4]):
            sys.stderr.write(f"{found[4]} requests failed: {request}\n")
        return Load(float(found[1]), float(found[2]), float(found[3]))


def pinned(core: int) -> list[str]:
    """What makes a command run on one core, where there is another for the server."""
    several = hasattr(os, "sched_getaffinity") and len(os.sched_getaffinity(0)) > 1
    return ["taskset", "-c", str(core)] if several and shutil.which("taskset") else []
