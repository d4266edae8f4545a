/** Reads a person's refs before and after a run, and without walls their settings and hooks, and reports what moved, with the command that undoes each move. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { AgentRun } from '../../../machines/vocabulary/effect.ts';
import { runName } from '../../../machines/vocabulary/ids.ts';
import { safeText } from '../../base/platform/terminal-text.ts';
import type { EffectContext } from '../../core/outbox/handler.ts';
import { noteInLog, type RunFolder, writeRunFileAsync } from '../agents/run-folder.ts';
import { keepMoved, lookAtRefs, movesBetween, moveText, type PersonsRefs } from '../git/moved-refs.ts';
import { lookAtSettings, type PersonsSettings, settingsMoved } from '../git/moved-settings.ts';
import { isWalled } from '../git/private-repository.ts';
import type { Repository } from '../git/repository.ts';

const lookSchema = z.object({
  beganMs: z.number(),
  head: z.string().nullable(),
  refs: z.record(z.string(), z.string()),
  owned: z.array(z.string()),
  stash: z.array(z.string()),
  /** null: the run has walls, which keep its agent from them. */
  settings: z.object({ config: z.string(), hooks: z.record(z.string(), z.string()) }).nullable(),
});
type Look = PersonsRefs & { readonly beganMs: number; readonly settings: PersonsSettings | null };

/** The most moves that a notice names. */
const shownMoves = 20;
const detailLimit = 8_192;

/** Reads the refs before an agent can start; an earlier owner's reading counts. */
export async function noteRefs(repository: Repository, folder: RunFolder, beganMs: number): Promise<void> {
  if (existsSync(fileOf(folder))) return;
  const seen = await lookAtRefs(repository);
  const settings = isWalled(folder) ? null : lookAtSettings(repository.commonDir);
  if (seen !== null) await writeRunFileAsync(fileOf(folder), `${JSON.stringify({ beganMs, ...seen, settings })}\n`);
}

/** Call it when the run's last process has gone. `others`: the agents that ran meanwhile. After several calls the same move is reported at most once. */
export async function reportMovedRefs(
  { id, title }: Pick<AgentRun, 'id' | 'title'>,
  { row, sendSignal }: Pick<EffectContext, 'row' | 'sendSignal'>,
  {
    folder,
    repository,
    others,
    nowMs,
  }: {
    readonly folder: RunFolder;
    readonly repository: Repository;
    readonly others: ReadonlySet<string>;
    readonly nowMs: number;
  },
): Promise<void> {
  const before = readLook(folder);
  const after = before === null ? null : await lookAtRefs(repository);
  if (before === null || after === null) return;
  const { beganMs, settings } = before;
  const isNews = (move: string) => repository.moves.isNews(move, { beganMs, atMs: nowMs });
  const moves = movesBetween(before, after, repository.moves.own).filter(({ ref, from, to }) =>
    isNews(`${ref} ${from} ${to}`),
  );
  const { commonDir } = repository;
  const changed = settings === null ? [] : await settingsMoved(commonDir, settings, lookAtSettings(commonDir));
  const texts = [...moves.map((move) => moveText(repository, move)), ...changed.filter(isNews)];
  if (texts.length === 0) return;
  await keepMoved(repository, runName(row.project, row.plan, id), moves);
  const who = isWalled(folder) ? `${title} ran (its walls kept it from them)` : `${title} ran`;
  const also = others.size === 0 ? '' : `, as did ${[...others].sort().join(', ')}`;
  const shown = texts.slice(0, shownMoves);
  const more = texts.length > shownMoves ? [`and ${texts.length - shownMoves} more`] : [];
  const what = `while ${who}${also}, what is not stator's moved in ${repository.path}`;
  const detail = safeText([`${what}:`, ...shown, ...more].join('\n')).slice(0, detailLimit);
  sendSignal('moved', 'run_noted', { title, about: 'refs_moved', detail });
  // As lines of stator's own: the agent's last line gives the reason of a failure, and its last lines are a judge's feedback.
  for (const line of detail.split('\n')) noteInLog(folder, line);
}

function readLook(folder: RunFolder): Look | null {
  try {
    return lookSchema.parse(JSON.parse(readFileSync(fileOf(folder), 'utf8')));
  } catch {
    return null; // there was no reading, or an agent without walls changed its file
  }
}

function fileOf({ path }: RunFolder): string {
  return join(path, 'refs-before');
}
