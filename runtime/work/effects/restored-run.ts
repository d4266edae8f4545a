/** A run that a restored store did not know, or whose end it did not know. It is adopted, never started again; if that is impossible, its plan is blocked. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AgentRun } from '../../../machines/vocabulary/effect.ts';
import { isWorker } from '../../../machines/vocabulary/ids.ts';
import { shellWord } from '../../../machines/vocabulary/shell-word.ts';
import { tokenHash } from '../../base/platform/token.ts';
import type { EffectContext } from '../../core/outbox/handler.ts';
import { judgesByMessage } from '../agents/reports/verdict.ts';
import { type RunFolder, runIdOf } from '../agents/run-folder.ts';
import { restoredRun, tokenOfAgent } from '../agents/started-runs.ts';
import { stopTree } from '../agents/stopping.ts';
import type { EffectParts } from './workplace.ts';

/**
 * Continues a run that a restore has found. Returns why that is impossible: then none of its processes lives. null: it goes on, or no restore has found it.
 */
export async function takeOver(
  parts: EffectParts & { readonly graceMs: number },
  { title }: AgentRun,
  { row, abort }: Pick<EffectContext, 'row' | 'abort'>,
  folder: RunFolder,
): Promise<string | null> {
  const restored = restoredRun(folder);
  if (restored === null) return null;
  const token = tokenOfAgent(folder);
  if (token !== null) await parts.store.commit([{ do: 'run.add-token', key: row.key, hash: tokenHash(token) }]);
  const planFile = join(folder.path, 'plan.md');
  if (!restored.isNew || readFileSync(planFile, 'utf8') === (await parts.store.planText(row.project, row.plan)))
    return null;
  await stopTree(folder, runIdOf(parts.home, row.key), { graceMs: parts.graceMs, abort });
  abort.throwIfAborted();
  return `a run of ${title} was started after the copy that was restored, for another text of the plan, which is kept: ${shellWord(planFile)}; its output: ${shellWord(folder.log)}. To go on with that text: stator plan update-content ${row.plan} --file ${shellWord(planFile)}; then, or to have it work on the new one: stator plan explain ${row.plan} says with which command`;
}

/** Why the success of a run does not count: its agent's signals were in the replaced store. null: it counts. */
export function lostWords(
  { title, role }: Pick<AgentRun, 'title' | 'role'>,
  plan: string,
  { folder, preset }: { readonly folder: RunFolder; readonly preset: string | null },
): string | null {
  if (isWorker(role) || judgesByMessage(role, preset) || restoredRun(folder)?.hasEnded !== true) return null;
  return `${title} ended before the store was restored, and its signals are newer than the copy; its output: ${shellWord(folder.log)}. Send them in its place (stator plan show ${plan} says what the plan waits for), or have the ${role} work again: stator plan answer ${plan}`;
}
