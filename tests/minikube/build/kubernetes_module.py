#!/usr/bin/env python3
"""Print a go.mod with which `go build k8s.io/kubernetes/cmd/...` works outside Kubernetes' tree.

    kubernetes_module.py GO.MOD VERSION STAGING

Kubernetes replaces its published parts (k8s.io/api and so on) by folders of its tree, which Go
honours only in the main module. Here each is replaced by its release STAGING. The requirements are
those of the release, so that everything else has the very version that was tested with it.
"""

import re
import sys
from pathlib import Path

path, version, staging = sys.argv[1:]
module = Path(path).read_text()
requirements = re.findall(r"^require \(.*?^\)", module, re.M | re.S)
parts = re.findall(r"^\s+(\S+) => \./staging/", module, re.M)
if not requirements or not parts:
    sys.exit(f"{path} does not look like Kubernetes' go.mod")

print("module cluster.test/kubernetes\n")
for line in re.findall(r"^(?:go|godebug) \S+$", module, re.M):
    print(line)
for setting in re.findall(r"^godebug \(\n(.*?)^\)", module, re.M | re.S):
    print(f"godebug (\n{setting})")
print(f"\nrequire k8s.io/kubernetes {version}\n")
print("\n\n".join(requirements))
print("\nreplace (")
for part in parts:
    print(f"\t{part} => {part} {staging}")
print(")")
