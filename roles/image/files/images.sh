#!/bin/sh
# Ask an engine, podman or docker, about its images; exits with 127 where there is no such program.
# Usage: images.sh ENGINE list [--filter=KEY=VALUE]          lines of a name and an id, newest first
#        images.sh ENGINE inspect IMAGE [--format=FORMAT]    what `image inspect` prints
engine=$1
question=$2
shift 2
command -v "$engine" >/dev/null || exit 127

ask() {
    case $question in
    list) "$engine" images --no-trunc --format '{{.Repository}}:{{.Tag}} {{.ID}}' "$@" ;;
    inspect) "$engine" image inspect "$@" ;;
    esac
}

# podman fails over another image that is removed at that moment, and ours would seem not to be there.
for _ in 1 2 3 4; do
    if said=$(ask "$@" 2>/dev/null); then
        [ -z "$said" ] || printf '%s\n' "$said"
        exit 0
    fi
    # Whether an image is there it tells without looking at others. docker makes no such mistake and knows no such question.
    [ "$question" = list ] || "$engine" image exists "$1" 2>/dev/null || break
    sleep 0.2
done
ask "$@"
