/** What a plan makes of its merge and of shared worktrees, in its statechart alone. */
import { describe, expect, it } from 'vitest';
import { createSimulation, planText, quietPolicy } from '../support/simulation.ts';

describe('a plan that is done', () => {
  function doneOf(rest: Partial<typeof quietPolicy>) {
    const world = createSimulation({ policy: { ...quietPolicy, ...rest } });
    const tree = world.open('demo', 'hello', planText([2]));
    world.send(tree, 'implement_start');
    world.run(3_600_000);
    return { world, tree };
  }
  const merges = (world: ReturnType<typeof createSimulation>) =>
    [...world.effects.values()].filter((row) => row.effect.kind === 'plan.merge');

  it('is merged by itself where auto_merge is on, and only then', () => {
    const on = doneOf({ auto_merge: true });
    expect(on.world.context(on.tree).merge.merged).toMatchObject({ into: 'main' });
    expect(on.world.value(on.tree)).toMatchObject({ lifecycle: 'done', merge: 'merged' });
    const off = doneOf({});
    expect(off.world.value(off.tree)).toMatchObject({ lifecycle: 'done' });
    expect(merges(off.world)).toEqual([]);
  });

  it('takes one merge at a time, and none when it is merged as it stands', () => {
    const { world, tree } = doneOf({});
    expect(world.send(tree, 'merge').verdict).toEqual({ status: 'done', result: 'done' });
    expect(world.send(tree, 'merge').verdict).toEqual({ status: 'done', result: 'already' });
    world.run(0);
    expect(world.send(tree, 'merge').verdict).toEqual({ status: 'done', result: 'already' });
    expect(merges(world)).toHaveLength(1);
    world.send(tree, 'head_moved', { head: 'f'.repeat(40) }, { origin: 'engine' });
    expect(world.send(tree, 'merge').verdict).toEqual({ status: 'done', result: 'done' });
    expect(merges(world)).toHaveLength(2);
  });

  it('takes the result of the merge that is under way, and of no earlier one', () => {
    const { world, tree } = doneOf({});
    world.send(tree, 'merge');
    const first = merges(world)[0]?.effect.id ?? null;
    world.run(0);
    world.send(tree, 'merge', { into: 'dev' });
    const said = { head: 'b'.repeat(40), into: 'main', tip: 'c'.repeat(40) };
    const late = world.send(tree, 'plan_merged', said, { origin: 'engine', run: first });
    expect(late.verdict).toEqual({ status: 'done', result: 'stale' });
    expect(world.value(tree)).toMatchObject({ merge: { working: 'asked' } });
    world.run(0);
    expect(world.value(tree)).toMatchObject({ merge: 'merged' });
  });

  it('is in a state of its own while it is merged, and says who asked for it', () => {
    const { world, tree } = doneOf({});
    expect(world.value(tree)).toMatchObject({ merge: 'none' });
    world.send(tree, 'merge');
    expect(world.value(tree)).toMatchObject({ merge: { working: 'asked' } });
    world.run(0);
    expect(world.value(tree)).toMatchObject({ merge: 'merged' });
    const alone = createSimulation({ policy: { ...quietPolicy, auto_merge: true } });
    const other = alone.open('demo', 'hello', planText([1]));
    alone.send(other, 'set_status', { status: 'verifying' });
    alone.send(other, 'verify_approved');
    expect(alone.value(other)).toMatchObject({ merge: { working: 'automatic' } });
  });

  it('is looked at again where its branch moved before it could be merged, and why is to be seen until then', () => {
    const roles = { ...quietPolicy.roles, verifier: { ...quietPolicy.roles.verifier, on: true } };
    const world = createSimulation({ policy: { ...quietPolicy, roles, auto_merge: true }, script: () => 'runs on' });
    const tree = world.open('demo', 'hello', planText([1]));
    world.send(tree, 'head_moved', { head: 'a'.repeat(40) }, { origin: 'engine' });
    world.send(tree, 'set_status', { status: 'verifying' });
    world.send(tree, 'verify_approved');
    const refusal = { why: 'moved', into: 'main', files: [], detail: 'it moved' };
    const [effect] = merges(world).map((row) => row.effect.id);
    world.send(tree, 'merge_refused', refusal, { origin: 'engine', run: effect ?? null });
    expect(world.value(tree)).toMatchObject({
      lifecycle: { underway: { verifying: 'working' } },
      merge: { refused: 'automatic' },
      attention: 'clear',
    });
    expect(world.context(tree).merge.refused).toMatchObject({ why: 'moved' });
    world.send(tree, 'verify_approved');
    expect(world.value(tree)).toMatchObject({ lifecycle: 'done', merge: { working: 'automatic' } });
  });

  it('goes into another branch too, where a person names one', () => {
    const { world, tree } = doneOf({});
    world.send(tree, 'merge');
    world.run(0);
    expect(world.send(tree, 'merge', { into: 'main' }).verdict).toEqual({ status: 'done', result: 'already' });
    expect(world.send(tree, 'merge', { into: 'dev' }).verdict).toEqual({ status: 'done', result: 'done' });
    expect(world.send(tree, 'merge', { into: 'dev' }).verdict).toEqual({ status: 'done', result: 'already' });
    expect(merges(world)).toHaveLength(2);
  });

  it('is not merged by itself where a pull request is open', () => {
    const world = createSimulation({ policy: { ...quietPolicy, auto_merge: true } });
    const tree = world.open('demo', 'hello', planText([2]));
    world.send(
      tree,
      'pr_opened',
      { number: 1, url: 'https://example.com/1', server: 'example.com', head: 'a'.repeat(40) },
      { origin: 'engine' },
    );
    world.send(tree, 'implement_start');
    world.run(3_600_000);
    expect(world.value(tree)).toMatchObject({ lifecycle: 'done' });
    expect(merges(world)).toEqual([]);
  });
});

describe('a wave whose tasks share a worktree', () => {
  it('has one of them under way at a time, and the one after a failed one finds its work taken back first', () => {
    const world = createSimulation({
      policy: { ...quietPolicy, isolation: 'plan' },
      script: (run) => (run.task === 1 ? { code: 1 } : { code: 0 }),
    });
    const tree = world.open('demo', 'hello', planText([3]));
    world.send(tree, 'implement_start');
    world.run(3_600_000);
    const order = [...world.effects.values()].map(({ effect }) =>
      effect.kind === 'agent.run' ? `run ${effect.task}` : effect.kind,
    );
    expect(order.filter((word) => /^run|work\.(undo|merge)/.test(word))).toEqual([
      'run 1',
      'run 1',
      'run 1',
      'work.undo',
      'run 2',
      'run 3',
    ]);
    expect(world.value(tree)).toMatchObject({ lifecycle: { underway: { implementing: { wave: 'waiting' } } } });
  });
});
