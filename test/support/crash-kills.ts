/** Runs plans through kills, life after life of their engines, and proves after each plan that nothing was lost or done twice. */
import { renameSync } from 'node:fs';
import { expect } from 'vitest';
import { type Fault, kill, type Life, type LifeEnd, makeScenario, openRuns, type Scenario } from './crash.ts';
import { expectNothingLost, expectRunsToBelong } from './crash-proof.ts';

/** The killed process: the engine, all processes of this home at once, or one process of one run. */
export type Victim = 'engine' | 'everything' | 'wrapper' | 'agent';

/** `afterMs`: since the last kill, or since the start of the engine's process. */
export interface Moment {
  readonly victim: Victim;
  readonly afterMs: number;
  /** Which of several processes; 0 to 1. */
  readonly which: number;
}

const pollMs = 10;

interface KillOptions {
  readonly isWalled?: boolean;
  /** The home is missing after each kill, while agents work and end, and comes back before the next engine. */
  readonly homeGoes?: boolean;
}

/** Longer than most agents of a scenario run. */
const awayMs = 200;

async function withScenario(work: (scenario: Scenario) => Promise<void>, options: KillOptions = {}): Promise<void> {
  const scenario = makeScenario(undefined, options);
  try {
    await work(scenario);
  } finally {
    for (const pid of scenario.processes()) kill(pid);
    scenario.remove();
  }
}

async function prove(scenario: Scenario, killed: readonly string[], eachOnce: boolean): Promise<void> {
  try {
    await expectNothingLost(scenario, { eachOnce });
  } catch (thrown) {
    throw new Error(`after a kill of ${killed.join(', ')}:\n${thrown instanceof Error ? thrown.message : thrown}`, {
      cause: thrown,
    });
  }
}

/** One life for each fault, with as many plans as necessary: if a plan ends before the point is reached, the next one continues. */
export async function killAtEach(faults: readonly Fault[], options: KillOptions = {}): Promise<void> {
  const left = [...faults];
  while (left.length > 0) await withScenario((scenario) => throughFaults(scenario, left, options), options);
}

async function throughFaults(scenario: Scenario, left: Fault[], { homeGoes = false }: KillOptions): Promise<void> {
  const killed: string[] = [];
  for (;;) {
    const fault = left[0];
    const { how, said } = await (fault === undefined ? scenario.carry() : scenario.live({ fault }).ended);
    expect(how, `after ${killed.join(', ')}\n${said}`).not.toBe('stuck');
    if (how === 'done') {
      if (fault !== undefined && killed.length === 0) throw new Error(`${fault.point} never came ${fault.nth} times`);
      return prove(scenario, killed, true);
    }
    left.shift();
    if (fault !== undefined) killed.push(`${fault.point} ${fault.nth}${fault.isLate === true ? ' late' : ''}`);
    expectRunsToBelong(scenario.home);
    if (homeGoes) await awayForAWhile(scenario.home);
  }
}

async function awayForAWhile(home: string): Promise<void> {
  renameSync(home, `${home}.away`);
  await new Promise((resolve) => setTimeout(resolve, awayMs));
  renameSync(`${home}.away`, home);
}

/** Kills at each of the moments, with as many plans as necessary. */
export async function killAtMoments(moments: readonly Moment[]): Promise<void> {
  const left = [...moments];
  while (left.length > 0) await withScenario((scenario) => throughMoments(scenario, left));
}

async function throughMoments(scenario: Scenario, left: Moment[]): Promise<void> {
  const killed: string[] = [];
  const victims = new Set<Victim>();
  for (;;) {
    const life = scenario.live();
    const end = await killWithin(life, scenario, left, (moment) => {
      victims.add(moment.victim);
      killed.push(`${moment.victim} after ${Math.round(moment.afterMs)} ms`);
    });
    expect(end.how, `after ${killed.join(', ')}\n${end.said}`).not.toBe('stuck');
    expectRunsToBelong(scenario.home);
    if (end.how !== 'done') continue;
    const eachOnce = victims.size === 0 || (victims.size === 1 && victims.has('engine'));
    return prove(scenario, killed, eachOnce);
  }
}

/** Kills while this engine lives; the remaining moments are left for the next one. */
async function killWithin(
  life: Life,
  scenario: Scenario,
  left: Moment[],
  onKill: (moment: Moment) => void,
): Promise<LifeEnd> {
  let end: LifeEnd | null = null;
  const ended = life.ended.then((how) => {
    end = how;
  });
  const isOver = () => end !== null || life.process.exitCode !== null || life.process.signalCode !== null;
  while (!isOver()) {
    const moment = left[0];
    if (moment === undefined) break;
    await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, moment.afterMs))]);
    while (!isOver() && !strike(life, scenario, moment)) {
      await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, pollMs))]);
    }
    if (isOver() && life.process.signalCode !== 'SIGKILL' && !isLocal(moment)) break;
    left.shift();
    onKill(moment);
    if (!isLocal(moment)) break;
  }
  return life.ended;
}

/** Whether the engine survives the kill. */
function isLocal({ victim }: Moment): boolean {
  return victim === 'wrapper' || victim === 'agent';
}

/** false: there is no process of that kind now. */
function strike({ process: engine }: Life, { home, processes }: Scenario, { victim, which }: Moment): boolean {
  if (victim === 'engine') {
    kill(engine.pid);
    return true;
  }
  if (victim === 'everything') {
    kill(engine.pid);
    // Twice, because a process may have been starting a child at the first reading.
    for (const pid of processes()) kill(pid);
    for (const pid of processes()) kill(pid);
    return true;
  }
  const ours = new Set(processes());
  const found = openRuns(home, victim === 'wrapper' ? 'claim' : 'pid').filter((pid) => ours.has(pid));
  const chosen = found[Math.floor(which * found.length)];
  kill(chosen);
  return chosen !== undefined;
}
