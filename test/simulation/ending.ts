/** A person's actions when nothing moves any more: each plan is cancelled or brought to its end. Both must always be possible. */

import { actorsOf, snapshotOf } from '../../actors/addressee.ts';
import { failuresOf, planContext } from '../../actors/plan-view.ts';
import { stateText } from '../../actors/recorder.ts';
import { planTree } from '../../machines/vocabulary/ids.ts';
import type { SignalType } from '../../machines/vocabulary/signal.ts';
import type { PlanRow } from '../../runtime/core/store/rows.ts';
import { planText, wordsOn } from '../support/simulation.ts';
import type { Simulation } from './run.ts';
import type { Story } from './story.ts';

/** The most signals of a person until a plan has ended. */
const roundLimit = 60;

export async function endStory(simulation: Simulation, ending: Story['ending']): Promise<void> {
  await simulation.check();
  simulation.calm();
  if (ending === 'cancel') await cancelAll(simulation);
  else await finishAll(simulation);
  await simulation.check();
}

async function cancelAll(simulation: Simulation): Promise<void> {
  const { store, go, violated } = simulation;
  for (const { project, plan, status } of await store().plans(null))
    if (status !== 'cancelled') await mustTake(simulation, { project, plan }, 'cancel');
  await go();
  for (const { project, plan, status } of await store().plans(null)) {
    if (status !== 'cancelled') violated(`${project}/${plan} was cancelled, and is ${status}`);
    const open = await store().effects({ by: 'tree', tree: planTree(project, plan) });
    if (open.length > 0) violated(`${project}/${plan} is cancelled, and ${open[0]?.key} is open`);
  }
}

interface Which {
  readonly project: string;
  readonly plan: string;
}

/** Sends the signal, and checks that it was carried out. */
async function mustTake(
  { person, store, go, violated }: Simulation,
  { project, plan }: Which,
  type: SignalType,
  payload: object = {},
): Promise<void> {
  let id: number | null | undefined;
  void person(planTree(project, plan), type, payload).then((added) => {
    id = added;
  });
  await go();
  if (id == null) return violated(`nobody took ${type} of ${project}/${plan}`);
  const row = await store().signal(id);
  if (row?.status !== 'done') violated(`${type} of ${project}/${plan} is ${row?.status}: ${row?.result}`);
}

async function finishAll(simulation: Simulation): Promise<void> {
  const { store, go, violated } = simulation;
  for (let round = 0; round < roundLimit; round += 1) {
    const rows = (await store().plans(null)).filter(({ status }) => status !== 'done');
    if (rows.length === 0) return;
    for (const row of rows) await oneStep(simulation, row, round);
    await go();
  }
  for (const { project, plan, status, phase, blocked } of await store().plans(null))
    if (status !== 'done') violated(`${project}/${plan} is never done: ${status} ${phase} ${JSON.stringify(blocked)}`);
}

/** The one thing that a patient person would do now; nothing if the plan waits for another one. */
async function oneStep(simulation: Simulation, { project, plan }: PlanRow, round: number): Promise<void> {
  const { store } = simulation;
  const row = await store().plan(project, plan);
  const tree = (await simulation.tree(planTree(project, plan)))?.tree;
  if (row === null || tree === undefined) return;
  const which = { project, plan };
  const { value, context } = snapshotOf(tree.root);
  const lifecycle = stateText(value.lifecycle ?? '');
  const say = (type: SignalType, payload: object = {}) => mustTake(simulation, which, type, payload);
  const others = await Promise.all(planContext(tree).after.map((other) => store().plan(project, other)));
  const waves = planContext(tree).waves.map(({ tasks }) => tasks.length);
  const isBegun = lifecycle.startsWith('underway');
  // The plan has no waves, or waits for an unknown plan. Work that has begun stays unchanged.
  if ((!context.isParsed && !isBegun) || others.includes(null))
    return say('plan_updated', { content: planText(isBegun || context.isParsed ? waves : [2, 1]) });
  if (value.gate === 'paused') return say('resume');
  const paused = [...actorsOf(tree.root)].find(
    (actor) => snapshotOf(actor).machine.id === 'agent' && stateText(snapshotOf(actor).value) === 'paused',
  );
  if (paused !== undefined) return say('agent_resume', { title: snapshotOf(paused).context.title });
  if (value.attention !== 'clear') {
    const questions = planContext(tree).questions.map(({ number }) => number);
    if (questions.length > 0) return say('answer', { questions, body: 'go on' });
    return say('resolve', { body: 'go on' });
  }
  if (lifecycle.endsWith('wave.waiting'))
    return say(failuresOf(tree).length > 0 && round < 3 ? 'retry_wave' : 'advance_wave');
  const next = wordsOn(planText([2, 1]));
  const found = next[lifecycle];
  if (found !== undefined) return say(...found);
}
