/** The lines in which plans wait for a branch, and the place of a plan in one. */

import { storedLanding, storedPlan } from '../../../actors/stored-tree.ts';
import type { Entrant } from '../../../machines/landing/machine.ts';
import type { PlanContext } from '../../../machines/plan/context.ts';
import { EngineError, onOneLine, repoNotFound } from '../../../machines/vocabulary/errors.ts';
import { landingTree, parseTree, planTree, type TreeAddress } from '../../../machines/vocabulary/ids.ts';
import { restartsText } from '../../../machines/vocabulary/landing.ts';
import { shortList } from '../../../machines/vocabulary/numbers.ts';
import { shellWord } from '../../../machines/vocabulary/shell-word.ts';
import type { PlanRow } from '../../core/store/rows.ts';
import type { LandingEntry } from '../contract/landings.ts';
import type { Waiting } from '../contract/shared-shapes.ts';
import { timeText } from './time-text.ts';
import type { ViewDependencies } from './view-dependencies.ts';

type Parts = Pick<ViewDependencies, 'store' | 'projects'>;

/** The most lines in one answer. */
const listLimit = 1_000;
/** The most plans that a sentence names. */
const shownPlans = 5;

export function createLandingViews(parts: Parts) {
  const isRegistered = (project: string) => parts.projects.find(project) !== null;

  async function landings({ project }: { readonly project?: string }): Promise<LandingEntry[]> {
    if (project !== undefined && !isRegistered(project)) throw repoNotFound(project);
    const trees = await parts.store.treesOf('landing', { after: '', limit: listLimit });
    const all = await Promise.all(trees.map((tree) => landingAt(parts, tree)));
    // The line of a removed repo stays, like its plans.
    const isShown = (each: LandingEntry) => (project ?? each.project) === each.project && isRegistered(each.project);
    return all.filter((entry) => entry !== null).filter(isShown);
  }

  return {
    /** Throws `repo_not_found`. */
    landings,
    /** The line of that branch, or without a branch the repo's only line. Throws `not_found`, and `bad_request` if there are several. */
    async landing(project: string, branch?: string): Promise<LandingEntry> {
      const ofRepo = await landings({ project });
      const [first, ...more] = branch === undefined ? ofRepo : ofRepo.filter((entry) => entry.branch === branch);
      const named = ofRepo.map((entry) => entry.branch).join(', ');
      if (first === undefined)
        throw new EngineError(
          'not_found',
          branch === undefined
            ? `no plan of ${project} has waited in line`
            : `no plan of ${project} has waited in line for ${branch}`,
          named === '' ? 'put a done plan in line with: stator plan land <plan>' : `there are lines for ${named}`,
        );
      if (more.length === 0) return first;
      throw new EngineError('bad_request', `${project} has several lines: ${named}`, 'name the branch');
    },
    /** The line in which the plan waits. Throws `conflict`. */
    async landingOf(project: string, plan: string): Promise<LandingEntry> {
      const found = (await landings({ project })).find((entry) => placeIn(entry, plan) !== null);
      if (found !== undefined) return found;
      throw new EngineError(
        'conflict',
        `${plan} does not wait in line`,
        `put it there with: stator plan land ${shellWord(plan)}; those that do: stator landing list`,
      );
    },
  };
}

async function landingAt({ store }: Pick<Parts, 'store'>, tree: TreeAddress): Promise<LandingEntry | null> {
  const parsed = parseTree(tree);
  const row = await store.tree(tree);
  if (row === null || parsed.kind !== 'landing') return null;
  const stored = storedLanding(tree, row.stored);
  const { current, batch, line, restarts } = stored.context;
  const state =
    (['preparing', 'checking', 'merging'] as const).find((each) => stored.has(`landing:${each}`)) ?? 'empty';
  return {
    project: parsed.project,
    branch: parsed.branch,
    state,
    paused: stored.has('landing:paused'),
    restarts,
    current: [...(batch?.merged ?? []).map(({ entrant }) => entrant), ...(current === null ? [] : [current])].map(
      waitingOf,
    ),
    line: line.map(waitingOf),
  };
}

function waitingOf({ plan, since }: Entrant): LandingEntry['line'][number] {
  return { plan, since: timeText(since) };
}

/** Counted from 0, including the plans at the head; null: it is not in the line. */
function placeIn({ current, line }: LandingEntry, plan: string): number | null {
  if (current.some((each) => each.plan === plan)) return 0;
  const place = line.findIndex((each) => each.plan === plan);
  return place < 0 ? null : place + current.length;
}

const doing: Readonly<Record<LandingEntry['state'], string>> = {
  empty: 'is next',
  preparing: 'is being merged with it as it is now',
  checking: 'is merged with it, and the check runs on that',
  merging: 'is being merged into it',
};

/** It has no place in the line yet. */
function forgeWait({ merge, pull }: Pick<PlanContext, 'merge' | 'pull'>): Waiting {
  const refused = merge?.refused ?? null;
  const why = refused?.why === 'forge_waits' ? `; ${refused.detail}` : '';
  const detail = `it gets in line as soon as ${pull?.request?.url ?? 'its pull request'} is approved and green${why}`;
  return { kind: 'landing', detail, since: refused === null ? null : timeText(refused.at) };
}

/** The reason why a plan in the line waits, or a plan that gets there by its pull request; null: it is in no line. */
export async function landingWait(
  parts: Pick<Parts, 'store'>,
  { project, plan, landing }: Pick<PlanRow, 'project' | 'plan' | 'landing'>,
): Promise<Waiting | null> {
  const tree = planTree(project, plan);
  const isOnWay = landing === 'in_line' || landing === 'pull_request_open';
  const row = isOnWay ? await parts.store.tree(tree) : null;
  const stored = row === null ? null : storedPlan(tree, row.stored);
  if (stored?.has('waits:pull')) return forgeWait(stored.context);
  const into = landing === 'in_line' ? (stored?.context.merge?.into ?? null) : null;
  if (into === null) return null;
  const lineTree = landingTree(project, into);
  const entry = await landingAt(parts, lineTree);
  const place = entry === null ? null : placeIn(entry, plan);
  if (entry === null || place === null) return null;
  const { current, line, paused, restarts, branch, state } = entry;
  const all = [...current, ...line];
  const { since = null } = all.find((each) => each.plan === plan) ?? {};
  const before = all.slice(0, place).map((each) => each.plan);
  const where =
    place > 0 ? `is behind ${shortList(before, shownPlans)}` : current.length === 0 ? doing.empty : doing[state];
  const moved = restarts === 0 ? '' : `; ${restartsText(restarts)}`;
  const stop = paused ? `; a person paused the line; go on with: stator landing resume ${shellWord(branch)}` : '';
  const [failed] = await parts.store.effects({ by: 'waiting', tree: lineTree });
  const retried = failed === undefined ? '' : `; what failed is tried again: ${onOneLine(failed.error ?? '')}`;
  return { kind: 'landing', detail: `it waits in line for ${branch} and ${where}${moved}${retried}${stop}`, since };
}
