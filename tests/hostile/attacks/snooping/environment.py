"""Read the environment.

Tries: to find settings, keys or addresses of the service or of Kubernetes, also in /proc.
Expect: contained
"""

WORDS = ("KUBERNETES", "CODE_RUNNER", "API_KEY", "SERVICE_HOST", "SECRET", "TOKEN=")
try:
    with open("/proc/self/environ", "rb") as file:
        initial = file.read().decode()
except OSError as error:
    initial = ""
    contained(error)
text = initial + "\n".join(f"{name}={value}" for name, value in os.environ.items())
libc.getenv.restype = ctypes.c_char_p
text += str([libc.getenv(word.encode()) for word in ("CODE_RUNNER_SLOT", "KUBERNETES_PORT")])
if found := [word for word in WORDS if word in text]:
    breach(f"{found}: {text}")
else:
    contained(f"nothing in {len(text)} characters")
