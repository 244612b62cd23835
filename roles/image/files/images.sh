#!/bin/sh
# List the images of an engine, podman or docker, as lines of a name and an id.
# Usage: images.sh ENGINE; exits with 127 where there is no such program.
# podman fails over an image that another program removes at that moment, and ours would seem not to be built.
attempts=5
until list=$("$1" images --no-trunc --format '{{.Repository}}:{{.Tag}} {{.ID}}' 2>/dev/null); do
    status=$?
    attempts=$((attempts - 1))
    if [ "$status" -eq 127 ] || [ "$attempts" -eq 0 ]; then exit "$status"; fi
    sleep 0.2
done
[ -z "$list" ] || printf '%s\n' "$list"
