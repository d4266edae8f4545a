/** Plays one story: engines over one store start and stop, things happen, and everything is checked. Returns the first violation. */

import BetterSqlite3 from 'better-sqlite3';
import { planTree, supervisorTree, type TreeAddress } from '../../machines/vocabulary/ids.ts';
import type { Origin, SignalType } from '../../machines/vocabulary/signal.ts';
import type { FaultPoint } from '../../runtime/base/platform/faults.ts';
import { takeSlots } from '../../runtime/core/outbox/slots.ts';
import type { HookInForce } from '../../runtime/core/store/hook-rows.ts';
import { type Change, type Commit, insertSignal, type Store, StoreTrouble } from '../../runtime/core/store/port.ts';
import type { NewSignal, SignalRow } from '../../runtime/core/store/rows.ts';
import { storeError } from '../../runtime/core/store/sqlite/db.ts';
import type { Timeline } from '../../runtime/core/store/timeline.ts';
import { randomOf } from '../support/random.ts';
import type { Coverage } from './coverage.ts';
import { createDisk } from './disk.ts';
import { endStory } from './ending.ts';
import type { EngineFault } from './engine-faults.ts';
import { checkRest } from './final.ts';
import { beginLife, type Life } from './life.ts';
import { createSchedule, world as nobody, virtually } from './schedule.ts';
import type { Happening, Story } from './story.ts';
import { createWatcher } from './watcher.ts';
import { createWorld } from './world.ts';

export interface Played {
  /** The first violation; null: none. */
  readonly failure: string | null;
  readonly steps: number;
  /** Every step with its virtual time. */
  readonly trace: readonly string[];
}

export interface PlayOptions {
  readonly coverage?: Coverage;
  /** A deliberate bug in the engine. */
  readonly fault?: EngineFault;
}

export type Simulation = ReturnType<typeof createSimulation>;

/** Steady clocks start anywhere. */
const beginMs = 1_000_000;
const wallBeginMs = Date.UTC(2000, 0, 1);
/** More steps than any story needs: beyond them it loops. */
const stepLimit = 20_000;
const minute = 60_000;

/** Queries about when to check again: no decision depends on them, and they are the most frequent ones. */
const rhythmic: ReadonlySet<keyof Store> = new Set(['nextSignalIn', 'queuedLanes', 'nextEffectAt']);

const hooks: readonly HookInForce[] = [
  { name: 'usual', type: 'webhook', events: [], enabled: true },
  { name: 'few', type: 'webhook', events: ['blocked', 'wave_failed', 'wave_finished'], enabled: true },
];

/** The same story always gives the same run. */
export async function play(story: Story, options: PlayOptions = {}): Promise<Played> {
  const simulation = createSimulation(story, options);
  const { clock, random, wallMs } = simulation;
  return virtually({ clock, random, wallMs }, async () => {
    try {
      await simulation.open();
      await simulation.go();
      await endStory(simulation, story.ending);
    } catch (thrown) {
      simulation.violated(thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown));
    } finally {
      simulation.close();
    }
    const { schedule } = simulation;
    return { failure: simulation.failure(), steps: schedule.steps(), trace: schedule.trace };
  });
}

/** Thrown out of an engine that was just killed. */
class Died extends Error {}
/** Thrown to leave a failed run. */
class Over extends Error {}

