#!/bin/sh
# List the images of an engine, podman or docker, as lines of a name and an id.
# Usage: images.sh ENGINE; exits with 127 where there is no such program.
exec "$1" images --no-trunc --format '{{.Repository}}:{{.Tag}} {{.ID}}' 2>/dev/null
