/** The `stator` that agents find on their PATH: exactly this installation with exactly this Node, whatever else is installed. */
import { accessSync, constants, existsSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { EngineError, messageOf } from '../../../machines/vocabulary/errors.ts';
import { shellWord } from '../../../machines/vocabulary/shell-word.ts';
import { replaceFile } from '../../base/platform/atomic-file.ts';
import { environmentFault } from '../../base/platform/environment-fault.ts';
import { inPackage } from '../../base/platform/package-files.ts';

/**
 * Makes `<home>/bin/stator` (0700) and returns its folder. Written only if it differs, and by rename, so that an agent that is just starting it reads the old
 * or the new one. Throws `home_unusable`, and errors that are waited for (environment-fault.ts).
 */
export function ensureLauncher(home: string): string {
  const folder = join(home, 'bin');
  const file = join(folder, 'stator');
  const text = launcherText();
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    if (!isAsWanted(file, text)) replaceFile(file, text, { mode: 0o700 });
  } catch (cause) {
    const trouble = environmentFault(cause);
    if (trouble !== null) throw trouble; // the run waits, and no attempt is spent
    throw new EngineError(
      'home_unusable',
      `${file}, the stator of the agents, cannot be written: ${messageOf(cause)}`,
      `see that ${folder} is a folder that you may write, and that its disk has room`,
      { cause },
    );
  }
  const fault = launcherFault(home);
  if (fault !== null) throw fault;
  return folder;
}

/** Why agents cannot start the `stator` that was written for them; null: they can, or it is not written yet. */
export function launcherFault(home: string): EngineError | null {
  const file = join(home, 'bin', 'stator');
  try {
    // One that nobody may execute is written anew before an agent starts.
    if (existsSync(file) && (statSync(file).mode & 0o111) !== 0) accessSync(file, constants.X_OK);
    return null;
  } catch {
    const message = `${file}, the stator of the agents, cannot be started: no program can in that folder`;
    const hint = `mount it without noexec (findmnt --target ${shellWord(home)}), or set STATOR_HOME to a folder of another disk`;
    return new EngineError('home_unusable', message, hint);
  }
}

function launcherText(): string {
  return [
    '#!/bin/sh',
    '# Written by stator, for its agents; written anew when an engine starts.',
    `exec ${shellWord(process.execPath)} ${shellWord(inPackage('dist', 'bin', 'stator.js'))} "$@"`,
    '',
  ].join('\n');
}

function isAsWanted(file: string, text: string): boolean {
  const found = statSync(file, { throwIfNoEntry: false });
  return found?.isFile() === true && (found.mode & 0o777) === 0o700 && readFileSync(file, 'utf8') === text;
}
