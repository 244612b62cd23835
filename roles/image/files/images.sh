#!/bin/sh
# List the images of an engine, podman or docker, newest first, as lines of a name and an id.
# Usage: images.sh ENGINE [--filter=KEY=VALUE]; exits with 127 where there is no such program.
engine=$1
shift
command -v "$engine" >/dev/null || exit 127

images() {
    "$engine" images --no-trunc --format '{{.Repository}}:{{.Tag}} {{.ID}}' "$@"
}

# podman fails over an image that another program removes at that moment, and ours would seem not to be built.
for _ in 1 2 3 4; do
    if list=$(images "$@" 2>/dev/null); then
        [ -z "$list" ] || printf '%s\n' "$list"
        exit 0
    fi
    sleep 0.2
done
images "$@"
