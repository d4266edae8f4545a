/**
 * Makes a plan from each item of each intake, once, and starts it. The item's row and the registration of its plan are one commit, and a row lists
 * the plans that are not started yet. So an engine that is killed at any line makes no plan twice, and forgets none.
 */
import { EngineError, onOneLine, withHint } from '../../../machines/vocabulary/errors.ts';
import { taskIn } from '../../../machines/vocabulary/ids.ts';
import { shellWord } from '../../../machines/vocabulary/shell-word.ts';
import type { IntakeConfig } from '../../base/config/config.ts';
import type { Faults } from '../../base/platform/faults.ts';
import type { Log } from '../../base/platform/log.ts';
import { createServiceLoop, type Trouble, type Troubles } from '../../base/platform/poll-loop.ts';
import { type Change, CommitLost, type Store, StoreTrouble } from '../../core/store/port.ts';
import type { IntakeItemRow } from '../../core/store/rows.ts';
import type { Projects } from '../repos/registry.ts';
import { type Deliveries, mustTakeDeliveries } from './deliveries.ts';
import { countsNow, roomNow } from './preview.ts';
import type { Claim, FollowActs, Found, Source, Work } from './source.ts';
import { createSource } from './sources/sources.ts';

export interface NewPlan {
  readonly project: string;
  readonly plan: string;
  readonly work: Work;
  /** As `PlanRow.author`. */
  readonly author: string;
  /** Written in the commit that registers it. */
  readonly before: readonly Change[];
}

export interface StartOfPlan {
  readonly project: string;
  readonly plan: string;
  readonly type: 'plan_start' | 'implement_start';
  readonly dedupeKey: string;
}

export interface IntakeWatchParts {
  readonly store: Pick<
    Store,
    | 'commit'
    | 'plan'
    | 'births'
    | 'intakeItem'
    | 'intakeUnstarted'
    | 'intakeCounts'
    | 'intakeSpent'
    | 'intakeMarks'
    | 'intakeThreads'
    | 'intakeAllowances'
    | 'intakeDeliveries'
    | 'lastDelivery'
    | 'waitingCounts'
  >;
  readonly home: string;
  readonly env: NodeJS.ProcessEnv;
  readonly projects: Pick<Projects, 'all' | 'get' | 'isElsewhere' | 'mustBeTrusted'>;
  readonly faults: Faults | undefined;
  readonly log: Log;
  readonly troubles: Troubles;
  intakes(): readonly IntakeConfig[];
  nowMs(): number;
  /** Whether this process still owns the home, and agents of all plans may start. */
  mayWork(): boolean;
  /** Throws `conflict` and `branch_taken` if the name or its branch is taken, and `CommitLost`. */
  register(plan: NewPlan): Promise<void>;
  /** Returns why the plan did not accept it; null: it did. Throws if its repo cannot start work now. */
  begin(start: StartOfPlan): Promise<string | null>;
  /** false: no agent of the plan accepts it now. */
  send: FollowActs['send'];
  readonly deliveries: Pick<Deliveries, 'onDelivery'>;
  /** Milliseconds between two rounds. Default: two seconds. */
  readonly everyMs?: number;
  /** Milliseconds between two requests to a tracker. Default: as its table says. */
  readonly pollMs?: number;
}

type FoundItem = Extract<Found, { kind: 'item' }>;

const lookMs = 2_000;
/** The time between two rounds without an intake; a change of the settings starts one at once. */
const idleMs = 3_600_000;
/** A repo that could not start work is tried again after this time. */
const againMs = 30_000;
const waitsForTurn = 'it waits until the one before it is over';
/** If one of these changes does not apply, another engine has made a plan of the item. */
const ofItems: ReadonlySet<Change['do']> = new Set(['intake.take', 'intake.mark', 'intake.delivered']);
/** The most names that are tried for a plan: `login`, `login-2` and so on. */
const nameTries = 50;

