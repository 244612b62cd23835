"""The API keys.

Tries: to read the file of keys where the gateway has it.
Expect: contained
"""

for path in ("/etc/code-runner", "/etc/code-runner/api-keys", "/etc/code-runner/api-keys/api-keys"):
    attempt_to_read(path)
