/** How a plan handles its merge and shared worktrees, in its statechart alone. */
import { describe, expect, it } from 'vitest';
import { landingOf } from '../../machines/vocabulary/landing.ts';
import { type ScriptedWorld, scriptedWorld } from '../support/scripted-world.ts';
import { planText, quietPolicy } from '../support/simulation.ts';

describe('a plan that is done', () => {
  function doneOf(rest: Partial<typeof quietPolicy>) {
    const world = scriptedWorld({ policy: { ...quietPolicy, ...rest }, content: planText([2]) });
    world.send('implement_start');
    world.run(3_600_000);
    return world;
  }
  const merges = (world: ScriptedWorld) => world.effects().filter(({ kind }) => kind === 'plan.merge');

  it('is merged by itself where auto_merge is on, and only then', () => {
    const on = doneOf({ auto_merge: true });
    expect(on.context().merge?.merged).toMatchObject({ into: 'main' });
    expect(on.value()).toMatchObject({ lifecycle: 'done', merge: 'merged' });
    const off = doneOf({});
    expect(off.value()).toMatchObject({ lifecycle: 'done' });
    expect(merges(off)).toEqual([]);
  });

  it('takes one merge at a time, and none if its current head is merged', () => {
    const world = doneOf({});
    expect(world.send('merge').verdict).toEqual({ status: 'done', result: 'done' });
    expect(world.send('merge').verdict).toEqual({ status: 'done', result: 'already' });
    world.run(0);
    expect(world.send('merge').verdict).toEqual({ status: 'done', result: 'already' });
    expect(merges(world)).toHaveLength(1);
    world.send('head_moved', { head: 'f'.repeat(40) }, { origin: 'engine' });
    expect(world.send('merge').verdict).toEqual({ status: 'done', result: 'done' });
    expect(merges(world)).toHaveLength(2);
  });

  it('takes the result of the merge that is under way, and of no earlier one', () => {
    const world = doneOf({});
    world.send('merge');
    const first = merges(world)[0]?.id ?? null;
    world.run(0);
    world.send('merge', { into: 'dev' });
    const said = { head: 'b'.repeat(40), into: 'main', tip: 'c'.repeat(40) };
    const late = world.send('plan_merged', said, { origin: 'engine', run: first });
    expect(late.verdict).toEqual({ status: 'done', result: 'stale' });
    expect(world.value()).toMatchObject({ merge: { working: 'asked' } });
    world.run(0);
    expect(world.value()).toMatchObject({ merge: 'merged' });
  });

  it('gets no pull request by itself once a person has merged it, whether one was wanted or could not be made', () => {
    const pulls = (world: ScriptedWorld) => world.effects().filter(({ kind }) => kind === 'plan.pull');
    const wanted = doneOf({ auto_create_pr: true });
    expect(wanted.value()).toMatchObject({ pullRequest: { none: 'wanted' } });
    wanted.send('merge');
    wanted.run(0);
    expect(wanted.value()).toMatchObject({ merge: 'merged', pullRequest: { none: 'idle' } });
    expect(wanted.send('pr_wanted', {}, { origin: 'engine' }).verdict).toMatchObject({ status: 'refused' });
    expect(pulls(wanted)).toEqual([]);
    wanted.send('create_pr');
    expect(pulls(wanted)).toHaveLength(1);

    const failed = doneOf({ auto_create_pr: true });
    failed.send('pr_wanted', {}, { origin: 'engine' });
    const refusal = { why: 'no_token', detail: 'there is no token' };
    failed.send('pr_failed', refusal, { origin: 'engine', run: pulls(failed)[0]?.id ?? null });
    expect(failed.value()).toMatchObject({ pullRequest: { failed: 'automatic' } });
    failed.send('merge');
    failed.run(0);
    expect(failed.value()).toMatchObject({ merge: 'merged', pullRequest: { none: 'idle' } });
  });

  it('is in a state of its own while it is merged, and says who asked for it', () => {
    const world = doneOf({});
    expect(world.value()).toMatchObject({ merge: 'none' });
    world.send('merge');
    expect(world.value()).toMatchObject({ merge: { working: 'asked' } });
    world.run(0);
    expect(world.value()).toMatchObject({ merge: 'merged' });
    const alone = scriptedWorld({ policy: { ...quietPolicy, auto_merge: true }, content: planText([1]) });
    alone.send('set_status', { status: 'verifying' });
    alone.send('verify_approved');
    expect(alone.value()).toMatchObject({ merge: { working: 'automatic' } });
  });

  it('is looked at again where its branch moved before it could be merged, and why is to be seen until then', () => {
    const roles = { ...quietPolicy.roles, verifier: { ...quietPolicy.roles.verifier, on: true } };
    const world = scriptedWorld({
      policy: { ...quietPolicy, roles, auto_merge: true },
      script: () => 'runs on',
      content: planText([1]),
    });
    world.send('head_moved', { head: 'a'.repeat(40) }, { origin: 'engine' });
    world.send('set_status', { status: 'verifying' });
    world.send('verify_approved');
    const refusal = { why: 'moved', into: 'main', files: [], detail: 'it moved' };
    const [effect] = merges(world).map(({ id }) => id);
    world.send('merge_refused', refusal, { origin: 'engine', run: effect ?? null });
    expect(world.value()).toMatchObject({
      lifecycle: { underway: { verifying: 'working' } },
      merge: { refused: 'automatic' },
      attention: 'clear',
    });
    expect(world.context().merge?.refused).toMatchObject({ why: 'moved' });
    world.send('verify_approved');
    expect(world.value()).toMatchObject({ lifecycle: 'done', merge: { working: 'automatic' } });
  });

  it('goes into another branch too, where a person names one', () => {
    const world = doneOf({});
    world.send('merge');
    world.run(0);
    expect(world.send('merge', { into: 'main' }).verdict).toEqual({ status: 'done', result: 'already' });
    expect(world.send('merge', { into: 'dev' }).verdict).toEqual({ status: 'done', result: 'done' });
    expect(world.send('merge', { into: 'dev' }).verdict).toEqual({ status: 'done', result: 'already' });
    expect(merges(world)).toHaveLength(2);
  });

  it('no longer waits for its pull requests where they were merged and the forge names no commit', () => {
    const world = doneOf({ landing_by: 'forge' });
    const head = 'a'.repeat(40);
    const opened = { number: 1, url: 'https://example.com/1', server: 'example.com', head };
    world.send('pr_opened', opened, { origin: 'engine' });
    world.send('land');
    expect(world.value()).toMatchObject({ merge: 'awaiting' });
    world.send('pr_merged', { head: null, into: 'main' }, { origin: 'engine' });
    expect(world.value()).toMatchObject({ merge: 'none', pullRequest: 'merged' });
  });

  it('stays merged while it is reviewed again or cancelled, until it has other work or begins anew', () => {
    const merged = () => {
      const world = doneOf({});
      world.send('merge');
      world.run(0);
      return world;
    };
    const again = merged();
    again.send('request_review');
    again.run(3_600_000);
    expect(again.value()).toMatchObject({ lifecycle: 'done', merge: 'merged' });
    expect(landingOf(again.context(), new Set())).toBe('merged');
    again.send('set_status', { status: 'verifying' });
    again.send('head_moved', { head: 'f'.repeat(40) }, { origin: 'engine' });
    expect(again.value()).toMatchObject({ merge: 'none' });
    const cancelled = merged();
    cancelled.send('cancel');
    expect(cancelled.context().merge?.merged).toMatchObject({ into: 'main' });
    const over = merged();
    over.send('reimplement');
    expect(over.value()).toMatchObject({ merge: 'none' });
  });

  it('that is cancelled while its line moves the branch learns that it was merged', () => {
    const world = doneOf({});
    world.send('land');
    const [find] = world.effects().filter(({ kind }) => kind === 'landing.find');
    world.send('line_found', { into: 'main' }, { origin: 'engine', run: find?.id ?? null });
    world.send('cancel');
    const result = { head: 'b'.repeat(40), into: 'main', tip: world.context().head, request: find?.id };
    world.send('plan_merged', { ...result, tip: 'f'.repeat(40) }, { origin: 'engine' });
    expect(world.value()).toMatchObject({ merge: 'none' });
    world.send('plan_merged', result, { origin: 'engine' });
    expect(world.value()).toMatchObject({ lifecycle: { cancelled: 'ended' }, merge: 'merged' });
  });

  it('is not merged by itself where a pull request is open', () => {
    const world = scriptedWorld({ policy: { ...quietPolicy, auto_merge: true }, content: planText([2]) });
    world.send(
      'pr_opened',
      { number: 1, url: 'https://example.com/1', server: 'example.com', head: 'a'.repeat(40) },
      { origin: 'engine' },
    );
    world.send('implement_start');
    world.run(3_600_000);
    expect(world.value()).toMatchObject({ lifecycle: 'done' });
    expect(merges(world)).toEqual([]);
  });
});

describe('a wave whose tasks share a worktree', () => {
  it('has one of them under way at a time, and the one after a failed one finds its work taken back first', () => {
    const world = scriptedWorld({
      policy: { ...quietPolicy, isolation: 'plan' },
      script: (run) => (run.task === 1 ? { code: 1 } : { code: 0 }),
      content: planText([3]),
    });
    world.send('implement_start');
    world.run(3_600_000);
    const order = world.effects().map((effect) => (effect.kind === 'agent.run' ? `run ${effect.task}` : effect.kind));
    expect(order.filter((word) => /^run|work\.(undo|merge)/.test(word))).toEqual([
      'run 1',
      'run 1',
      'run 1',
      'work.undo',
      'run 2',
      'run 3',
    ]);
    expect(world.value()).toMatchObject({ lifecycle: { underway: { implementing: { wave: 'waiting' } } } });
  });
});
