"""The service account's token.

Tries: to read the token with which one could speak to Kubernetes.
Expect: contained
"""

for top in ("/var/run/secrets", "/run/secrets"):
    for name in ("", "/kubernetes.io/serviceaccount/token", "/kubernetes.io/serviceaccount/ca.crt"):
        attempt_to_read(top + name)