export function createIntakeWatch(parts: IntakeWatchParts) {
  const { store, projects, troubles, faults, everyMs = lookMs } = parts;
  /** The sources by name, each with the configuration that it was created for. */
  const sources = new Map<string, { readonly config: IntakeConfig; readonly source: Source }>();
  /** By intake: the last delivery that triggered a reading. Any host may have received it. */
  const deliveries = new Map<string, number>();

  const starts = createStarts(parts);
  const removed = createRemovedIntakes(parts);

  /** The intakes of the last round. */
  let looked: readonly string[] = [];

  function sourceOf(config: IntakeConfig): Source {
    const known = sources.get(config.name);
    if (known?.config === config) return known.source;
    const source = createSource(config, parts);
    sources.set(config.name, { config, source });
    return source;
  }

  async function takeItems(config: IntakeConfig): Promise<void> {
    const { project } = config;
    projects.get(project);
    projects.mustBeTrusted(project);
    const room = await roomNow(config, parts);
    const source = sourceOf(config);
    await source.settle?.(room);
    let left = room.items;
    // An intake that has reached its limits is skipped.
    const found = left === 0 ? [] : await source.look(room);
    const failures: unknown[] = [];
    for (const each of found) {
      if (left === 0 || !parts.mayWork()) break;
      if (each.kind !== 'item') continue;
      try {
        if (await takeFound(config, each)) left -= 1;
      } catch (thrown) {
        // An item that cannot become a plan delays no other item.
        if (thrown instanceof StoreTrouble) throw thrown;
        failures.push(thrown);
      }
    }
    if (failures.length > 0) throw failures[0];
  }

  /** Returns whether a plan was made. */
  async function takeFound(config: IntakeConfig, item: FoundItem): Promise<boolean> {
    const claim = await item.claim();
    if (claim === null) return false;
    faults?.('intake.after-claim');
    const isKnown = (await store.intakeItem(config.name, claim.item)) !== null;
    const isNew = !isKnown && (await takeItem(parts, config, item, claim));
    faults?.('intake.after-register');
    await claim.taken();
    return isNew;
  }

  async function round(config: IntakeConfig): Promise<void> {
    const { name } = config;
    const trouble = troubleOf(name);
    const failures: unknown[] = [];
    // Neither starting plans nor reporting states to a tracker waits for new items.
    for (const step of config.isEnabled ? [noteDelivery, takeItems, start, follow] : [follow])
      await step(config).catch((thrown: unknown) => failures.push(thrown));
    if (failures.length === 0) troubles.worked(trouble);
    else troubles.failed(trouble, failures[0]);
  }

  async function noteDelivery(config: IntakeConfig): Promise<void> {
    checkSecret(parts, config);
    const source = sourceOf(config);
    if (source.lookAtOnce === undefined) return;
    const last = await store.lastDelivery(config.name);
    if (last > (deliveries.get(config.name) ?? 0)) source.lookAtOnce();
    deliveries.set(config.name, last);
  }

  async function start(config: IntakeConfig): Promise<void> {
    projects.mustBeTrusted(config.project);
    await starts.startAll(config, sourceOf(config));
  }

  async function follow(config: IntakeConfig): Promise<void> {
    await sourceOf(config).follow?.({ faults, send: parts.send });
  }

  /** Ends the warnings about intakes that are off or removed. */
  function forgetTroubles(active: readonly IntakeConfig[]): void {
    for (const name of looked) {
      const config = active.find((each) => each.name === name);
      if (config === undefined) troubles.worked(troubleOf(name));
      if (config?.isEnabled !== true) troubles.worked(troubleOfDeliveries(name));
    }
    looked = active.map(({ name }) => name);
  }

  const loop = createServiceLoop({
    trouble: { what: 'items that become plans by themselves are not looked at' },
    troubles,
    everyMs,
    async work() {
      const all = parts.intakes();
      await removed.report(all);
      const here = all.filter(({ project }) => !projects.isElsewhere(project));
      const intakes = here.filter(({ isEnabled }) => isEnabled);
      if (here.length > intakes.length && parts.mayWork()) await forgetMarks(store, here);
      // Items that were accepted before an intake was switched off are still followed.
      const active = here.filter((config) => config.isEnabled || sourceOf(config).follow !== undefined);
      forgetTroubles(active);
      // A repo of another host may come here at any time.
      if (active.length === 0) return here.length === all.length && !removed.hasWaiting() ? idleMs : null;
      if (parts.mayWork()) await Promise.all(active.map(round));
      return null;
    },
  });

  parts.deliveries.onDelivery(loop.wake);
  return { start: () => loop.start(), configured: loop.wake, stop: loop.stop };
}

/** false: the item has already become a plan. */
async function takeItem(
  parts: IntakeWatchParts,
  { name: intake, project }: IntakeConfig,
  { title, plan: proposed }: { readonly title: string; readonly plan: string },
  { item, work, author: account, with: others }: Claim,
): Promise<boolean> {
  const author = account === undefined ? `intake:${intake}` : `intake:${intake}/${account}`;
  for (let number = 1; ; number += 1) {
    const plan = number === 1 ? proposed : `${proposed.slice(0, 120)}-${number}`;
    // It would be the name of a task.
    if (taskIn(plan) !== null) continue;
    const take = { intake, item, key: { project, plan }, title: title.slice(0, 300), at: parts.nowMs() };
    try {
      await parts.register({ project, plan, work, author, before: [{ do: 'intake.take', ...take }, ...others] });
      parts.log.info(`intake ${intake}: ${title.slice(0, 100)} is plan ${project}/${plan}`);
      return true;
    } catch (thrown) {
      if (thrown instanceof CommitLost && ofItems.has(thrown.change.do)) return false;
      const isTaken = thrown instanceof EngineError && ['conflict', 'branch_taken'].includes(thrown.code);
      if (!isTaken || number === nameTries) throw thrown;
    }
  }
}

