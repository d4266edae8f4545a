/**
 * Checks with a program's own help that the installed version still knows the flags of its preset. A version without one would end every attempt at once, so
 * this is checked before anything is started.
 */
import { execFile } from 'node:child_process';
import { statSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ProgramPreset } from '../../../base/config/preset-programs.ts';
import { programOf } from './programs.ts';

/** The time limit: some programs have 200 MB and start from a cold disk. */
const helpTimeoutMs = 30_000;
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

/** The environment for a help. It runs outside walls, so it gets no key, and no user's folder, whose settings it might load. */
const given = ['PATH', 'LANG'];

/** Standard output and error: opencode's help is on the latter. Empty if it fails. It gets its own home folder, because gemini leaves files there. */
async function outputOf(path: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<string> {
  const home = await mkdtemp(join(tmpdir(), 'stator-help-'));
  const own = Object.fromEntries(given.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]])));
  const options = { env: { ...own, HOME: home, TMPDIR: home }, cwd: '/', timeout: helpTimeoutMs } as const;
  try {
    return await new Promise((done) => {
      const child = execFile(
        path,
        args,
        { ...options, maxBuffer: helpLimitBytes, encoding: 'utf8' },
        (error, ...said) => done(error === null ? said.join('\n') : ''),
      );
      child.stdin?.end();
    });
  } finally {
    await rm(home, { recursive: true, force: true });
  }
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
