/** When a plan requests the pull requests of its parts, in its statechart alone; and which part gets new commits. */
import { describe, expect, it } from 'vitest';
import { receiverOf } from '../../runtime/work/effects/plan-stack.ts';
import { pushesTo } from '../../runtime/work/effects/stack-pushes.ts';
import { stackChange } from '../../runtime/work/forges/pull-request-steps.ts';
import { scriptedWorld } from '../support/scripted-world.ts';
import { planText, quietPolicy, sha } from '../support/simulation.ts';

type Placed = Parameters<typeof receiverOf>[0][number];
const head = 'a'.repeat(40);
const other = 'b'.repeat(40);

function layer(name: string, state: Placed['state'] = 'open', isKnown = true): Placed {
  const known = { name, title: name, branch: name, number: 1, url: name, state: 'open', head, base: 'main' } as const;
  return { name, state, known: isKnown ? known : null };
}

describe('what is new on the branch of a plan', () => {
  const done = { isWhole: true, from: head, fixes: null };
  it.each<[string, Placed[], Parameters<typeof receiverOf>[1], string | null]>([
    ['goes to the highest part', [layer('w1'), layer('w2')], done, 'w2'],
    ['goes to the part whose reviewers asked', [layer('w1'), layer('w2')], { ...done, fixes: 'w1' }, 'w1'],
    ['does not go to one that has landed', [layer('w1', 'landed'), layer('w2')], { ...done, fixes: 'w1' }, 'w2'],
    ['does not go to one that is closed', [layer('w1'), layer('w2', 'closed')], done, 'w1'],
    ['goes nowhere before the plan is done', [layer('w1'), layer('w2')], { ...done, isWhole: false }, null],
    ['is what a new part begins with', [layer('w1'), layer('w2', 'none', false)], { ...done, fixes: 'w1' }, 'w2'],
    ['goes nowhere when all have landed', [layer('w1', 'landed')], done, null],
  ])('%s', (_, layers, asked, expected) => {
    expect(receiverOf(layers, asked)?.name ?? null).toBe(expected);
  });
});

describe('what people pushed to a part', () => {
  type Part = Parameters<typeof pushesTo>[0];
  const merge = 'c'.repeat(40);
  const part = (more: Partial<Part> = {}): Part => ({
    ...{ branch: 'w1', state: 'open', known: { head, state: 'open' }, there: head, found: null },
    ...more,
  });
  const push = { from: head, to: other };
  const before = [{ from: merge, to: head }];
  const known = { head, state: 'open' as const, pushed: before };
  const folded = part({
    ...{ branch: 'w2', state: 'folded' },
    found: { base: 'w1', headCommit: head, mergeCommit: other },
  });
  it.each<[string, Part, readonly Part[], unknown]>([
    ['nothing', part(), [], []],
    ['a commit', part({ there: other }), [], [push]],
    ['a commit, and earlier ones that wait', part({ there: other, known }), [], [...before, push]],
    ['earlier ones that wait', part({ known }), [], before],
    ['a commit to one whose request was closed', part({ there: other, state: 'closed' }), [], [push]],
    ['nothing, as the branch is gone', part({ there: null, state: 'none' }), [], []],
    ['a commit to one that has landed since', part({ there: other, known, state: 'landed' }), [], []],
    ['what stator itself has pushed before it was recorded', part({ there: other, known: null }), [], []],
    ['the part above', part({ there: other }), [folded], [{ ...push, without: [head, head, other] }]],
    [
      'a commit, after the part above',
      part({ there: other }),
      [{ ...folded, known: { head, state: 'merged' } }],
      [push],
    ],
  ])('%s', (_, one, parts, expected) => {
    expect(pushesTo(one, parts)).toEqual(expected);
  });

  it('is remembered as fifty pushes at most', () => {
    const all = Array.from({ length: 50 }, () => ({ from: merge, to: head }));
    const found = pushesTo(part({ there: other, known: { head, state: 'open', pushed: all } }), []);
    expect(found).toHaveLength(50);
    expect(found.at(-1)).toEqual({ from: merge, to: other });
  });
});

describe('a stack on the forge', () => {
  const known = (state: 'open' | 'merged' | 'closed') =>
    ({ name: 'w1', title: '', branch: 'w1', number: 1, url: '', state, head, base: 'main' }) as const;
  const found = (change: object = {}) => ({ state: 'open', headCommit: head, base: 'main', ...change }) as const;

  it.each<[string, 'open' | 'merged' | 'closed', ReturnType<typeof found> | null, boolean, boolean]>([
    ['as it was', 'open', found(), true, false],
    ['not looked at', 'open', null, true, false],
    ['pushed to', 'open', found({ headCommit: other }), true, true],
    ['merged', 'open', found({ state: 'merged' }), true, true],
    ['for another branch', 'open', found({ base: 'dev' }), true, true],
    ['opened again', 'closed', found(), true, true],
    ['over, of a plan that is done', 'merged', null, true, true],
    ['over so far, of a plan at work', 'merged', null, false, false],
  ])('%s: is it changed?', (_, state, now, isDone, isChanged) => {
    expect(stackChange([known(state)], () => now, isDone) !== null).toBe(isChanged);
  });

  it('names the same change the same way, and another one in another', () => {
    const name = (change: object) => stackChange([known('open')], () => found(change), true);
    expect(name({ headCommit: other })).toBe(name({ headCommit: other }));
    expect(name({ headCommit: other })).not.toBe(name({ base: 'dev' }));
  });
});

