/** Runs played by hand in a world of chaos that is kept calm: a run begins, sends signals, ends. */
import type { AgentRun } from '../../machines/vocabulary/effect.ts';
import type { SignalType } from '../../machines/vocabulary/signal.ts';
import { plan, type Row, type World } from './chaos.ts';
import { sha } from './simulation.ts';

export type RunRow = Row & { effect: AgentRun };

export function runs(world: World): RunRow[] {
  return [...world.rows.values()].filter((row): row is RunRow => row.effect.kind === 'agent.run');
}

/** The open run of the agent with this title. */
export function run(world: World, title: string): RunRow {
  const row = runs(world).findLast((one) => one.effect.title === title && one.state !== 'closed');
  if (row === undefined) throw new Error(`no run of ${title}; there are ${runs(world).map((one) => one.effect.title)}`);
  return row;
}

export function titles(world: World): string[] {
  return world
    .open()
    .flatMap(({ effect }) => (effect.kind === 'agent.run' ? [effect.title] : []))
    .sort();
}

export function begin(world: World, title: string): RunRow {
  const row = run(world, title);
  row.state = 'running';
  world.post(plan, 'run_starting', {}, { run: row.effect.id });
  world.post(plan, 'run_started', { base: world.context().head ?? sha(0) }, { run: row.effect.id });
  world.drain();
  return row;
}

/** Sends a signal of the agent itself, with its token; returns the outcome. */
export function say(world: World, row: RunRow, type: SignalType, payload: object = {}): string {
  const origin = `agent:${row.effect.title}` as const;
  const step = world.handle({ tree: plan, type, payload, origin, run: row.effect.id });
  const verdict = step?.verdict;
  const word = verdict === undefined ? 'gone' : verdict.status === 'done' ? verdict.result : verdict.status;
  world.drain();
  return word;
}

export function exit(world: World, row: RunRow, code = 0): void {
  world.report(row, 'run_exited', { code, cause: 'exit', detail: code === 0 ? '' : `exit ${code}` });
  world.drain();
}

/** Answers the latest open effect of a kind. */
export function reply(world: World, kind: Row['effect']['kind'], type: SignalType, payload: object = {}): void {
  const row = world.open().findLast((one) => one.effect.kind === kind);
  if (row === undefined) throw new Error(`no ${kind} is asked for`);
  world.report(row, type, payload);
  world.drain();
}

/** A run from its start to its merge. */
export function finishTask(world: World, title: string): void {
  exit(world, begin(world, title));
  reply(world, 'work.commit', 'work_committed', { head: world.nextSha(), base: sha(0), changed: true });
  reply(world, 'work.merge', 'work_merged', { head: world.nextSha() });
}
