#!/bin/sh
# Builds the image of docs/containers.md from this checkout: scripts/container/build.sh [tag] [npm package of the agent's program].
# Where there is no container engine it says so in one line and ends with 0.
set -eu
cd "$(dirname "$0")/../.."
tag=${1:-stator}
agent=${2:-@anthropic-ai/claude-code@2.1.330}

engine=
for each in podman docker; do
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
  else why='neither podman nor docker is on PATH'; fi
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
"$engine" build --file "$context/Containerfile" --build-arg "AGENT=$agent" --tag "$tag" "$context"
