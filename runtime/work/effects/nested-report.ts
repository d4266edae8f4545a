/** Saves the separate repositories that a run left inside its worktree, and reports them to people. */
import { existsSync } from 'node:fs';
import type { AgentRun } from '../../../machines/vocabulary/effect.ts';
import { runName } from '../../../machines/vocabulary/ids.ts';
import { safeText } from '../../base/platform/terminal-text.ts';
import type { EffectContext } from '../../core/outbox/handler.ts';
import { noteInLog, type RunFolder } from '../agents/run-folder.ts';
import { keepNested, linkedInside, type Nested, nestedText } from '../git/nested.ts';
import { gitDirOf } from '../git/private-collect.ts';
import { adminDirOf, isOwnFolder } from '../git/worktree-list.ts';
import type { Site } from './workplace.ts';

type Place = Pick<Site, 'repository' | 'worktree'>;

/**
 * Saves the linked worktrees inside a run's worktree: for those that were made inside walls, only the run's own git folder has their entries. Call it when
 * the run's last process has gone; a second call does the same.
 */
export async function keepLinked(
  { id, title }: Pick<AgentRun, 'id' | 'title'>,
  context: Pick<EffectContext, 'row' | 'sendSignal'>,
  { folder, site }: { readonly folder: RunFolder; readonly site: Place },
): Promise<void> {
  const { row } = context;
  const { repository } = site;
  const paths = await linkedIn(site, folder);
  const adminDir = paths.length === 0 ? null : await adminDirOf(repository, site.worktree);
  if (adminDir === null) return;
  const worktree = { path: site.worktree, adminDir };
  const ownGitDir = await gitDirOf(folder.path);
  const message = `what ${title} left in a repository of its own`;
  const run = runName(row.project, row.plan, id);
  reportNested(context, {
    title,
    folder,
    nested: await keepNested(repository, worktree, { run, message, paths, ownGitDir }),
  });
}

/** The repositories in a run's worktree that were not reported at its end. */
export async function reportOtherNested(
  context: Pick<EffectContext, 'sendSignal'>,
  {
    title,
    folder,
    site,
    nested,
  }: {
    readonly title: string;
    readonly folder: RunFolder | null;
    readonly site: Place;
    readonly nested: readonly Nested[];
  },
): Promise<void> {
  if (nested.length === 0) return;
  const linked = new Set(await linkedIn(site, folder));
  reportNested(context, { title, folder, nested: nested.filter(({ path }) => !linked.has(path)) });
}

async function linkedIn({ repository, worktree }: Place, folder: RunFolder | null): Promise<string[]> {
  const adminDir = isOwnFolder(worktree) ? await adminDirOf(repository, worktree) : null;
  if (adminDir === null) return [];
  return linkedInside(repository, { path: worktree, adminDir }, folder === null ? null : await gitDirOf(folder.path));
}

/** The most repositories that a notice names. */
const shownNested = 10;

function reportNested(
  { sendSignal }: Pick<EffectContext, 'sendSignal'>,
  {
    title,
    folder,
    nested,
  }: { readonly title: string; readonly folder: RunFolder | null; readonly nested: readonly Nested[] },
): void {
  if (nested.length === 0) return;
  const shown = nested.slice(0, shownNested).map(nestedText);
  const more = nested.length > shownNested ? [`and ${nested.length - shownNested} more`] : [];
  const what = `${title} left git repositories of its own in its worktree, which no commit of ours holds`;
  const detail = safeText([`${what}:`, ...shown, ...more].join('\n'));
  sendSignal('nested', 'run_noted', { title, about: 'nested_kept', detail: detail.slice(0, 8_192) });
  if (folder !== null && existsSync(folder.path)) for (const line of detail.split('\n')) noteInLog(folder, line);
}
