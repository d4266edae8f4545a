/** The text of `<name>.reason`: the refusing actor, its state, the accepted signals, and the remedy. */

import type { Refusal } from '../../../actors/refusal.ts';
import { refusalHint, refusalSentence } from '../../../machines/plan/refusal-text.ts';
import { isErrorDocument, withHint } from '../../../machines/vocabulary/errors.ts';
import { shellWord } from '../../../machines/vocabulary/shell-word.ts';
import type { SignalRow } from '../../core/store/rows.ts';
import { type NamedSignal, signalFileForms } from './file-name.ts';

/** For a name that is no signal's. */
export function noSignal(): string {
  return withHint({
    message: 'no signal has this name',
    hint: `the names are ${signalFileForms.join(', ')}; rename the file and put it back into the folder above`,
  });
}

/** For something that is no file: links are not followed, pipes and devices are not opened. */
export function noFile(what: string): string {
  return withHint({
    message: `it is ${what}, and a signal is an ordinary file`,
    hint: 'write the file beside it (staging/ is for that) and rename it into the folder above',
  });
}

/** For a file that came with a commit, or was committed. */
export function tracked(path: string, root: string): string {
  return withHint({
    message: 'git tracks this file, so it may come from a commit and not from a person who works here',
    hint: `take it out of git: git -C ${shellWord(root)} rm --cached ${shellWord(path)}; a signal is said with: stator signal emit <type>`,
  });
}

/** For a file of another user. */
export function ofOtherUser(uid: number, own: number): string {
  return withHint({
    message: `it belongs to the user ${uid}, and this engine works for the user ${own}`,
    hint: 'send it as that user, or use the control API',
  });
}

/** For a file with a second name elsewhere. */
export function hasOtherName(): string {
  return withHint({
    message: 'the same file has another name elsewhere (a hard link), and a signal is a file of its own',
    hint: 'copy it: cp, not ln',
  });
}

/** For a signal from a worktree without an agent that may send it. */
export function noSenderText({
  named: { type, payload },
  plan,
  main,
  root,
  roles,
}: {
  readonly named: NamedSignal;
  readonly plan: string;
  readonly main: string;
  readonly root: string;
  readonly roles: readonly string[];
}): string {
  const task = type === 'implement_task_finished' ? ` of wave ${payload.wave_number} task ${payload.task_number}` : '';
  const who =
    roles.length === 0 ? 'a person says it, in the main folder' : `that is for its ${roles.join(' or ')}${task}`;
  return withHint({
    message: `no run that lives in ${root}, or lived there when the file was written, may say ${type} of ${plan}: ${who}`,
    hint: `a person says it with \`stator plan advance ${plan} ${type}\`, or by the same file in ${main}`,
  });
}

/** For a signal that was accepted into the inbox and then `failed`; `planState`: its plan's present state, null: the plan is gone. */
export function failure(
  { id, plan, type, result }: SignalRow,
  planState: { readonly status: string; readonly phase: string | null } | null,
): string {
  const found = parse(result);
  const signalText = `it is signal ${id}: stator signal show ${id}`;
  if (isRefusal(found)) {
    const refusal = { ...found, type, plan, status: planState?.status ?? null, phase: planState?.phase ?? null };
    return [
      `refused: ${refusalSentence(refusal)}`,
      `hint: ${refusalHint(refusal)}`,
      `${signalText}; to send it again later: stator signal retry ${id}`,
    ].join('\n');
  }
  const why = isErrorDocument(found) ? withHint({ message: found.error, hint: found.hint }) : String(result);
  return `${why}\n${signalText}; to send it again: stator signal retry ${id}`;
}

function parse(result: string | null): unknown {
  try {
    return JSON.parse(result ?? 'null');
  } catch {
    return null; // another program wrote the row: its text is shown unchanged
  }
}

function isRefusal(value: unknown): value is Refusal {
  return typeof value === 'object' && value !== null && 'accepts' in value && 'state' in value;
}
