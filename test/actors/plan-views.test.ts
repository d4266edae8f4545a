/**
 * A plan as it looks from outside, in each of its states: what lists and the page show of it, which signals it offers to a person, and of what people and
 * hooks are notified at each step. Tables to be read in the diff of a change.
 */
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { hookEventsOf, resolvedNow } from '../../actors/hook-events.ts';
import { blockMessage, noticeEventsOf, noticeLimit, noticesOf } from '../../actors/notices.ts';
import { blockOf, failuresOf, planDetail, planSummary, statusOfPlan, summarySources } from '../../actors/plan-view.ts';
import { acceptedSignals, offersOf, openQuestions, waitsForPerson } from '../../actors/refusal.ts';
import type { Tree } from '../../actors/tree.ts';
import { publicSignalTypes, type Signal, type SignalType, signals } from '../../machines/vocabulary/signal.ts';
import { plan, type World } from '../support/chaos.ts';
import { begin, exit, finishTask, reply, run, say } from '../support/hands.ts';
import { copyOf, killAll, type policyWith, signalSamples, worldOf, worldsByState } from '../support/plan-states.ts';
import { planText } from '../support/simulation.ts';
import { trees } from '../support/trees.ts';

const shown = (value: unknown) => inspect(value, { depth: 9, breakLength: 170, compact: 4, sorted: true });

/** All that is read of a plan without a step. */
function lookAt(tree: Tree, at: number): string {
  const { root } = tree;
  const accepted = acceptedSignals(root, at);
  return [
    `status: ${statusOfPlan(tree)}`,
    `waits for a person: ${waitsForPerson(root)}, open questions: ${[...openQuestions(root)].join(' ') || 'none'}`,
    `accepts: ${accepted.join(' ')}`,
    `offers: ${shown(offersOf(root, at))}`,
    `blocked: ${shown(blockOf(tree))}`,
    `failures: ${shown(failuresOf(tree))}`,
    `summary: ${shown(planSummary(tree))}`,
    `detail: ${shown(planDetail(tree))}`,
    `resolved now: ${shown(resolvedNow(tree))}`,
  ].join('\n');
}

/** The notices and the events for hooks of a step. */
function outside(tree: Tree, step: ReturnType<typeof trees.step>): string[] {
  const notices = noticesOf(tree, step);
  const events = [...hookEventsOf(tree, step), ...noticeEventsOf(tree, notices)];
  return [
    ...notices.map(({ type, instance, message }) => `  notice ${type} ${instance ?? '-'}: ${message}`),
    ...events.map(({ event, from, to, details }) => `  hook ${event} ${from}>${to} ${JSON.stringify(details)}`),
  ];
}

/** From now on, what each step of the plan has people and hooks notified of, below the signal. */
function watched(world: World): { lines: string[]; close(): string } {
  const lines: string[] = [];
  const { step } = world.trees;
  Object.assign(world.trees, {
    step: (...given: Parameters<typeof step>) => {
      const made = step(...given);
      const [tree, signal] = given;
      const said = tree.address === plan ? outside(tree, made) : [];
      if (said.length > 0) lines.push(`${signal.type} (${signal.origin})`, ...said);
      return made;
    },
  });
  return { lines, close: () => lines.splice(0).join('\n') };
}

const toPlans = publicSignalTypes.filter((type) => signals[type].to === 'plan');

describe('a plan in the state', () => {
  for (const [name, make] of Object.entries(worldsByState)) {
    it(`${name} is shown so`, () => {
      const world = make();
      expect(lookAt(copyOf(world).tree, world.now())).toMatchSnapshot();
    });

    it(`${name} notifies people and hooks so`, () => {
      const world = make();
      const lines = toPlans.flatMap((type) => {
        const { tree } = copyOf(world);
        const payload = signalSamples[type] ?? {};
        const signal = { type, payload, origin: 'person', run: null, actor: '', at: world.now() } as Signal;
        const said = outside(tree, trees.step(tree, signal));
        return said.length === 0 ? [] : [type, ...said];
      });
      expect(lines.join('\n')).toMatchSnapshot();
    });
  }
});