describe('a plan with [pull_requests] stack', () => {
  /** Three waves; the coders of the third continue until the test ends them. `asked`: the wanted state of the forge, at each request. */
  function atWork(more: Partial<typeof quietPolicy> = {}, waves = [1, 2, 1]) {
    const policy = { ...quietPolicy, pull_stack: 'wave' as const, ...more };
    const script = ({ wave }: { wave: number | null }) => (wave === 3 ? ('runs on' as const) : { code: 0 });
    const world = scriptedWorld({ policy, script, content: planText(waves) });
    world.send('implement_start');
    world.run(3_600_000);
    const asked = () => world.effects().flatMap((effect) => (effect.kind === 'plan.pull' ? [effect.stack] : []));
    const send = (type: Parameters<typeof world.send>[0], payload: object = {}) => {
      const { verdict } = world.send(type, payload, { origin: 'engine' });
      world.run(0);
      return verdict;
    };
    return { world, send, asked, state: () => world.value().pullRequest };
  }

  it('asks for the parts that are done while the rest is at work, and for each once', () => {
    const { send, asked, state } = atWork();
    expect(state()).toEqual({ none: 'wanted' });
    send('pr_wanted');
    expect(asked()).toMatchObject([{ parts: [{ name: 'w1' }, { name: 'w2' }], isWhole: false, isLast: false }]);
    expect(asked()[0]?.parts[1]).toMatchObject({ branch: 'stack/hello/w2', title: 'task 2.1; task 2.2' });
    expect(state()).toEqual({ open: 'manual' });
  });

  it('asks for all of it when it is done, and with what is on the forge by then', () => {
    const { send, asked, world } = atWork();
    send('pr_wanted');
    world.send('implement_finished');
    world.send('set_status', { status: 'reviewing' });
    world.send('review_approved');
    world.run(0);
    expect(asked()).toHaveLength(2);
    expect(asked()[1]).toMatchObject({ isWhole: true, known: [{ name: 'w1' }, { name: 'w2' }] });
  });

  it('is looked at anew when something of it was changed on the forge', () => {
    const { send, asked } = atWork();
    send('pr_wanted');
    send('pr_stack_changed');
    expect(asked()).toHaveLength(2);
    expect(asked()[1]).toMatchObject({ isWhole: false, known: [{ name: 'w1', head: sha(1) }, { name: 'w2' }] });
  });

  it.each<[string, Partial<typeof quietPolicy>, number[]]>([
    ['with one wave', {}, [2]],
    ['where no requests are made by themselves', { auto_create_pr: false }, [1, 2, 1]],
    ['where it is merged instead', { auto_merge: true }, [1, 2, 1]],
    ['where it is off', { pull_stack: 'none' }, [1, 2, 1]],
  ])('asks for no stack %s', (_, more, waves) => {
    const { send, asked } = atWork(more, waves);
    send('pr_wanted');
    expect(asked().filter((stack) => stack !== undefined)).toEqual([]);
  });

  it('has a request for each task, where that is wanted', () => {
    const { send, asked } = atWork({ pull_stack: 'task' });
    send('pr_wanted');
    expect(asked()[0]?.parts.map(({ name }) => name)).toEqual(['w1-t1', 'w2-t1', 'w2-t2']);
  });

  it('remembers which part a fix is for until the fix is there, whatever happens on the forge meanwhile', () => {
    const { send, asked, world } = atWork({}, [1, 1]);
    send('pr_wanted');
    const news = { body: 'a file is missing', ids: ['review:1'], failing: [], layer: 'w1' };
    world.send('pr_changes_requested', news, { origin: 'engine' });
    world.send('pr_stack_changed', {}, { origin: 'engine' });
    world.run(3_600_000);
    const last = asked().at(-1);
    expect(last).toMatchObject({ isWhole: true, fixes: 'w1' });
    send('pr_stack_changed');
    expect(asked().at(-1)).toMatchObject({ isWhole: true, fixes: null });
  });

  it.each([
    ['counts as approved', 'approved', 'done'],
    ['is judged again', 'to_judge', 'reviewing'],
  ] as const)('that has got what people pushed %s where that is said', (_, taken, status) => {
    const { reviewer } = quietPolicy.roles;
    const roles = { ...quietPolicy.roles, reviewer: { ...reviewer, on: true } };
    const { send, asked, world } = atWork({ roles }, [1, 1]);
    send('pr_wanted');
    world.send('set_status', { status: 'reviewing' });
    world.send('review_approved');
    world.run(0);
    world.send('pr_stack_changed', {}, { origin: 'engine' });
    const last = world.effects().findLast(({ kind }) => kind === 'plan.pull');
    const opened = { number: 1, url: 'https://forge.test/1', server: 'forge.test', head: other, taken };
    world.send('pr_opened', opened, { origin: 'engine', run: last?.id ?? null });
    expect(world.context().head).toBe(other);
    expect(JSON.stringify(world.value().lifecycle)).toContain(status);
    const before = asked().length;
    world.run(0);
    expect(asked()).toHaveLength(before);
  });

  it('is not blocked while it is at work because its forge refuses, and tries again at its end', () => {
    const { world, state } = atWork();
    world.send('pr_wanted', {}, { origin: 'engine' });
    const row = world.effects().find(({ kind }) => kind === 'plan.pull');
    world.send('pr_failed', { detail: 'no' }, { origin: 'engine', run: row?.id ?? null });
    expect(state()).toEqual({ failed: 'idle' });
    expect(world.context().blocked).toBe(null);
  });
});
