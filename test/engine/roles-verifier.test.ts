/** A verifier that makes small fixes itself: how many lines it may change, and the report if it changed more. */
import { describe, expect, it } from 'vitest';
import { plan, type World } from '../support/chaos.ts';
import { begin, exit, finishTask, run, say } from '../support/hands.ts';
import { policyWith, worldOf } from '../support/plan-states.ts';
import { expectProse } from '../support/prose.ts';
import { planText, sha } from '../support/simulation.ts';

function verifying({ limit = 80, speaksByExit = false } = {}): World {
  const world = worldOf({ on: [], content: planText([1]) });
  world.person('implement_start');
  world.drain();
  const policy = policyWith(['verifier'], { readiness_self_fix_max_lines: limit });
  world.setPolicy({ ...policy, roles: { ...policy.roles, verifier: { ...policy.roles.verifier, speaksByExit } } });
  finishTask(world, 'hello-w1-t1');
  expect(world.lifecycle()).toBe('underway.verifying.working');
  return world;
}

/** The refusal, or the result of a run, about a verifier's own commits. */
function fixed(world: World, lines: number): string {
  const since = world.context().head ?? sha(0);
  const head = world.nextSha();
  world.post(plan, 'head_moved', { head, since, lines });
  world.drain();
  return head;
}

function refusal(world: World, payload: object, row: ReturnType<typeof begin>): string {
  const origin = `agent:${row.effect.title}` as const;
  const verdict = world.handle({ tree: plan, type: 'verify_approved', payload, origin, run: row.effect.id })?.verdict;
  return verdict?.status === 'refused' ? (verdict.refusal.guard ?? '') : (verdict?.status ?? '');
}

function nextAttempt(world: World): void {
  for (const timer of [...world.timers]) world.fire(timer);
  world.drain();
}

describe('a verification', () => {
  /** Reviewed at the commit that it answers, and on its way to be verified. */
  function reviewed(): { world: World; head: string } {
    const world = worldOf({ on: [], content: planText([1]) });
    world.person('implement_start');
    world.drain();
    world.setPolicy(policyWith(['reviewer', 'verifier']));
    finishTask(world, 'hello-w1-t1');
    expect(say(world, begin(world, 'hello-review-1'), 'review_approved')).toBe('done');
    expect(world.lifecycle()).toBe('underway.verifying.working');
    const head = world.context().reviewedSha;
    if (head === null) throw new Error('the review is about no commit');
    return { world, head };
  }

  it('that begins at another commit than the reviewed one gives way to a review of that', () => {
    const { world, head } = reviewed();
    world.post(plan, 'head_moved', { head, begins: true });
    world.drain();
    expect(world.lifecycle()).toBe('underway.verifying.working');
    world.post(plan, 'head_moved', { head: world.nextSha(), begins: true });
    world.drain();
    expect(world.lifecycle()).toBe('underway.reviewing.working');
    expect(world.context().reviewedSha).toBe(null);
    world.checkReplay();
  });

  it('goes on from what its verifier mended itself, attempt after attempt', () => {
    const { world } = reviewed();
    const first = begin(world, 'hello-verify-1');
    const head = fixed(world, 3);
    exit(world, first, 7);
    nextAttempt(world);
    world.post(plan, 'head_moved', { head, begins: true });
    world.drain();
    expect(world.lifecycle()).toBe('underway.verifying.working');
  });
});

describe('a verifier', () => {
  it('may change as many lines itself as the limit says, and approves what it made', () => {
    const world = verifying({ limit: 10 });
    const row = begin(world, 'hello-verify-1');
    const head = fixed(world, 10);
    expect(say(world, row, 'verify_approved', { reviewed_sha: head })).toBe('done');
    expect(world.lifecycle()).toBe('done');
    expect(world.context().verifiedSha).toBe(head);
    world.checkReplay();
  });

  it('above its limit is refused with the number of lines and what to do; a person may approve all the same', () => {
    const world = verifying({ limit: 10 });
    const row = begin(world, 'hello-verify-1');
    const head = fixed(world, 11);
    expectProse(refusal(world, { reviewed_sha: head }, row), 'selfFixIsSmall: 11 ', ' 10 ', 'verify_failed');
    // The commit is looked at first: about another one the lines say nothing.
    expect(refusal(world, { reviewed_sha: sha(99) }, row)).toMatch(/^stale_approval: /);
    expect(world.person('verify_approved').verdict.status).toBe('done');
    expect(world.lifecycle()).toBe('done');
  });

  it('cannot get past the limit by dying half way', () => {
    const world = verifying({ limit: 10 });
    const first = begin(world, 'hello-verify-1');
    fixed(world, 7);
    exit(world, first, 0);
    nextAttempt(world);
    const second = begin(world, 'hello-verify-1');
    const head = fixed(world, 7);
    expect(refusal(world, { reviewed_sha: head }, second)).toMatch(/^selfFixIsSmall: 14 /);
    expect(say(world, second, 'verify_failed', { body: 'more than I may do' })).toBe('done');
    expect(world.lifecycle()).toBe('underway.implementing.fixing.working');
  });

  it('begins at nothing in the next round', () => {
    const world = verifying({ limit: 10 });
    const first = begin(world, 'hello-verify-1');
    fixed(world, 9);
    say(world, first, 'verify_failed', { body: 'x' });
    exit(world, first, 0);
    exit(world, begin(world, 'hello-fix-1'));
    const row = world.open().find(({ effect }) => effect.kind === 'work.commit');
    if (row === undefined) throw new Error('no commit is asked for');
    world.report(row, 'work_committed', { head: world.nextSha(), base: sha(0), changed: true });
    world.drain();
    const second = begin(world, 'hello-verify-2');
    expect(say(world, second, 'verify_approved', { reviewed_sha: fixed(world, 9) })).toBe('done');
  });

  it('that speaks by exit code approves the commit it began with, so what it changed is looked at once more, and too much of it by a person', () => {
    for (const [lines, last] of [
      [10, 'done'],
      [11, 'underway.verifying.stuck'],
    ] as const) {
      const world = verifying({ limit: 10, speaksByExit: true });
      const first = begin(world, 'hello-verify-1');
      fixed(world, lines);
      exit(world, first, 0);
      nextAttempt(world);
      expect(run(world, 'hello-verify-1').effect.previous).toMatchObject({
        reason: 'no-verdict',
        detail: expect.stringMatching(
          lines === 10 ? /exit code 0 approves the commit/ : /exit code 0 approves|11 lines/,
        ),
      });
      for (let attempt = 2; attempt <= 3 && world.lifecycle() !== 'done'; attempt += 1) {
        exit(world, begin(world, 'hello-verify-1'), 0);
        nextAttempt(world);
      }
      expect(world.lifecycle()).toBe(last);
      if (last === 'done') continue;
      expect(world.context().blocked).toMatchObject({
        source: 'no_verdict',
        reason: expect.stringMatching(/11 lines/),
      });
    }
  });
});
