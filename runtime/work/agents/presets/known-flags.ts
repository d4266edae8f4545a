/**
 * Checks with a program's own help that the installed version still knows the flags of its preset. A version without one would end every attempt at once, so
 * this is checked before anything is started.
 */
import { execFile } from 'node:child_process';
import { statSync } from 'node:fs';
import type { ProgramPreset } from '../../../base/config/preset-programs.ts';
import { programOf } from './programs.ts';
import { trialMs, withTrialHome } from './trial.ts';

/** The longest help has 22 KiB. */
const helpLimitBytes = 1024 * 1024;

/**
 * The flags that the program at that path does not know; empty if its help cannot be read, or names none of them. It is run only with `--help`.
 */
export async function droppedFlags(preset: ProgramPreset, path: string, env: NodeJS.ProcessEnv): Promise<string[]> {
  const { help, flags } = programOf(preset).flags;
  if (flags.length === 0) return [];
  const text = await outputOf(path, help, env);
  const dropped = flags.filter((flag) => !new RegExp(`(?<![\\w-])${flag}(?![\\w-])`).test(text));
  return dropped.length === flags.length ? [] : dropped;
}

/** Standard output and error: opencode's help is on the latter. Empty if it fails. */
function outputOf(path: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<string> {
  return withTrialHome(env, (place) => {
    const options = { ...place, timeout: trialMs, maxBuffer: helpLimitBytes, encoding: 'utf8' } as const;
    return new Promise((done) => {
      const child = execFile(path, args, options, (error, ...said) => done(error === null ? said.join('\n') : ''));
      child.stdin?.end();
    });
  });
}

/** Checks each file once, as long as it does not change. */
export function createFlagCheck(env: NodeJS.ProcessEnv): FlagCheck {
  const known = new Map<string, { readonly stamp: string; readonly dropped: Promise<string[]> }>();
  return async (preset, path) => {
    const { mtimeMs, size, ino } = statSync(path);
    const stamp = `${ino} ${size} ${mtimeMs}`;
    const key = `${preset} ${path}`;
    const found = known.get(key);
    if (found?.stamp === stamp) return found.dropped;
    const dropped = droppedFlags(preset, path, env);
    known.set(key, { stamp, dropped });
    return dropped;
  };
}

/** The flags that the program no longer knows, according to its help. */
export type FlagCheck = (preset: ProgramPreset, path: string) => Promise<readonly string[]>;
