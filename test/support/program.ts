/** The fake programs of test/support/fixtures/agents on PATH, and their records of how they were called. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, delimiter, dirname, join } from 'node:path';
import { shellWord } from '../../machines/vocabulary/shell-word.ts';
import type { StreamPreset } from '../../runtime/base/config/preset-programs.ts';

export const programPresets: readonly StreamPreset[] = ['claude', 'codex', 'opencode', 'gemini'];

const fakes = join(import.meta.dirname, './fixtures', 'agents');

export interface Call {
  readonly program: string;
  readonly args: readonly string[];
  readonly stdin: string;
  readonly cwd: string;
  readonly title?: string;
}

/** An environment with the fake programs. `says`: the words to play, call by call, the last one for ever; or a file with a `scenario`. */
export function fakeEnv(
  base: NodeJS.ProcessEnv,
  {
    root,
    says,
    resetMs,
    scenario,
    dropped,
  }: {
    readonly root: string;
    readonly says: string;
    readonly resetMs?: number;
    readonly scenario?: string;
    /** An option that is missing in their help. */
    readonly dropped?: string;
  },
): NodeJS.ProcessEnv {
  const variables = {
    FAKE_RECORD: recordOf(root),
    FAKE_SAYS: says,
    ...(resetMs === undefined ? {} : { FAKE_RESET: String(resetMs) }),
    ...(scenario === undefined ? {} : { FAKE_SCENARIO: scenario }),
    ...(dropped === undefined ? {} : { FAKE_DROPPED: dropped }),
  };
  // As root, claude would refuse to start, and so does the engine.
  return { ...base, IS_SANDBOX: '1', PATH: `${fakePrograms(root, variables)}${delimiter}${base.PATH ?? ''}` };
}

/** A folder for PATH with the fake programs. Each sets these variables itself, because an agent gets only listed variables of the engine. */
export function fakePrograms(root: string, variables: Readonly<Record<string, string>>): string {
  const folder = join(root, 'programs');
  mkdirSync(folder, { recursive: true });
  const settings = Object.entries(variables).map(([name, value]) => `export ${name}=${shellWord(value)}`);
  for (const program of [...programPresets, 'player']) {
    const file = join(fakes, program);
    const lines = ['#!/bin/sh', ...settings, saidBefore(file, variables), `exec ${shellWord(file)} "$@"`, ''];
    writeFileSync(join(folder, program), lines.join('\n'), { mode: 0o755 });
  }
  return folder;
}

/** A program's help is the same at each call, so node is started for it once in all tests of a worker: each engine needs it. */
function saidBefore(file: string, { FAKE_DROPPED: dropped = '' }: Readonly<Record<string, string>>): string {
  const shared = process.env.STATOR_TEST_CLUSTER;
  const folder = join(shared === undefined ? tmpdir() : dirname(shared), `stator-fakes-${process.pid}`);
  mkdirSync(folder, { recursive: true });
  const said = shellWord(join(folder, `${basename(file)}${dropped}`));
  return `case "$*" in --help | 'exec --help' | 'run --help' | --version)
  text=${said}"$*"
  [ -e "$text" ] || { ${shellWord(file)} "$@" > "$text.$$" && mv "$text.$$" "$text"; } && exec cat "$text" ;;
esac`;
}

/** The calls so far, in order. */
export function callsIn(root: string): Call[] {
  if (!existsSync(recordOf(root))) return [];
  const lines = readFileSync(recordOf(root), 'utf8').split('\n');
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as Call); // written by the fakes
}

function recordOf(root: string): string {
  return join(root, 'calls.jsonl');
}

/** The value that follows an option. */
export function optionOf({ args }: Call, name: string): string | null {
  const at = args.indexOf(name);
  return at < 0 ? null : (args[at + 1] ?? null);
}
