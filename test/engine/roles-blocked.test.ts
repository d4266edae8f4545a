/** A plan that needs a person says what happened, with numbers, and the command for each way on: its reader may be tired. */
import { describe, expect, it } from 'vitest';
import { outcomeOf } from '../../cli/run/outcome.ts';
import { type BlockedPlan, waysOn } from '../../machines/plan/advice.ts';
import { type BlockSource, blockSources } from '../../machines/vocabulary/block-source.ts';
import { plan } from '../support/chaos.ts';
import { begin, exit, run, titles } from '../support/hands.ts';
import { killAll, worldOf, worldsByState } from '../support/plan-states.ts';
import { expectProse } from '../support/prose.ts';

const blocked = (source: BlockSource, status: BlockedPlan['status'] = 'implementing', phase: string | null = null) =>
  waysOn({ plan: 'login', branch: 'plan/login', status, phase, source, questions: [] }).map(
    ({ does, command }) => `${does}: ${command}`,
  );

function stand(name: string) {
  const made = worldsByState[name]?.();
  if (made === undefined) throw new Error(`no stand ${name}`);
  return made;
}

describe('the ways on from a block', () => {
  it('are said for every source, the likeliest first, and the plan may always be given up', () => {
    const waysOf = blockSources.map((source) => [source, blocked(source, 'implementing', 'fixing')] as const);
    for (const [source, ways] of waysOf) expect(ways.at(-1), source).toContain('stator plan cancel login');
    expectProse(
      waysOf.map(([source, ways]) => `${source}\n${ways.map((way) => `  ${way}`).join('\n')}`).join('\n'),
      'stator plan answer login',
      'stator plan advance login implement_finished',
    );
    expect(blocked('no_verdict', 'reviewing', 'reviewing')[1]).toContain('stator plan advance login review_approved');
    expect(blocked('failed', 'verifying')[1]).toContain('stator plan advance login verify_approved');
    expect(blocked('failed', 'implementing', 'architecting')[1]).toContain('elaborator_finished');
  });

  it('are the steps that `run` ends with', () => {
    const standing = {
      plan: 'login',
      status: 'reviewing',
      phase: 'reviewing',
      paused: false,
      blocked: { source: 'no_verdict', reason: 'login-review-1: 3 runs', at: '', scope: 'plan' },
      questions: [],
      branch: 'plan/login',
    } as unknown as Parameters<typeof outcomeOf>[0]; // what a plan shows of itself, as far as this reads it
    const limited = {
      ...standing,
      blocked: { source: 'cycle_limit' as const, reason: 'review 3 asked', at: '', scope: 'plan' as const },
    };
    const textOf = (outcome: ReturnType<typeof outcomeOf>) => ('text' in outcome ? outcome.text : '');
    expectProse(textOf(outcomeOf(limited, [])), 'review 3 asked');
    const outcome = outcomeOf(standing, []);
    expectProse(textOf(outcome), 'login-review-1: 3 runs');
    expect(outcome).toEqual({
      kind: 'needs-person',
      text: expect.any(String),
      steps: [
        'stator plan answer login "<what it should know>"',
        'stator plan advance login review_approved',
        'stator plan answer login --accept',
        'stator plan cancel login',
      ],
    });
  });

  it('are all accepted by the blocked plan', () => {
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
    const { blocked } = world.context();
    expect(blocked?.source).toBe('failed');
    expectProse(blocked?.reason ?? '', '3 runs', 'stator agent logs hello-review-1', 'my licence ran out');
    expect(world.lifecycle()).toBe('underway.reviewing.stuck');
  });
});

describe('changes that nobody can fix', () => {
  it('block the plan until a person has fixed them, and an answer has them reviewed again', () => {
    const world = worldOf({ on: ['reviewer'] });
    const { policy } = world.context();
    world.setPolicy({ ...policy, roles: { ...policy.roles, fixer: { ...policy.roles.fixer, on: false } } });
    world.person('set_status', { status: 'reviewing' });
    world.person('review_changes_requested', { body: 'no tests' });
    world.drain();
    const { blocked } = world.context();
    expect(blocked?.source).toBe('review');
    expectProse(blocked?.reason ?? '', 'no tests');
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
