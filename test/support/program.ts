/** The fake programs of test/support/fixtures/agents on PATH, and what they wrote down of how they were called. */
import { existsSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { ProgramPreset } from '../../runtime/config/preset-programs.ts';

export const programPresets: readonly ProgramPreset[] = ['claude', 'codex', 'opencode', 'gemini'];

const fakes = join(import.meta.dirname, './fixtures', 'agents');

export interface Call {
  readonly program: string;
  readonly args: readonly string[];
  readonly stdin: string;
  readonly cwd: string;
  readonly title?: string;
}

/** An environment in which the programs are the fake ones. `says`: what they play, call by call, the last for ever. */
export function fakeEnv(
  base: NodeJS.ProcessEnv,
  { root, says, resetMs }: { readonly root: string; readonly says: string; readonly resetMs?: number },
): NodeJS.ProcessEnv {
  return {
    ...base,
    PATH: `${fakes}${delimiter}${base.PATH ?? ''}`,
    FAKE_RECORD: recordOf(root),
    FAKE_SAYS: says,
    ...(resetMs === undefined ? {} : { FAKE_RESET: String(resetMs) }),
  };
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
