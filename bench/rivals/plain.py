"""What one would write first with aiohttp: a new interpreter for each run, and no walls.

python plain.py PORT
"""

import asyncio
import sys

from aiohttp import web

MAX_OUTPUT_SIZE = 10_000
MARKER = "\n... (output truncated)"


async def run(request: web.Request) -> web.Response:
    """Execute the code; as many runs at a time as there are clients."""
    body = await request.json()
    timeout = body.get("timeout", 5)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", body["code"]),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        stdout, stderr = await asyncio.wait_for(process.communicate(), timeout)
    except TimeoutError:
        process.kill()
        await process.wait()
        text = f"Execution timed out after {timeout} seconds"
        return answer("", text, -1, timed_out=True)
    return answer(cut(stdout), cut(stderr), process.returncode)


def answer(
    stdout: str, stderr: str, exit_code: int | None, *, timed_out: bool = False
) -> web.Response:
    """The same fields as the reference's."""
    return web.json_response(
        {"stdout": stdout, "stderr": stderr, "exit_code": exit_code, "timed_out": timed_out}
    )


def cut(output: bytes) -> str:
    """At most so many characters, and a note that there were more."""
    text = output.decode(errors="replace")
    return text if len(text) <= MAX_OUTPUT_SIZE else text[:MAX_OUTPUT_SIZE] + MARKER


if __name__ == "__main__":
    app = web.Application()
    app.router.add_post("/run", run)
    web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), access_log=None)