describe('people and hooks are notified', () => {
  /** Two tasks in the first wave, one in the second, no coordinators. */
  function started(rest: Parameters<typeof policyWith>[1] = {}, content = planText([2, 1])): World {
    const world = worldOf({ on: [], rest, content });
    world.person('implement_start');
    world.drain();
    return world;
  }

  const engine = (world: World, type: SignalType, payload: object) => {
    world.post(plan, type, payload);
    world.drain();
  };

  it('of a plan that goes well, from its start to its end', () => {
    const world = worldOf({ on: [], content: planText([2, 1]) });
    const { close } = watched(world);
    world.person('implement_start');
    world.drain();
    for (const title of ['hello-w1-t1', 'hello-w1-t2', 'hello-w2-t1']) finishTask(world, title);
    expect(close()).toMatchSnapshot();
    expect(lookAt(copyOf(world).tree, world.now())).toMatchSnapshot();
  });

  it('of an agent that fails, is tried again, and fails for good, and of what a person then does', () => {
    const world = started({ agent_attempts: 2 } as never);
    const { close } = watched(world);
    for (let attempt = 1; attempt <= 2; attempt += 1) {
      exit(world, begin(world, 'hello-w1-t1'), 3);
      for (const timer of [...world.timers]) world.fire(timer);
      world.drain();
    }
    finishTask(world, 'hello-w1-t2');
    expect(close()).toMatchSnapshot();
    expect(lookAt(copyOf(world).tree, world.now())).toMatchSnapshot();
    world.person('retry_wave');
    world.drain();
    world.person('cancel');
    world.drain();
    expect(close()).toMatchSnapshot();
  });

  it('of questions, one after the other, and of their answers', () => {
    const world = started();
    const { close } = watched(world);
    const [first, second] = [begin(world, 'hello-w1-t1'), begin(world, 'hello-w1-t2')];
    say(world, first, 'needs_decision', { reason: 'who pays?' });
    expect(lookAt(copyOf(world).tree, world.now())).toMatchSnapshot();
    say(world, second, 'needs_decision', { reason: 'and when?' });
    world.person('answer', { questions: [1], body: 'we do' });
    world.drain();
    world.person('resolve', { body: 'tomorrow' });
    world.drain();
    expect(close()).toMatchSnapshot();
  });

  it('of a question of an agent’s program, of a budget, of a message that nobody can get, and of what was found after a run', () => {
    const world = started();
    const row = begin(world, 'hello-w1-t1');
    const { close } = watched(world);
    const asked = {
      permission: 'q1',
      tool: 'Bash',
      detail: 'rm\n  -rf x',
      options: ['allow', 'deny'],
      limit_ms: 5_000,
    };
    world.report(row, 'run_waiting', asked);
    world.drain();
    engine(world, 'budget_near', { scope: 'attempt', measure: 'usd', limit: 5, spent: 4.5, title: 'hello-w1-t1' });
    engine(world, 'budget_reached', { scope: 'plan', measure: 'tokens', limit: 500, spent: 501, title: null });
    engine(world, 'run_noted', { title: 'hello-w1-t1', about: 'refs_moved', detail: 'moved:\na\nb' });
    const message = {
      number: 3,
      kind: 'message',
      title: 'hello-w1-t1',
      author: 'ada',
      text: 'hurry',
      why: 'it has ended',
    };
    engine(world, 'word_refused', message);
    expect(close()).toMatchSnapshot();
    expect(lookAt(copyOf(world).tree, world.now())).toMatchSnapshot();
  });

  it('of work that deletes much, with the question, and of work that was put aside', () => {
    const world = started();
    const { close } = watched(world);
    exit(world, begin(world, 'hello-w1-t1'));
    const deletions = { files: 12, of: 20, share: 0.6, names: ['a.txt'] };
    reply(world, 'work.commit', 'work_committed', {
      head: world.nextSha(),
      base: world.context().head,
      changed: true,
      deletions,
    });
    expect(close()).toMatchSnapshot();
  });

  it('of a wave with failures that waits for a choice, and of each choice', () => {
    const make = () => {
      const world = started({ auto_advance_waves: false });
      killAll(world);
      return world;
    };
    for (const choice of ['retry_wave', 'advance_wave', 'cancel'] as const) {
      const world = make();
      const { close } = watched(world);
      world.person(choice);
      world.drain();
      expect(close()).toMatchSnapshot();
    }
    expect(lookAt(copyOf(make()).tree, make().now())).toMatchSnapshot();
  });

  it('in one line of at most a thousand characters, with the place and what a block is about', () => {
    const world = started();
    const { tree } = copyOf(world);
    const long = { type: 'agent_asks', instance: null, message: 'x'.repeat(noticeLimit + 1) } as const;
    const [event] = noticeEventsOf(tree, [long]);
    expect(event?.details).toEqual({ message: 'x'.repeat(1_000) });
    expect(noticeEventsOf(tree, [])).toEqual([]);
    expect(blockMessage({ source: 'budget', reason: 'it is used up' })).toMatchSnapshot();
  });

  it('of nothing more by a plan whose sources of the summary are the same', () => {
    const world = started();
    const tree = world.live.get(plan) as Tree;
    const before = summarySources(tree);
    expect(summarySources(tree)).toEqual(before);
    expect(before).toHaveLength(2);
    expect(run(world, 'hello-w1-t1').effect.title).toBe('hello-w1-t1');
  });
});
