"""The service that the reference describes: FastAPI, and a subprocess that blocks the event loop.

python reference.py PORT
"""

import logging
import subprocess
import sys
import tempfile
from pathlib import Path

import uvicorn
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel

MAX_TIMEOUT = 10
MAX_OUTPUT_SIZE = 10_000
MARKER = "\n... (output truncated)"

logging.basicConfig(level=logging.INFO)
logger = logging.getLogger("reference")
app = FastAPI()


class RunRequest(BaseModel):
    """What a client sends."""

    code: str
    timeout: int | None = 5


class RunResponse(BaseModel):
    """What it is answered."""

    stdout: str
    stderr: str
    exit_code: int
    timed_out: bool = False


@app.post("/run", response_model=RunResponse)
async def run(request: RunRequest) -> RunResponse:
    """Execute the code; every other client waits meanwhile."""
    if not request.code.strip():
        raise HTTPException(400, "Code cannot be empty")
    return execute(request.code, min(request.timeout or 1, MAX_TIMEOUT))


def execute(code: str, timeout: int) -> RunResponse:
    """Run the code from a file and wait for its end."""
    logger.info("run with a timeout of %d s", timeout)
    with tempfile.NamedTemporaryFile("w", suffix=".py", delete=False) as file:
        file.write(code)
    try:
        done = subprocess.run(
            [sys.executable, file.name],
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired:
        logger.warning("timed out after %d s", timeout)
        text = f"Execution timed out after {timeout} seconds"
        return RunResponse(stdout="", stderr=text, exit_code=-1, timed_out=True)
    finally:
        Path(file.name).unlink()
    logger.info("ended with %d", done.returncode)
    return RunResponse(stdout=cut(done.stdout), stderr=cut(done.stderr), exit_code=done.returncode)


def cut(text: str) -> str:
    """At most so many characters, and a note that there were more."""
    return text if len(text) <= MAX_OUTPUT_SIZE else text[:MAX_OUTPUT_SIZE] + MARKER


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]))
