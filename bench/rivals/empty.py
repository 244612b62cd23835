"""A handler that runs nothing: what HTTP and JSON cost by themselves.

python empty.py PORT
"""

import sys

from aiohttp import web


async def run(request: web.Request) -> web.Response:
    """Take a run and answer as if it had printed `hello`."""
    await request.json()
    return web.json_response(
        {"stdout": "hello\n", "stderr": "", "exit_code": 0, "timed_out": False}
    )


if __name__ == "__main__":
    app = web.Application()
    app.router.add_post("/run", run)
    web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), access_log=None)
