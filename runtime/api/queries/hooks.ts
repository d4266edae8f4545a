/** The configured hooks, and their deliveries. */

import { tagsOfMachine } from '../../../actors/own-machine.ts';
import type { HookDeliver } from '../../../machines/vocabulary/effect.ts';
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import { shellWord } from '../../../machines/vocabulary/shell-word.ts';
import type { HookConfig } from '../../base/config/config.ts';
import { refusedAddress, refusedAddresses, targetOf, unheardEvents } from '../../base/config/config.ts';
import { didYouMeanAfter } from '../../base/config/nearest.ts';
import type { EffectRow, HookCountRow, HookRow } from '../../core/store/rows.ts';
import type { HookResult } from '../../work/effects/hook-deliver.ts';
import { hookBody } from '../../work/effects/hook-event-body.ts';
import { timeOrNull, timeText } from './time-text.ts';
import type { ViewDependencies } from './view-dependencies.ts';

type State = 'pending' | 'delivered' | 'dead';

const statuses: Readonly<Record<State, readonly EffectRow['status'][]>> = {
  pending: ['queued', 'running'],
  delivered: ['done'],
  dead: ['failed', 'withdrawn'],
};
const listLimit = 1_000;

export interface DeliveryFilter {
  readonly project?: string;
  readonly plan?: string;
  readonly hook?: string;
  readonly state?: State;
  readonly limit?: number;
}

export function createHookViews({ store, projects, timeline, machines }: ViewDependencies) {
  async function hooksOf(project: string) {
    const [rows, counts] = await Promise.all([store.hooks(project), store.hookCounts(project)]);
    const known = new Map(rows.map((row) => [row.hook, row]));
    return projects.hooksOf(project).map((hook) => hookEntry(project, hook, { row: known.get(hook.name), counts }));
  }

  async function row(id: string): Promise<EffectRow> {
    const [found] = await store.effects({ by: 'delivery', id });
    if (found !== undefined) return found;
    throw new EngineError('not_found', `delivery ${id} not found`, 'see them with: stator hook deliveries');
  }

  const entry = (of: EffectRow) => deliveryEntry(of, timeline);
  return {
    /** The hooks of one repo or of all, in the order of the configuration. */
    async hooks(project?: string) {
      const names = project === undefined ? ['', ...projects.list().map((each) => each.project)] : [project];
      return (await Promise.all(names.map(hooksOf))).flat();
    },
    /** Throws `repo_not_found`, and `not_found` with the nearest name. */
    hookNamed(project: string, name: string): HookConfig {
      projects.get(project);
      const hooks = projects.hooksOf(project);
      const found = hooks.find((hook) => hook.name === name);
      if (found !== undefined) return found;
      const names = hooks.map((hook) => hook.name);
      throw new EngineError(
        'not_found',
        `${project} has no hook "${name.slice(0, 100)}"${didYouMeanAfter(name, names)}`,
        names.length === 0 ? 'its configuration has no [[hooks]], or is not trusted' : `it has: ${names.join(', ')}`,
      );
    },
    /** The newest first, at most 1,000. */
    async deliveries({ state, limit = listLimit, ...filter }: DeliveryFilter) {
      const of = state === undefined ? {} : { statuses: statuses[state] };
      const query = { by: 'deliveries', ...filter, ...of, limit: Math.min(limit, listLimit) } as const;
      return (await store.effects(query)).map(entry);
    },
    /** Throws `not_found`. */
    async delivery(id: string) {
      const found = await row(id);
      const { output } = resultOf(found);
      return { ...entry(found), body: hookBody(effectOf(found), found.project), output };
    },
    deliveryRow: row,
    deliveryEntry: entry,
    /** A line for people for each hook that was switched off or whose address is refused. */
    async hooksOff(): Promise<string[]> {
      const entries = await Promise.all(projects.list().map(({ project }) => hooksOf(project)));
      const refused = projects
        .list()
        .flatMap(({ project }) => refusedAddresses(projects.hooksOf(project)).map((line) => `${project}: ${line}`));
      const off = entries
        .flat()
        .filter(({ state, since }) => state === 'off' && since !== null)
        .map(
          ({ project, hook, reason }) =>
            `hook ${hook} of ${project} is off: ${reason}; turn it on with: stator hook enable ${hook} --project ${shellWord(project)}`,
        );
      const known = machines.map((each) => ({ name: each.name, tags: tagsOfMachine(each) }));
      const unheard = projects.list().flatMap(({ project }) =>
        unheardEvents(
          projects.hooksOf(project).filter(({ type }) => type !== 'function'),
          known,
        ).map((line) => `${project}: ${line}`),
      );
      return [...off, ...refused, ...unheard];
    },
  };
}

function hookEntry(
  project: string,
  hook: HookConfig,
  { row, counts }: { row: HookRow | undefined; counts: readonly HookCountRow[] },
) {
  const count = (state: State) =>
    counts
      .filter((each) => each.hook === hook.name && statuses[state].includes(each.status))
      .reduce((sum, each) => sum + each.count, 0);
  return {
    project,
    hook: hook.name,
    type: hook.type,
    target: targetOf(hook),
    events: [...hook.events],
    ...stateOf(hook, row),
    pending: count('pending'),
    delivered: count('delivered'),
    dead: count('dead'),
  };
}

/** `since` null: its configuration alone says so. */
function stateOf(
  hook: HookConfig,
  row: HookRow | undefined,
): { state: 'on' | 'failing' | 'off' | 'disabled'; reason: string | null; since: string | null } {
  if (!hook.enabled) return { state: 'disabled', reason: 'enabled = false in its configuration', since: null };
  if (row?.off_at != null) return { state: 'off', reason: row.off_reason, since: timeText(row.off_at) };
  const refused = refusedAddress(hook);
  if (refused !== null) return { state: 'off', reason: refused, since: null };
  if (row?.failing_since == null) return { state: 'on', reason: null, since: null };
  const since = timeText(row.failing_since);
  return { state: 'failing', reason: `nothing has been delivered since ${since}`, since };
}

function effectOf({ payload }: EffectRow): HookDeliver {
  return JSON.parse(payload) as HookDeliver; // the caller passes deliveries only
}

function resultOf({ result }: EffectRow): HookResult {
  return result === null ? { status: null, output: null } : (JSON.parse(result) as HookResult); // the stored text is a hook's result
}

function deliveryEntry(row: EffectRow, timeline: ViewDependencies['timeline']) {
  const { hook, event, sequence } = effectOf(row);
  const state: State = row.status === 'done' ? 'delivered' : statuses.pending.includes(row.status) ? 'pending' : 'dead';
  const waits = row.status === 'queued' && row.next_at > timeline.nowMs();
  return {
    id: row.name,
    hook,
    project: row.project,
    plan: row.plan,
    event,
    state,
    attempts: row.attempts,
    next_at: waits ? timeText(Math.round(timeline.wallOf(row.next_at))) : null,
    last_status: resultOf(row).status,
    last_error: row.error,
    sequence,
    created_at: timeText(row.created_at),
    finished_at: timeOrNull(row.finished_at),
  };
}
