/** Checks every commit for violations: of limits, rows without work, work without rows, timers at the wrong time. */
import type { Change, Commit, Store } from '../../runtime/core/store/port.ts';
import type { SignalRow } from '../../runtime/core/store/rows.ts';
import type { World } from './world.ts';

interface Timer {
  readonly dueMs: number;
  readonly boot: string;
}

export interface WatcherParts {
  readonly world: World;
  readonly store: () => Store;
  /** The steady clock. */
  readonly nowMs: () => number;
  readonly boot: () => string;
  /** Since when the engine has been running without trouble with its store. */
  readonly wellSinceMs: () => number;
  violated(what: string): void;
}

/** Every timer is checked at this interval, and then fires. */
const lateMs = 60_000;

export function createWatcher({ world, store, nowMs, boot, wellSinceMs, violated }: WatcherParts) {
  const timers = new Map<string, Timer>();

  /** A timer was set for that steady time. */
  function noteTimer(tree: string, run: string, dueMs: number): void {
    timers.set(`${tree}/${run}`, { dueMs, boot: boot() });
  }

  function claimed(rows: readonly SignalRow[]): void {
    for (const { type, tree, run, attempts } of rows) {
      if (type !== 'timer_due' || attempts > 0) continue;
      const timer = timers.get(`${tree}/${run}`);
      // After the machine has restarted, only the wall clock shows how long it was off.
      if (timer === undefined || timer.boot !== boot()) continue;
      const lateBy = nowMs() - Math.max(timer.dueMs, wellSinceMs());
      if (nowMs() < timer.dueMs) violated(`the timer ${run} comes ${timer.dueMs - nowMs()} ms early`);
      if (lateBy > lateMs) violated(`the timer ${run} comes ${lateBy} ms late`);
    }
  }

  async function committed(changes: readonly Change[], commit: Commit): Promise<void> {
    if (commit.status === 'lost') return;
    for (const change of changes) {
      const ends = ['effect.settle', 'effect.try-again', 'effect.put-back'].includes(change.do);
      const process = ends && 'key' in change ? world.processes.get(String(change.key)) : undefined;
      if (process?.isAlive === true) violated(`${process.row.key} gives its slot back while its process lives`);
    }
    if (changes.some((change) => change.do === 'effect.take' || change.do === 'effect.stop')) await checkRows();
  }

  /** Every running process has a row that says so. */
  async function checkRows(): Promise<void> {
    const rows = await store().effects({ by: 'running' });
    const keys = new Set(rows.map(({ key }) => key));
    for (const { row } of world.living()) if (!keys.has(row.key)) violated(`${row.key} runs, and no row says so`);
    const resources = rows.map(({ project, resource }) => `${project} ${resource}`);
    const twice = resources.find((one, index) => resources.indexOf(one) !== index);
    if (twice !== undefined) violated(`${twice} is given to two at once`);
  }

  return { noteTimer, claimed, committed, checkRows };
}
