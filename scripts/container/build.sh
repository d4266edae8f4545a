#!/bin/sh
# Builds the image of docs/containers.md from this checkout: scripts/container/build.sh [tag] [npm package of the agent's program].
# CONTAINER_ENGINE names the engine: podman, docker or buildah; otherwise the first of them that answers is taken. NODE_IMAGE names another base than
# docker.io/library/node:22-bookworm: a copy on a registry of your own, with its `-slim` beside it.
# Where there is no container engine it says so in one line and ends with 0. One that is named and does not answer is an error.
set -eu
cd "$(dirname "$0")/../.."
tag=${1:-stator}
agent=${2:-@anthropic-ai/claude-code@2.1.332}

engine=
for each in ${CONTAINER_ENGINE:-podman docker buildah}; do
  if command -v "$each" >/dev/null 2>&1; then
    if "$each" info >/dev/null 2>&1; then
      engine=$each
      break
    fi
    silent=$each
  fi
done
if [ -z "$engine" ]; then
  if [ -n "${silent:-}" ]; then why="$silent is here, but \`$silent info\` fails: its daemon does not run, or is not yours to use"
  elif [ -n "${CONTAINER_ENGINE:-}" ]; then why="$CONTAINER_ENGINE is not on PATH"
  else why='none of podman, docker and buildah is on PATH'; fi
  if [ -n "${CONTAINER_ENGINE:-}" ]; then
    echo "the image is not built, since $why; CONTAINER_ENGINE names it" >&2
    exit 1
  fi
  echo "skipped: the image is not built, since $why" >&2
  exit 0
fi

context=$(mktemp -d)
trap 'rm -rf "$context" npm-shrinkwrap.json' EXIT
[ -e dist/bin/stator.js ] || npm run --silent build
# The versions of what it depends on are those of this checkout.
cp package-lock.json npm-shrinkwrap.json
npm pack --ignore-scripts --silent --pack-destination "$context" >/dev/null
mv "$context"/stator-*.tgz "$context/stator.tgz"
cp scripts/container/Containerfile "$context/Containerfile"
"$engine" build --file "$context/Containerfile" --build-arg "AGENT=$agent" ${NODE_IMAGE:+--build-arg "NODE_IMAGE=$NODE_IMAGE"} --tag "$tag" "$context"