/** Starts the plans of items. */
function createStarts(parts: IntakeWatchParts) {
  const { store, faults } = parts;
  /** Plans that could not be started, by intake and item, with the reason and the time of the next try. */
  const retries = new Map<string, { readonly atMs: number; readonly thrown: unknown }>();

  /** A plan that cannot be started delays no other plan. Throws the first reason. */
  async function startAll(config: IntakeConfig, source: Source): Promise<void> {
    const failures: unknown[] = [];
    for (const row of await startable(config, source)) {
      const key = `${row.intake} ${row.item}`;
      const retry = retries.get(key);
      if (retry !== undefined && retry.atMs > performance.now()) {
        failures.push(retry.thrown);
        continue;
      }
      try {
        await startPlan(config, row);
        retries.delete(key);
      } catch (thrown) {
        if (!(thrown instanceof EngineError)) throw thrown;
        failures.push(thrown);
        retries.set(key, { atMs: performance.now() + againMs, thrown });
        await note(row, { at: null, reason: onOneLine(withHint(thrown)) });
      }
    }
    if (failures.length > 0) throw failures[0];
  }

  async function startable(config: IntakeConfig, { isInTurn }: Source): Promise<readonly IntakeItemRow[]> {
    const rows = await store.intakeUnstarted(config.name);
    if (rows.length === 0 || isInTurn !== true) return rows;
    const { open } = await countsNow(config, parts);
    const isFree = open === rows.length;
    for (const row of isFree ? rows.slice(1) : rows)
      if (row.reason !== waitsForTurn) await note(row, { at: null, reason: waitsForTurn });
    return isFree ? rows.slice(0, 1) : [];
  }

  async function startPlan({ starts }: IntakeConfig, row: IntakeItemRow): Promise<void> {
    const { intake, item, project, plan } = row;
    const known = await store.plan(project, plan);
    if (known === null && (await store.births(project)).some((birth) => birth.plan === plan)) return;
    const at = parts.nowMs();
    if (known === null || known.status !== 'ready' || !starts) return note(row, { at, reason: null });
    const type = known.phase === 'planned' ? 'implement_start' : 'plan_start';
    const refusal = await parts.begin({ project, plan, type, dedupeKey: `intake:${intake}:${item}` });
    faults?.('intake.after-start');
    const hint = `start it with: stator plan advance ${shellWord(plan)}`;
    await note(row, { at, reason: refusal === null ? null : `${refusal}; ${hint}` });
  }

  async function note({ intake, item }: IntakeItemRow, start: { at: number | null; reason: string | null }) {
    await store.commit([{ do: 'intake.note-start', intake, item, ...start }]);
  }

  return { startAll };
}

/** A wrong secret is only reported: accepted deliveries and polled items still become plans. */
function checkSecret(parts: IntakeWatchParts, config: IntakeConfig): void {
  const { troubles } = parts;
  const trouble = troubleOfDeliveries(config.name);
  try {
    mustTakeDeliveries(config, parts);
    troubles.worked(trouble);
  } catch (thrown) {
    troubles.failed(trouble, thrown);
  }
}

/** While a schedule is off, its times do not count as missed. */
async function forgetMarks(store: IntakeWatchParts['store'], intakes: readonly IntakeConfig[]): Promise<void> {
  const off = new Set(intakes.flatMap(({ name, isEnabled }) => (isEnabled ? [] : [name])));
  const over = (await store.intakeMarks()).filter(({ intake }) => off.has(intake));
  if (over.length > 0) await store.commit(over.map(({ intake }) => ({ do: 'intake.unmark', intake })));
}

/** Warns about deliveries that wait for an intake that was removed from the configuration. */
function createRemovedIntakes({ store, troubles }: Pick<IntakeWatchParts, 'store' | 'troubles'>) {
  /** The configuration for which deliveries of removed intakes were last searched. */
  let lookedFor: readonly IntakeConfig[] | null = null;
  /** Removed intakes with waiting deliveries. */
  let gone: ReadonlySet<string> = new Set();

  return {
    /** Removed intakes are in no list, so this warning is their only trace. */
    async report(all: readonly IntakeConfig[]): Promise<void> {
      if (all === lookedFor && gone.size === 0) return;
      const names = new Set(all.map(({ name }) => name));
      const left = (await store.waitingCounts()).filter(({ intake }) => !names.has(intake));
      for (const name of gone) if (!left.some(({ intake }) => intake === name)) troubles.worked(troubleOfGone(name));
      for (const { intake, waiting } of left) {
        const why = `daemon.toml has no [intake.${intake}]; deliveries that wait for it: ${waiting}`;
        troubles.failed(troubleOfGone(intake), new Error(why));
      }
      gone = new Set(left.map(({ intake }) => intake));
      lookedFor = all;
    },
    /** Whether the last round found any. */
    hasWaiting: () => gone.size > 0,
  };
}

function troubleOf(name: string): Trouble {
  return { what: `intake ${name} does not work`, isRare: true, hint: `see it: stator intake show ${name}` };
}

function troubleOfDeliveries(name: string): Trouble {
  return {
    what: `intake ${name} takes no deliveries`,
    isRare: true,
    hint: 'they are taken again by themselves once that is corrected',
  };
}

function troubleOfGone(name: string): Trouble {
  return {
    what: `intake ${name} is gone`,
    isRare: true,
    hint: `write the table again, or drop them: stator intake drop ${name}`,
  };
}
