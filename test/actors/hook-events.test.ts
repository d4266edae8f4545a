/** Which events hooks receive, for every state of a plan and every signal: the contract's table, written out. */
import { describe, expect, it } from 'vitest';
import { type Happened, hookEventsOf } from '../../actors/hook-events.ts';
import type { Tree } from '../../actors/tree.ts';
import { publicSignalTypes, type Signal, type SignalType, signals } from '../../machines/vocabulary/signal.ts';
import { plan, type World } from '../support/chaos.ts';
import { copyOf, policyWith, worldOf, worldsByState } from '../support/plan-states.ts';
import { planText, sha } from '../support/simulation.ts';
import { trees } from '../support/trees.ts';

/** A payload of each kind that needs one. */
const samples: Partial<Record<SignalType, object>> = {
  planner_draft_finished: { planner_id: 'a' },
  needs_decision: { reason: 'who pays?' },
  answer: { questions: [1], body: 'we do' },
  implement_wave: { wave_number: 2 },
  set_status: { status: 'ready' },
  plan_updated: { content: planText([2, 1]) },
};

/** States of a status by the beginning of their names, then the signal, then the events for hooks; signals that are not listed send none. */
const contract = `
  ready                           plan_start                plan_start ready>planning
  ready.planned                   implement_start           implement_start ready>implementing
  ready.planned                   implement_wave            implement_start ready>implementing
  ready                           mark_done                 mark_done ready>done
  ready                           cancel                    cancel ready>cancelled
  planning                        plan_start                plan_start planning>planning
  planning                        planner_finished          planner_finished planning>ready, implement_start ready>implementing
  planning                        planner_draft_finished    planner_finished planning>ready, implement_start ready>implementing
  planning                        cancel                    cancel planning>cancelled
  planning.drafting               planner_finished          planner_finished planning>ready
  planning.drafting               planner_draft_finished
  planning.selecting              planner_finished          planner_finished planning>ready
  planning.selecting              planner_draft_finished
  planning.deciding               plan_start                plan_start planning>planning, resolved planning>planning
  planning.deciding               planner_finished          planner_finished planning>ready, resolved planning>ready
  planning.deciding               planner_draft_finished
  planning.deciding               cancel                    cancel planning>cancelled, resolved planning>cancelled
  implementing.stuck              implement_finished        implement_finished implementing>reviewing
  implementing.requesting         implement_finished        implement_finished implementing>reviewing
  implementing.preparing.making   implement_finished        implement_finished implementing>reviewing
  implementing.preparing.stuck    implement_finished        implement_finished implementing>reviewing, resolved implementing>reviewing
  implementing.architecting.working  implement_finished     implement_finished implementing>reviewing
  implementing.architecting.working  elaborator_finished    wave_started implementing>implementing
  implementing.architecting.stuck    implement_finished     implement_finished implementing>reviewing, resolved implementing>reviewing
  implementing.architecting.stuck    elaborator_finished    resolved implementing>implementing, wave_started implementing>implementing
  implementing.single.stuck       implement_finished        implement_finished implementing>reviewing, resolved implementing>reviewing
  implementing.fixing.stuck       implement_finished        implement_finished implementing>reviewing, resolved implementing>reviewing
  implementing.fixing.requesting  implement_finished        implement_finished implementing>reviewing
  implementing.wave.waiting       implement_wave            wave_started implementing>implementing
  implementing.wave.waiting       retry_wave                wave_started implementing>implementing
  implementing.wave.waiting       advance_wave              wave_started implementing>implementing
  implementing.preparing.stuck    resolve                   resolved implementing>implementing
  implementing.architecting.stuck    resolve                resolved implementing>implementing
  implementing.single.stuck       resolve                   resolved implementing>implementing
  implementing.fixing.stuck       resolve                   resolved implementing>implementing
  implementing                    cancel                    cancel implementing>cancelled
  implementing.preparing.stuck    cancel                    cancel implementing>cancelled, resolved implementing>cancelled
  implementing.architecting.stuck    cancel                 cancel implementing>cancelled, resolved implementing>cancelled
  implementing.single.stuck       cancel                    cancel implementing>cancelled, resolved implementing>cancelled
  implementing.fixing.stuck       cancel                    cancel implementing>cancelled, resolved implementing>cancelled
  reviewing                       review_approved           review_approved reviewing>verifying
  reviewing                       review_changes_requested  review_changes_requested reviewing>implementing
  reviewing                       cancel                    cancel reviewing>cancelled
  verifying                       verify_approved           verify_approved verifying>done
  verifying                       verify_failed             verify_failed verifying>implementing
  verifying                       cancel                    cancel verifying>cancelled
  done                            start_over                start_over done>planning
  done                            reimplement               reimplement done>implementing
  done                            request_review            request_review done>reviewing
  done                            cancel                    cancel done>cancelled
  cancelled.ended                 reopen                    reopen cancelled>planning
`;

const cells = contract
  .trim()
  .split('\n')
  .map((line) => {
    const [place = '', type = '', ...told] = line.trim().split(/ +/);
    return { place, type, told: told.join(' ') };
  });

/** Already blocked: another question sends hooks nothing new. */
const blockedPlaces = ['planning.deciding', 'preparing.stuck', 'architecting.stuck', 'single.stuck', 'fixing.stuck'];

