/** A plan that needs a person says what happened, with numbers, and the command for each way on: whoever reads it is tired. */
import { describe, expect, it } from 'vitest';
import { outcomeOf } from '../../cli/run/outcome.ts';
import { type BlockedPlan, waysOn } from '../../machines/plan/advice.ts';
import { type BlockSource, blockSources } from '../../machines/plan/context.ts';
import { plan } from '../support/chaos.ts';
import { begin, exit, run, titles } from '../support/hands.ts';
import { killAll, worldOf, worldsByState } from '../support/plan-states.ts';

const blocked = (source: BlockSource, status: BlockedPlan['status'] = 'implementing', phase: string | null = null) =>
  waysOn({ plan: 'login', branch: 'plan/login', status, phase, source }).map(
    ({ does, command }) => `${does}: ${command}`,
  );

function stand(name: string) {
  const made = worldsByState[name]?.();
  if (made === undefined) throw new Error(`no stand ${name}`);
  return made;
}

describe('the ways on from a block', () => {
  it('are said for every source, the likeliest first, and the plan may always be given up', () => {
    const told = Object.fromEntries(blockSources.map((source) => [source, blocked(source, 'implementing', 'fixing')]));
    const mine =
      'you did it yourself on plan/login, and it is committed: stator plan transition login implement_finished';
    const cancel = 'give it up: stator plan cancel login';
    const again =
      'start it again, with a word to it where that helps: stator plan resolve login "<what it should know>"';
    expect(told).toEqual({
      agent: ['answer with: stator plan resolve login "<your answer>"', cancel],
      failed: [again, mine, cancel],
      no_verdict: [again, mine, cancel],
      cycle_limit: ['allow one more fix round: stator plan resolve login', mine, cancel],
      review: ['let a fixer do it; where none is on it is reviewed again: stator plan resolve login', mine, cancel],
      override: ['go on from there: stator plan resolve login', cancel],
      fault: ['deliver it once more: stator plan resolve login', cancel],
      conflict: ['try again, once they go together: stator plan resolve login', cancel],
    });
    expect(blocked('no_verdict', 'reviewing', 'reviewing')[1]).toContain(
      'stator plan transition login review_approved',
    );
    expect(blocked('failed', 'verifying')[1]).toContain('stator plan transition login verify_approved');
    expect(blocked('failed', 'implementing', 'architecting')[1]).toContain('elaborator_finished');
  });

  it('are the steps that `run` ends with', () => {
    const standing = {
      plan: 'login',
      status: 'reviewing',
      phase: 'reviewing',
      paused: false,
      blocked: { source: 'no_verdict', reason: 'login-review-1: 3 runs', at: '' },
      branch: 'plan/login',
    } as unknown as Parameters<typeof outcomeOf>[0]; // what a plan shows of itself, as far as this reads it
    const limited = { ...standing, blocked: { source: 'cycle_limit' as const, reason: 'review 3 asked', at: '' } };
    expect(outcomeOf(limited, [])).toMatchObject({ text: 'login is blocked (cycle limit reached): review 3 asked' });
    expect(outcomeOf(standing, [])).toEqual({
      kind: 'needs-person',
      text: 'login is blocked (no verdict): login-review-1: 3 runs',
      steps: [
        'stator plan resolve login "<what it should know>"',
        'stator plan transition login review_approved',
        'stator plan cancel login',
      ],
    });
  });

  it('are all taken by the plan that stands there', () => {
    const byHand: [string, string][] = [
      ['planning.working', 'planner_finished'],
      ['underway.implementing.architecting.working', 'elaborator_finished'],
      ['underway.implementing.single.working', 'implement_finished'],
      ['underway.implementing.fixing.working', 'implement_finished'],
      ['underway.reviewing.working', 'review_approved'],
      ['underway.verifying.working', 'verify_approved'],
    ];
    for (const [where, event] of byHand) {
      for (const way of [event, 'resolve', 'cancel'] as const) {
        const world = stand(where);
        killAll(world);
        expect(world.context().blocked).toMatchObject({ source: 'failed' });
        const { verdict } = world.person(way as 'resolve');
        expect([where, way, verdict.status]).toEqual([where, way, 'done']);
        world.drain();
        expect(world.context().blocked).toBeNull();
      }
    }
  });
});

describe('a coordinator that failed', () => {
  it('is named, with its runs, its last words and its log', () => {
    const world = stand('underway.reviewing.working');
    for (let attempt = 1; attempt <= 3; attempt += 1) {
      const row = begin(world, 'hello-review-1');
      world.report(row, 'run_exited', { code: 9, cause: 'exit', detail: 'my licence ran out' });
      world.drain();
      for (const timer of [...world.timers]) world.fire(timer);
      world.drain();
    }
    expect(world.context().blocked).toMatchObject({
      source: 'failed',
      reason:
        'hello-review-1: 3 runs, the last one: ended with an error (its log: stator instance logs hello-review-1)\nmy licence ran out',
    });
    expect(world.lifecycle()).toBe('underway.reviewing.standing');
  });
});

describe('changes that nobody can fix', () => {
  it('stand until a person has fixed them, and an answer has them reviewed again', () => {
    const world = worldOf({ on: ['reviewer'] });
    const { policy } = world.context();
    world.setPolicy({ ...policy, roles: { ...policy.roles, fixer: { ...policy.roles.fixer, on: false } } });
    world.person('set_status', { status: 'reviewing' });
    world.person('review_changes_requested', { body: 'no tests' });
    world.drain();
    expect(world.context().blocked).toMatchObject({
      source: 'review',
      reason: 'changes are asked for and no fixer is on:\nno tests',
    });
    world.person('resolve', { body: 'they are there now' });
    world.drain();
    expect(world.lifecycle()).toBe('underway.reviewing.working');
    expect(titles(world)).toEqual(['hello-review-1']);
    expect(run(world, 'hello-review-1').effect.feedback).toBe('no tests\n\nA person says: they are there now');
  });
});

describe('an answer to one agent', () => {
  it('does not start another that never asked', () => {
    const world = stand('underway.implementing.single.working');
    const row = begin(world, 'hello-coder');
    world.post(plan, 'needs_decision', { reason: 'is it wanted?' }, { origin: 'file' });
    world.drain();
    world.person('resolve', { body: 'yes' });
    world.drain();
    expect(titles(world)).toEqual(['hello-coder']);
    expect(run(world, 'hello-coder').effect.id).toBe(row.effect.id);
    exit(world, row, 0);
  });
});
