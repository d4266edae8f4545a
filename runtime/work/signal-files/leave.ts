/** Writes a signal as a file, for a command that cannot reach the inbox: the next engine collects it. */

import { randomUUID } from 'node:crypto';
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { kindsWith } from '../../../actors/kinds.ts';
import { EngineError, messageOf } from '../../../machines/vocabulary/errors.ts';
import { isPlanName } from '../../../machines/vocabulary/ids.ts';
import type { SignalType } from '../../../machines/vocabulary/signal.ts';
import { systemCode } from '../../base/platform/system-code.ts';
import { admitWord } from '../../core/inbox/admission.ts';
import { fileFor, signalFileForms } from './file-name.ts';

export interface LeaveRequest {
  /** Main repositories or worktrees, the best place first. */
  readonly roots: readonly string[];
  readonly plan: string;
  readonly type: string;
  readonly payload: unknown;
}

export interface LeftSignal {
  readonly type: SignalType;
  readonly path: string;
}

/**
 * Writes a temporary file and renames it, so that no reader sees an incomplete one. Throws the errors of admission; `bad_request` if no file can represent
 * the signal; `conflict` if a file of that name has another content; `unavailable` if no folder can be written.
 */
export async function leaveSignalFile({ roots, plan, type: name, payload: given }: LeaveRequest): Promise<LeftSignal> {
  const admission = admitWord(kindsWith([]), { type: name, payload: given, origin: 'file' });
  if (admission.kind === 'refused') throw admission.error;
  const { type } = admission;
  const payload = admission.payload as Readonly<Record<string, unknown>>; // every type's payload is an object
  const file = isPlanName(plan) ? fileFor({ type, plan, payload }) : null;
  if (file === null) {
    const hint = `the files there are: ${signalFileForms.join(', ')}`;
    throw new EngineError('bad_request', `no signal file can say ${type} of "${plan}"`, hint);
  }
  let failure: unknown = null;
  for (const root of roots) {
    try {
      return { type, path: await place(join(root, '.stator', 'signals'), file) };
    } catch (thrown) {
      if (thrown instanceof EngineError) throw thrown;
      failure ??= thrown;
    }
  }
  const hint =
    'say it again in a folder of the repo that you can write to, or when an engine answers; who has the home: stator daemon status';
  throw new EngineError('unavailable', `no signal file could be written: ${messageOf(failure)}`, hint, {
    cause: failure,
  });
}

/** An existing signal file is not overwritten; the same name with `.md` means the same signal. Throws the system's errors, `conflict`. */
async function place(folder: string, { name, content }: { name: string; content: string }): Promise<string> {
  const draft = join(folder, 'staging', `${name}.${randomUUID()}`);
  await mkdir(dirname(draft), { recursive: true });
  try {
    await writeFile(draft, content, { flag: 'wx' });
    for (const path of [join(folder, name), join(folder, `${name}.md`)]) {
      try {
        await link(draft, path);
        return path;
      } catch (thrown) {
        if (systemCode(thrown) !== 'EEXIST') throw thrown;
        if ((await readFile(path, 'utf8').catch(() => null)) === content) return path;
      }
    }
  } finally {
    await rm(draft, { force: true });
  }
  throw new EngineError(
    'conflict',
    `${join(folder, name)} is there already with other content, and no engine has read it yet`,
    'the next engine takes it; whether one runs, and who has the home: stator daemon status',
  );
}