/** The row for this very state, else the row for its status. */
function expectedOf(from: string, type: string): string {
  const place = from.replace('underway.', '');
  if (type === 'needs_decision') {
    const status = place.split('.')[0] ?? '';
    return blockedPlaces.some((end) => place.endsWith(end)) ? '' : `blocked ${status}>${status}`;
  }
  const found = cells.filter(
    (cell) => cell.type === type && (place === cell.place || place.startsWith(`${cell.place}.`)),
  );
  return found.toSorted((a, b) => b.place.length - a.place.length)[0]?.told ?? '';
}

function texts(happened: readonly Happened[]): string {
  return happened.map(({ event, from, to }) => `${event} ${from}>${to}`).join(', ');
}

function stepped(tree: Tree, type: SignalType, payload: object, how: Partial<Signal> = {}): Happened[] {
  const signal = { type, payload, origin: 'person', run: null, actor: '', at: 9_000_000, ...how } as Signal;
  return hookEventsOf(tree, trees.step(tree, signal));
}

const planSignals = publicSignalTypes.filter((type) => signals[type].to === 'plan');

/** The hook events of a world's plan from here on, over all signals that it takes. */
function eventsOf(world: World): Happened[] {
  const all: Happened[] = [];
  const { step } = world.trees;
  Object.assign(world.trees, {
    step: (...given: Parameters<typeof step>) => {
      const made = step(...given);
      if (given[0].address === plan) all.push(...hookEventsOf(given[0], made));
      return made;
    },
  });
  return all;
}

describe('hooks', () => {
  for (const [from, make] of Object.entries(worldsByState)) {
    it(`are notified of each signal in ${from} as the contract says, and never of an override`, () => {
      const world = make();
      for (const type of planSignals) {
        const { tree } = copyOf(world);
        const happened = stepped(tree, type, samples[type] ?? {}, { at: world.now() });
        expect(`${type}: ${texts(happened)}`).toBe(`${type}: ${expectedOf(from, type)}`);
      }
      for (const status of ['planned', 'planning', 'implementing', 'reviewing', 'verifying', 'done', 'cancelled']) {
        const { tree } = copyOf(world);
        expect(texts(stepped(tree, 'set_status', { status }, { at: world.now() }))).toBe('');
      }
    });
  }

  it('are notified of an approval by one event, also across skipped statuses', () => {
    const world = worldOf({ on: ['reviewer'] });
    world.person('set_status', { status: 'reviewing' });
    expect(texts(stepped(copyOf(world).tree, 'review_approved', {}))).toBe('review_approved reviewing>done');
    expect(texts(stepped(copyOf(worldOf({ on: [] })).tree, 'plan_start', {}))).toBe('plan_start ready>ready');
    expect(texts(stepped(copyOf(worldOf({ on: [] })).tree, 'mark_done', {}))).toBe('mark_done ready>done');
  });

  it('receive the reason of a block, and the number of a wave', () => {
    const [blocked] = stepped(copyOf(worldOf()).tree, 'needs_decision', { reason: 'who pays?' });
    expect(blocked?.details).toEqual({
      blocked_reason: 'question 1: who pays?',
      blocked_source: 'agent',
      question: 1,
      instance: null,
    });
    const waiting = worldsByState['underway.implementing.wave.waiting']?.() ?? worldOf();
    expect(stepped(copyOf(waiting).tree, 'advance_wave', {})[0]?.details).toEqual({ wave: 2 });
  });

  it('are notified of the failed runs and tasks of a wave, then of the wave', () => {
    const world = worldsByState['underway.implementing.wave.running']?.() ?? worldOf();
    const all = eventsOf(world);
    for (const title of ['hello-w1-t1', 'hello-w1-t2']) world.person('agent_kill', { title });
    world.drain();
    const failed = all.map(({ event, details: { wave, task, instance, reason } }) => [
      event,
      wave ?? instance,
      task ?? null,
      reason ?? null,
    ]);
    expect(failed).toEqual([
      ['run_failed', 'hello-w1-t1', null, 'killed'],
      ['task_failed', 1, 1, 'killed'],
      ['run_failed', 'hello-w1-t2', null, 'killed'],
      ['task_failed', 1, 2, 'killed'],
      ['wave_failed', 1, null, null],
    ]);
  });

  it('are notified that a verification is stale when the head of a done plan has moved', () => {
    const world = worldsByState['underway.verifying.working']?.() ?? worldOf();
    world.post(plan, 'head_moved', { head: sha(7) });
    world.drain();
    world.person('verify_approved', { reviewed_sha: sha(7) });
    world.drain();
    const { tree } = copyOf(world);
    const stale = stepped(tree, 'verification_stale', { head: sha(9) }, { origin: 'engine' });
    expect(texts(stale)).toBe('verification_stale done>verifying');
  });

  it('are notified of a pull request once, with its address', () => {
    const world = worldsByState.done?.() ?? worldOf();
    const all = eventsOf(world);
    const opened = { number: 7, url: 'https://forge.example/a/b/pull/7', server: 'forge', head: sha(7) };
    for (let time = 0; time < 2; time += 1) {
      world.post(plan, 'pr_opened', opened);
      world.drain();
    }
    expect(all).toEqual([{ event: 'pr_created', from: 'done', to: 'done', details: { pull_request_url: opened.url } }]);
  });

  it('are not notified of a change of the configuration, a pause, a resume or a document', () => {
    const world = worldOf();
    const { tree } = copyOf(world);
    const policy = { policy: policyWith([]) };
    expect(stepped(tree, 'policy', policy, { origin: 'engine' })).toEqual([]);
    for (const type of ['pause', 'resume'] as const) expect(stepped(tree, type, {})).toEqual([]);
    expect(stepped(tree, 'plan_updated', { content: planText([1]) })).toEqual([]);
  });
});
