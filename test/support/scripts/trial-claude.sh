#!/bin/sh
# A fixer of the long trial, which asks a person about each of its commands as claude does.
asks=$(printf '[["echo %s >>fixed.txt"],["echo one >>fixed.txt","echo two >>fixed.txt"]]' "$STATOR_ATTEMPT")
ASKS="$asks" exec node "$(dirname "$0")/../fixtures/agents/asking-claude.mjs" "$@"