function createSimulation(story: Story, { coverage, fault }: PlayOptions) {
  const random = randomOf(story.seed ^ 0x5bd1e995);
  const schedule = createSchedule({ random, beginMs });
  const { clock } = schedule;
  let wallOffsetMs = wallBeginMs - beginMs;
  let boot = 1;
  const wallMs = () => clock.nowMs() + wallOffsetMs;
  const engineClock = { ...clock, nowMs: wallMs, steadyMs: clock.nowMs, boot: () => `boot ${boot}` };
  const happenings = [...story.happenings];
  /** The fault points at which the next passing engine is killed. */
  const deadly = new Set<FaultPoint>();
  const trouble = { full: 0, locked: 0 };
  const lives = new Map<number, Life>();
  const watchers = new Set<(written: null) => void>();
  const acknowledged: number[] = [];
  let failure: string | null = null;
  let epoch = 0;
  /** Which engine owns the home; 0: none. */
  let owner = 0;
  let wellSinceMs = clock.nowMs();
  const deaths: (() => void)[] = [];
  let speaking = 0;

  const disk = createDisk(story.disk, (point) => passes(schedule.acting(), point));
  const chanceOf = (text: string) => {
    let hash = story.seed;
    for (let index = 0; index < text.length; index += 1) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
    return randomOf(hash)();
  };
  const world = createWorld({
    schedule,
    limits: story.limits,
    chanceOf,
    violated,
    says: ({ row, effect }, type, payload) =>
      void say({ tree: row.tree, type, payload, origin: `agent:${effect.title}`, run: effect.id }),
  });
  const watcher = createWatcher({
    world,
    store: disk.store,
    nowMs: clock.nowMs,
    boot: () => `boot ${boot}`,
    wellSinceMs: () => wellSinceMs,
    violated,
  });

  function violated(what: string): void {
    failure ??= what;
  }

  /** An engine passes a fault point between two writes. */
  function passes(life: number, point: FaultPoint): void {
    coverage?.point(point);
    if (life === nobody || !deadly.delete(point)) return;
    coverage?.point(`${point}: dies`);
    die(life);
    throw new Died(`engine ${life} dies at ${point}`);
  }

  function die(life: number): void {
    schedule.kill(life);
    lives.delete(life);
    if (owner === life) owner = nobody;
    for (const report of deaths.splice(0)) report();
    restartSoon();
  }

  function restartSoon(): void {
    clock.after(1_000 + Math.floor(random() * 5_000), () => {
      if (owner === nobody) begin();
    });
  }

  /** Another engine owns the home from here on. */
  function begin(): void {
    epoch += 1;
    const life = epoch;
    owner = life;
    wellSinceMs = clock.nowMs();
    let timeline: Timeline | null = null;
    const handlers = world.handlersOf(life);
    const store = guarded(life, () => timeline);
    const begun = beginLife({
      epoch: life,
      store: fault?.store?.({ store, clock: engineClock, timeline: () => timeline }) ?? store,
      clock: engineClock,
      handlers: fault?.handlers?.(handlers) ?? handlers,
      policy: story.policy,
      limits: story.limits,
      hooks,
      log: {
        debug() {},
        info() {},
        warn() {},
        error(message, thrown) {
          const isTrouble = thrown instanceof StoreTrouble || thrown instanceof Died;
          const isRaced =
            epoch > life || /settled by somebody else|the store is not as it was read/.test(`${message} ${thrown}`);
          if (!isTrouble && !isRaced) violated(`${message}: ${thrown instanceof Error ? thrown.stack : thrown}`);
        },
      },
      isOwner: () => owner === life || schedule.isDead(life),
      faults: (point) => passes(life, point),
      onTimeline: (opened) => {
        timeline = opened;
      },
    });
    void begun.then(
      (one) => {
        if (!schedule.isDead(life)) lives.set(life, one);
      },
      () => die(life),
    );
  }

  /** The store as one engine sees it: each call waits for its turn, may fail, and is checked. */
  function guarded(life: number, timeline: () => Timeline | null): Store {
    const own: Partial<Store> = {
      file: 'store',
      watch(onChange) {
        watchers.add(onChange);
        return () => void watchers.delete(onChange);
      },
      loss: () => null,
      close: () => {},
      commit: (changes) =>
        schedule.gate(life, `commits ${changes.map((change) => change.do).join(' ')}`, () => {
          meetsTrouble('full');
          return commit(changes, timeline());
        }),
      claim: (now, options) =>
        schedule.gate(life, 'claim', async () => {
          meetsTrouble('locked');
          const rows = await disk.store().claim(now, options);
          watcher.claimed(rows);
          return rows;
        }),
    };
    return new Proxy(own, {
      get(known, name: keyof Store) {
        if (name in known) return known[name];
        return (...given: unknown[]) => {
          const read = () => (disk.store()[name] as (...args: unknown[]) => unknown)(...given); // what is not a function is known
          if (rhythmic.has(name)) return schedule.isDead(life) ? new Promise(() => {}) : read();
          return schedule.gate(life, name, () => {
            meetsTrouble('locked');
            return read();
          });
        };
      },
    }) as Store;
  }

  async function commit(changes: readonly Change[], timeline: Timeline | null): Promise<Commit> {
    // If no more power failure will happen, the state on disk is not needed.
    if (happenings.some((one) => one.do === 'power')) disk.beforeCommit(changes);
    if (timeline !== null)
      for (const change of changes)
        if (change.do === 'signal.insert' && change.type === 'timer_due')
          watcher.noteTimer(
            change.tree,
            String(change.run),
            clock.nowMs() + (change.deliverAt ?? 0) - timeline.nowMs(),
          );
    const answer = await disk.store().commit(changes);
    coverage?.commit(changes, answer);
    await watcher.committed(changes, answer);
    return answer;
  }

  function meetsTrouble(kind: 'full' | 'locked'): void {
    const isLocked = trouble.locked > 0;
    if (!isLocked && (kind !== 'full' || trouble.full === 0)) return;
    const [code, text] = isLocked ? ['SQLITE_BUSY', 'database is locked'] : ['SQLITE_FULL', 'database or disk is full'];
    if (isLocked) trouble.locked -= 1;
    else trouble.full -= 1;
    wellSinceMs = clock.nowMs();
    coverage?.point(`the store says ${code}`);
    throw storeError(new BetterSqlite3.SqliteError(text ?? '', code ?? ''), 'store');
  }

  /** Repeats the signal until an engine has acknowledged it. */
  async function say(signal: Omit<NewSignal, 'at' | 'tree'> & { readonly tree: TreeAddress }): Promise<number | null> {
    speaking += 1;
    try {
      for (let tries = 0; tries < 200 && failure === null; tries += 1) {
        const life = lives.get(owner);
        if (life !== undefined) {
          const died = new Promise<null>((resolve) => deaths.push(() => resolve(null)));
          try {
            const added = await Promise.race([life.pump.add({ ...signal, at: wallMs() }), died]);
            if (added !== null) {
              acknowledged.push(added.id);
              return added.id;
            }
          } catch (thrown) {
            if (!(thrown instanceof StoreTrouble)) throw thrown;
          }
        }
        await new Promise<void>((resolve) => clock.after(1_000, resolve));
      }
      return null;
    } catch (thrown) {
      violated(`${signal.type} was not taken: ${thrown}`);
      return null;
    } finally {
      speaking -= 1;
    }
  }

  function sayAs(origin: Origin, tree: TreeAddress, type: SignalType, payload: object): Promise<number | null> {
    return say({ tree, type, payload, origin });
  }

  /** Another program writes a row: the engine sees it within a second. */
  async function insertFromOutside(signal: NewSignal): Promise<void> {
    await insertSignal(disk.store(), signal);
    clock.after(1_000, () => {
      for (const look of [...watchers]) look(null);
    });
  }

  async function happen(one: Happening): Promise<void> {
    coverage?.point(`happens: ${one.do}`);
    const working = world.living();
    const process = 'which' in one ? working[one.which % Math.max(1, working.length)] : undefined;
    switch (one.do) {
      case 'say': {
        const plan = story.plans[one.plan];
        if (plan !== undefined) void sayAs('person', planTree(plan.project, plan.plan), one.type, one.payload);
        return;
      }
      case 'say-agent':
        if (process !== undefined)
          void sayAs('person', process.row.tree, one.type, { title: process.effect.title, ...one.payload });
        return;
      case 'agent-says':
        if (process !== undefined)
          void say({
            ...{ tree: process.row.tree, type: one.type, payload: one.payload },
            ...{ origin: `agent:${process.effect.title}`, run: process.effect.id },
          });
        return;
      case 'kill':
        if (owner === nobody) return;
        if (one.when === 'before') die(owner);
        else {
          const doomed = owner;
          schedule.killAfterNext(doomed, () => die(doomed));
        }
        return;
      case 'kill-at':
        deadly.add(one.point);
        return;
      case 'power':
        for (const life of [...lives.keys(), owner]) if (life !== nobody) schedule.kill(life);
        lives.clear();
        owner = nobody;
        for (const report of deaths.splice(0)) report();
        world.losePower();
        disk.losePower(random());
        boot += 1;
        restartSoon();
        return;
      case 'restart':
        leave(owner);
        return;
      case 'second-owner': {
        const first = owner;
        if (first === nobody) return;
        begin();
        clock.after(3_000, () => leave(first));
        return;
      }
      case 'full':
      case 'locked':
        trouble[one.do] += one.times;
        return;
      case 'jump':
        wallOffsetMs += one.byMs;
        return;
      case 'throw':
        world.throwing.push(one.what);
        return;
      case 'double':
        return double(one);
      case 'lose':
        process?.end(null);
        return;
      case 'deaf':
        world.deafen(one.forMs);
        return;
    }
  }

  /** Stops in order; running work is abandoned. */
  function leave(life: number): void {
    const one = lives.get(life);
    if (one === undefined) return;
    lives.delete(life);
    if (owner === life) owner = nobody;
    void one.stop().then(() => {
      schedule.kill(life);
      for (const report of deaths.splice(0)) report();
      if (owner === nobody) restartSoon();
    });
  }

  /** The result of an effect is reported a second time. */
  async function double({ which, keyed }: { which: number; keyed: boolean }): Promise<void> {
    const rows = (await disk.store().signals({})).filter(({ dedupe_key: key }) => key?.endsWith(':done') === true);
    const row: SignalRow | undefined = rows[which % Math.max(1, rows.length)];
    if (row?.tree == null) return;
    await insertFromOutside({
      ...{ tree: row.tree as TreeAddress, type: row.type, payload: JSON.parse(row.payload), origin: 'engine' },
      ...{ run: row.run, dedupeKey: keyed ? row.dedupe_key : null, at: wallMs() },
    });
  }

  async function open(): Promise<void> {
    const put = (tree: TreeAddress, type: SignalType, payload: object, origin: Origin = 'engine') =>
      insertFromOutside({ tree, type, payload, origin, at: wallMs() });
    const { policy, plans } = story;
    begin();
    await put(supervisorTree, 'supervisor_opened', {});
    for (const project of new Set(plans.map((plan) => plan.project)))
      await put(supervisorTree, 'repo_registered', { project, policy });
    // A person registers a plan only after the repo was registered.
    while ((await disk.store().signals({ status: 'pending' })).length > 0) await schedule.step();
    for (const { project, plan, content } of plans) {
      const payload = { content, branch: `plan/${plan}`, topic: null, generation: 0, policy };
      await put(planTree(project, plan), 'plan_opened', payload);
      await put(planTree(project, plan), 'implement_start', {}, 'person');
    }
  }

  /** Nothing works, and nothing will happen automatically. */
  async function isAtRest(): Promise<boolean> {
    if (happenings.length > 0 || !schedule.isIdle() || speaking > 0 || !lives.has(owner)) return false;
    if (world.working() > 0) return false;
    const store = disk.store();
    if ((await store.effects({ by: 'running' })).length > world.living().length) return false;
    if ((await store.signals({ status: 'pending', limit: 1 })).length > 0) return false;
    // Agents that their plan holds back wait for a person.
    const queued = (await store.effects({ by: 'open' })).filter(({ kind }) => kind !== 'agent.run');
    // So do agents whose slot is used by a paused one.
    const starting = await Promise.all(
      (['worker', 'coordinator'] as const).map(async (lane) => {
        const candidates = await store.startable({ lane, nowMs: Number.MAX_SAFE_INTEGER, closed: [], agents: 'all' });
        const busy = await store.effectCounts(lane, 'running');
        return takeSlots({ lane, candidates, busy, limits: story.limits, servedLast: '' });
      }),
    );
    return queued.length === 0 && starting.flat().length === 0;
  }

  /** Runs until nothing moves any more. Throws if that takes too long. */
  async function go(): Promise<void> {
    const limit = schedule.steps() + stepLimit;
    let lookAtMs = 0;
    for (;;) {
      if (failure !== null) throw new Over(failure);
      while (happenings[0] !== undefined && happenings[0].at <= schedule.steps())
        await happen(happenings.shift() as Happening);
      const goesOn = await schedule.step();
      if (schedule.isIdle() && clock.nowMs() >= lookAtMs) {
        lookAtMs = clock.nowMs() + minute / 6;
        if (await isAtRest()) return;
        // Nothing more happens automatically, so the next happening happens now.
        const [next] = happenings;
        if (next !== undefined && (await isQuiet())) await happen(happenings.shift() as Happening);
      }
      if (!goesOn) throw new Error('nothing waits for anything, and it is not over');
      if (schedule.steps() > limit)
        throw new Error(`it does not come to rest in ${stepLimit} steps: ${await unrest()}`);
    }
  }

  /** Everything that is still to happen. */
  async function unrest(): Promise<string> {
    const store = disk.store();
    const open = await store.effects({ by: 'open' });
    const pending = await store.signals({ status: 'pending' });
    const of = {
      happenings: happenings.length,
      speaking,
      owner,
      lives: [...lives.keys()],
      living: world.living().length,
    };
    return JSON.stringify({
      ...of,
      open: open.map(({ key, status, lane, next_at: at, epoch: by }) => [key, status, lane, at, by]),
      pending: pending.map(({ id, type, tree, deliver_at: at }) => [id, type, tree, at]),
    });
  }

  async function isQuiet(): Promise<boolean> {
    const store = disk.store();
    return world.working() === 0 && (await store.effects({ by: 'running' })).length === world.living().length;
  }

  async function check(): Promise<void> {
    const life = lives.get(owner);
    if (life === undefined) return violated('no engine owns the home');
    await watcher.checkRows();
    const holdsSlots = world.living().length > 0;
    const acting = checkRest({ store: disk.store(), life, clock: engineClock, acknowledged, holdsSlots, violated });
    let isDone = false;
    void acting.finally(() => {
      isDone = true;
    });
    // The live trees are read through their engine's gates.
    while (!isDone) await schedule.step();
    await acting;
    if (failure !== null) throw new Over(failure);
  }

  return {
    story,
    schedule,
    clock,
    random,
    wallMs,
    violated,
    open,
    go,
    check,
    /** From here on no more failures are injected. */
    calm(): void {
      deadly.clear();
      schedule.spare();
      Object.assign(trouble, { full: 0, locked: 0 });
      world.calm();
    },
    /** The live tree, read through its engine's gates. */
    async tree(address: TreeAddress) {
      const reading = lives.get(owner)?.cache.get(address);
      let isDone = reading === undefined;
      void reading?.finally(() => {
        isDone = true;
      });
      while (!isDone) await schedule.step();
      return reading;
    },
    person: (tree: TreeAddress, type: SignalType, payload: object = {}) => sayAs('person', tree, type, payload),
    store: disk.store,
    life: () => lives.get(owner),
    failure: () => failure,
    world,
    close: disk.close,
  };
}
