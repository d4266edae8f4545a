/** Recognizes a folder that belongs to no registered repo, and that probably is a moved or renamed one. */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { counted, shortList } from '../machines/vocabulary/numbers.ts';
import { shellWord } from '../machines/vocabulary/shell-word.ts';
import type { Client, PlanEntry } from '../runtime/api/client/client.ts';
import type { Call } from './command.ts';
import { askGit, mainRepository } from './place.ts';

const shownPlans = 10;
const ownedRefs = 'refs/stator/owned/';

/** The note for a person in that folder: the old name, its plans, and the command that moves them here; null: it does not look like a moved repo. */
export async function formerRepoText(call: Call, client: Pick<Client, 'plans' | 'repos'>): Promise<string | null> {
  const path = mainRepository(call);
  const repos = path === null ? [] : await client.repos();
  if (path === null || repos.some((repo) => repo.path === path)) return null;
  const gone = repos.filter((repo) => !existsSync(repo.path));
  if (gone.length === 0) return null;
  const listed = askGit({ ...call, cwd: path }, ['for-each-ref', '--format=%(refname)', ownedRefs]) ?? '';
  const branches = new Set(listed.split('\n').map((ref) => ref.slice(ownedRefs.length)));
  const isHere = ({ branch, file }: PlanEntry) =>
    branches.has(branch) || (file !== null && !file.startsWith('/') && existsSync(join(path, file)));
  for (const { project, path: before } of gone) {
    const plans = await client.plans(project);
    if (!plans.some(isHere)) continue;
    const names = plans.map(({ plan }) => plan);
    return [
      `this folder was ${project}, at ${before}, with ${counted(plans.length, 'plan')}: ${shortList(names, shownPlans)}`,
      `they come along: stator repo move ${shellWord(project)} ${shellWord(path)}`,
    ].join('\n');
  }
  return null;
}
