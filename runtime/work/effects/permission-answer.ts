/** The answer to a run's permission question, as a file in its folder: the engine that serves the run's socket, this one or the next, reads it there. */
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { AgentAnswer } from '../../../machines/vocabulary/effect.ts';
import { effectKey } from '../../../machines/vocabulary/ids.ts';
import type { Handler } from '../../core/outbox/handler.ts';
import { type RunFolder, writeRunFile } from '../agents/run-folder.ts';
import { type EffectParts, readLaunch } from './workplace.ts';

const answerFile = z.strictObject({ allowed: z.boolean(), message: z.string() });
export type PermissionAnswer = z.infer<typeof answerFile>;

/** Writes the file completely or not at all; a repeated write has the same content. An ended run needs no answer. */
export function createPermissionAnswer(parts: EffectParts): Handler<AgentAnswer> {
  return async ({ run, permission, isAllowed, message }, { row }) => {
    const folder = (await readLaunch(parts, effectKey(row.tree, run)))?.folder;
    if (folder === undefined) return { type: null };
    mkdirSync(folder.answers, { recursive: true, mode: 0o700 });
    const answer: PermissionAnswer = { allowed: isAllowed, message };
    writeRunFile(fileOf(folder, permission), JSON.stringify(answer));
    return { type: null };
  };
}

/** null: there is no answer yet. */
export function readAnswer(folder: RunFolder, permission: string): PermissionAnswer | null {
  try {
    return answerFile.parse(JSON.parse(readFileSync(fileOf(folder, permission), 'utf8')));
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return null; // errors of `fs` have a code
    throw thrown;
  }
}

/** `permission` is eight hex digits: it names a file of this folder and no other. */
function fileOf({ answers }: RunFolder, permission: string): string {
  return join(answers, `${permission}.json`);
}
