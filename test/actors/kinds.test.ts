/** The kinds of trees that every engine carries: which signals they take, how their trees are found, and what an event of theirs says. */
import { describe, expect, it } from 'vitest';
import { assign, createMachine, raise, setup, stopChild } from 'xstate';
import { actorAt, snapshotOf } from '../../actors/addressee.ts';
import { createKinds, kindsWith } from '../../actors/kinds.ts';
import { kindOf } from '../../actors/own-machine.ts';
import { createTrees } from '../../actors/tree.ts';
import { leanActions } from '../../actors/xstate-internals.ts';
import { landingTree, planTree, repoTree, supervisorTree, type TreeAddress } from '../../machines/vocabulary/ids.ts';
import { defaultPolicy } from '../../machines/vocabulary/policy.ts';
import { type AnySignal, signals } from '../../machines/vocabulary/signal.ts';
import { begin, run, say } from '../support/hands.ts';
import { defineRelease } from '../support/own-machine.ts';
import { liveTree, worldOf, worldsByState } from '../support/plan-states.ts';
import { planText, sha } from '../support/simulation.ts';
import { trees } from '../support/trees.ts';

const { kinds } = trees;
const [plan, repo, landing] = [planTree('demo', 'hello'), repoTree('demo'), landingTree('demo', 'main')];
const release = 'release:1.2' as TreeAddress;

function word(type: string, payload: object = {}, more: Partial<AnySignal> = {}): AnySignal {
  return { type, payload, origin: 'person', actor: '', run: null, at: 7, ...more };
}

const births: readonly (readonly [TreeAddress, AnySignal])[] = [
  [supervisorTree, word('supervisor_opened')],
  [repo, word('repo_opened', { policy: defaultPolicy })],
  [landing, word('landing_opened')],
  [
    plan,
    word('plan_opened', { content: planText([1]), branch: 'b', topic: null, generation: 0, policy: defaultPolicy }),
  ],
];

describe('a kind', () => {
  it('is found by the address of a tree, which its own signal creates', () => {
    for (const [address, signal] of births) {
      expect(kinds.knows(address)).toBe(true);
      expect(births.map(([, { type }]) => type === kinds.of(address).birth)).toEqual(
        births.map(([other]) => other === address),
      );
      const { tree } = trees.create(address, signal);
      expect(tree.root.getSnapshot().machine.id).toBe(kinds.of(address).name);
      expect(kinds.of(address).chartAt('').id).toBe(kinds.of(address).name);
      expect(Object.keys(kinds.of(address).upgrades)).toEqual([]);
    }
  });

  it('of a program’s own is one beside those of the engine', () => {
    expect(kinds.knows(release)).toBe(false);
    expect(() => kinds.of(release)).toThrow(
      expect.objectContaining({ code: 'machine_unknown', message: expect.stringContaining('release:1.2') }),
    );
    const own = kindsWith([kindOf(defineRelease())]);
    expect([own.knows(release), own.knows(plan), own.of(release).name]).toEqual([true, true, 'release']);
    expect(own.all.map(({ name }) => name)).toEqual(['plan', 'repo', 'landing', 'supervisor', 'release']);
    expect(kindsWith([])).toBe(kinds);
  });

  it('takes the signals for its root and for the actors below it, and no others', () => {
    const kindOfAddressee: Record<string, string> = { task: 'plan', agent: 'plan' };
    const takers = Object.keys(signals).map((type) => [
      type,
      kinds.all.filter(({ signals: taken }) => taken[type] !== undefined).map(({ name }) => name),
    ]);
    expect(takers).toEqual(Object.entries(signals).map(([type, { to }]) => [type, [kindOfAddressee[to] ?? to]]));
  });

  it('is found by the name of a signal as a person writes it, by its aliases too, unless its trees have no place', () => {
    const taken = (name: string) => {
      const taker = kinds.taking(name);
      return taker === null ? null : `${taker.kind.name} ${taker.type}`;
    };
    expect(taken('implement_start')).toBe('plan implement_start');
    expect(taken('implement-start')).toBe('plan implement_start');
    expect(taken('architect-finished')).toBe('plan elaborator_finished');
    expect(taken('agent_kill')).toBe('plan agent_kill');
    expect(taken('implement_task_finished')).toBe('plan implement_task_finished');
    expect(taken('repo_opened')).toBe('repo repo_opened');
    expect(taken('repo_registered')).toBe('supervisor repo_registered');
    expect([taken('landing_joined'), taken('dance'), taken('')]).toEqual([null, null, null]);
    const own = kindOf(defineRelease());
    expect(createKinds([own]).taking('approve')).toBeNull();
  });

  it('finds a tree by the names of its repo and its plan', () => {
    const place = { project: 'demo', plan: 'hello' };
    const at = kinds.all.map((kind) => [kind.name, kind.place?.treeAt(place) ?? null]);
    expect(at).toEqual([
      ['plan', plan],
      ['repo', repo],
      ['landing', null],
      ['supervisor', supervisorTree],
    ]);
  });

  it('says what is wrong with a place where no such tree can be', () => {
    const problems = (project: string, name: string) =>
      Object.fromEntries(
        kinds.all.flatMap((kind) => {
          if (kind.place === null) return [];
          const problem = kind.place.problemOf({ project, plan: name });
          return [[kind.name, problem === null ? null : `${problem.code}: ${problem.message}`]];
        }),
      );
    expect(problems('demo', 'hello')).toEqual({ plan: null, repo: null, supervisor: null });
    const unnamed = 'repo_not_found: "" cannot name a repo';
    expect(problems('', 'hello')).toEqual({ plan: unnamed, repo: unnamed, supervisor: null });
    const nested = 'repo_not_found: "a/b" cannot name a repo';
    expect(problems('a/b', 'Hello You')).toEqual({ plan: nested, repo: nested, supervisor: null });
    const misnamed = 'plan_not_found: plan not found: demo/Hello You';
    expect(problems('demo', 'Hello You')).toEqual({ plan: misnamed, repo: null, supervisor: null });
    expect(problems('/'.repeat(300), 'hello').repo).toBe(`repo_not_found: "${'/'.repeat(200)}" cannot name a repo`);
    expect(problems('demo', 'H'.repeat(300)).plan).toBe(`plan_not_found: plan not found: demo/${'H'.repeat(256)}`);
  });

  it('says what a row shows of a tree: only a plan’s journal ends, and a repo has a state and a reason', () => {
    const statusOf = ([address, signal]: (typeof births)[number]) => {
      const { state, reason, isEnded, keepsJournal } = kinds
        .of(address)
        .statusOf(trees.create(address, signal).tree.root);
      return { state, reason, isEnded, keepsJournal };
    };
    const rest = { state: null, reason: null, isEnded: false };
    expect(births.map(statusOf)).toEqual([
      { ...rest, keepsJournal: false },
      { ...rest, state: 'active', keepsJournal: false },
      { ...rest, keepsJournal: false },
      { ...rest, keepsJournal: true },
    ]);
    const { tree } = trees.create(...(births[1] as [TreeAddress, AnySignal]));
    trees.step(tree, word('repo_degraded', { reason: 'its folder is gone' }, { origin: 'engine' }));
    expect(trees.persistText(tree).status).toMatchObject({ state: 'degraded', reason: 'its folder is gone' });
  });
});

describe('the chart of an actor', () => {
  it('in a plan follows from the last part of its path', () => {
    const paths = [
      '',
      'wave-1.2',
      'wave-1.2/task-3.4',
      'wave-1.2/task-3.4/agent',
      'coder.1',
      'coder.1/agent',
      'fixer.5',
      'session.2',
    ];
    const more = ['planner.1', 'architect.2', 'reviewer.6', 'verifier.7'];
    expect(Object.fromEntries([...paths, ...more].map((path) => [path, kinds.of(plan).chartAt(path).id]))).toEqual({
      ...{ '': 'plan', 'wave-1.2': 'wave', 'wave-1.2/task-3.4': 'task', 'wave-1.2/task-3.4/agent': 'agent' },
      ...{ 'coder.1': 'task', 'coder.1/agent': 'agent', 'fixer.5': 'task', 'session.2': 'task' },
      ...{ 'planner.1': 'agent', 'architect.2': 'agent', 'reviewer.6': 'agent', 'verifier.7': 'agent' },
    });
  });

  it('gives a line of the journal its public text, and a line of an unknown tree none', () => {
    const line = { tree: plan, actor: '', from: 'lifecycle.ready.planned', to: 'lifecycle.done' };
    expect([...kinds.moveOf(line).after].filter((tag) => tag.startsWith('status:'))).toEqual(['status:done']);
    expect(kinds.moveOf(line).enters('status:done')).toBe(true);
    for (const tree of [release, 'no address']) {
      const { after, before, isBirth } = kinds.moveOf({ ...line, tree, from: '' });
      expect([after.size, before.size, isBirth]).toEqual([0, 0, false]);
    }
  });
});

describe('the event of a signal to a plan', () => {
  const { rules } = kinds.of(plan);
  const eventOf = (world: ReturnType<typeof worldOf>, signal: AnySignal) => {
    const { root, memory } = liveTree(world);
    return rules.eventOf(root, signal, memory);
  };

  it('is the signal itself, with who sent it and when', () => {
    const signal = word('cancel', { body: 'too late' }, { origin: 'file' });
    expect(eventOf(worldOf(), signal)).toEqual({ type: 'cancel', body: 'too late', origin: 'file', run: null, at: 7 });
  });

  it('of an edited document has the tasks that no agent has begun', () => {
    const world = worldsByState['underway.implementing.wave.running']?.() ?? worldOf();
    const edit = word('plan_updated', { content: planText([2]) });
    expect(eventOf(world, edit)).toMatchObject({ notBegun: [1, 2] });
    begin(world, 'hello-w1-t1');
    expect(eventOf(world, edit)).toMatchObject({ content: planText([2]), notBegun: [2] });
    expect(eventOf(world, word('pause'))).not.toHaveProperty('notBegun');
  });

  it('of an approval names the commit at which its run began, unless a person or the approval itself says which', () => {
    const world = worldsByState['underway.reviewing.working']?.() ?? worldOf();
    const row = begin(world, 'hello-review-1');
    const base = snapshotOf(actorAt(liveTree(world).root, world.context().activeChildId ?? '') as never).context.base;
    const shaOf = (signal: AnySignal) => (eventOf(world, signal) as { reviewed_sha?: string }).reviewed_sha;
    const byAgent = { origin: 'agent:hello-review-1', run: row.effect.id } as const;
    expect(base).toBe(sha(0));
    for (const type of ['review_approved', 'verify_approved']) {
      expect([type, shaOf(word(type, {}, byAgent))]).toEqual([type, base]);
      expect(shaOf(word(type, {}, { origin: 'engine' }))).toBe(base);
      expect(shaOf(word(type, {}, { origin: 'person' }))).toBeUndefined();
      expect(shaOf(word(type, { reviewed_sha: sha(9) }, byAgent))).toBe(sha(9));
    }
    expect(eventOf(world, word('review_changes_requested', {}, byAgent))).not.toHaveProperty('reviewed_sha');
    const none = worldsByState['underway.reviewing.stuck']?.() ?? worldOf();
    expect(eventOf(none, word('review_approved', {}, { origin: 'engine' }))).not.toHaveProperty('reviewed_sha');
  });

  it('for an agent reaches the plan’s root first, where its messages are', () => {
    const world = worldsByState['underway.implementing.wave.running']?.() ?? worldOf();
    const row = begin(world, 'hello-w1-t1');
    world.person('agent_send', { title: 'hello-w1-t1', body: 'look at a.txt' });
    world.drain();
    const { root } = liveTree(world);
    const agent = actorAt(root, row.effect.id.slice(0, row.effect.id.lastIndexOf('#'))) ?? root;
    expect(world.context().words).toMatchObject([{ kind: 'message', text: 'look at a.txt' }]);
    const rootEvent = (type: string, fields: object = {}) =>
      rules.rootEventOf?.(root, agent, { type, at: 7, origin: 'person', ...fields })?.type ?? null;
    expect(rootEvent('agent_send', { body: 'x' })).toBe('word_said');
    expect(rootEvent('run_started', { words: [1] })).toBe('words_given');
    expect(rootEvent('agent_pause')).toBeNull();
    expect(rules.rootEventOf?.(root, root, { type: 'agent_send', at: 7 })).toBeNull();
    expect(eventOf(world, word('agent_send', { title: 'hello-w1-t1', body: 'again' }))).toMatchObject({ word: 2 });
    for (const type of ['run_exited', 'run_lost', 'effect_failed'])
      expect([type, eventOf(world, word(type, {}, { origin: 'engine', run: row.effect.id }))]).toMatchObject([
        type,
        { returned: [] },
      ]);
  });

  it('of an answer has the runs that wait for it', () => {
    const world = worldsByState['underway.implementing.wave.running']?.() ?? worldOf();
    const row = begin(world, 'hello-w1-t1');
    say(world, row, 'needs_decision', { reason: 'which one?' });
    expect(run(world, 'hello-w1-t1')).toBe(row);
    for (const type of ['resolve', 'answer'])
      expect([type, Object.keys(eventOf(world, word(type, { body: 'x', questions: [1] })))]).toEqual([
        type,
        expect.arrayContaining(['askers']),
      ]);
    expect([...rules.heldFor(liveTree(world).root)]).toContain(row.effect.id);
  });
});

describe('actions that are made lean', () => {
  it('are the assigns and stops; all others are the very same', () => {
    const plain = () => {};
    const machine = setup({ actors: {}, actions: { plain } }).createMachine({ id: 'm' });
    const mixed = machine.provide({
      actions: { plain, add: assign({}), stop: stopChild('a'), raised: raise({ type: 'x' }) as never } as never,
    });
    const lean = leanActions(mixed).implementations.actions;
    const before = mixed.implementations.actions;
    const isSame = Object.keys(before).map((name) => [name, lean[name] === before[name]]);
    expect(isSame).toEqual([
      ['plain', true],
      ['add', false],
      ['stop', false],
      ['raised', true],
    ]);
  });

  it('are refused of a machine whose only actions are not of the form that is known', () => {
    for (const mute of [() => {}, raise({ type: 'x' }), Object.assign(() => {}, { type: 'xstate.assign' })])
      expect(() => leanActions(createMachine({ id: 'strange' }, { actions: { mute: mute as never } }))).toThrow(
        'no assign of machine "strange"',
      );
    expect(leanActions(createMachine({ id: 'none' })).id).toBe('none');
  });
});

it('trees of a program’s own machines and of the engine live side by side', () => {
  const both = createTrees(kindsWith([kindOf(defineRelease())]));
  expect(both.isBirth(release, word('machine_started'))).toBe(true);
  expect(both.isBirth(release, word('plan_opened'))).toBe(false);
  expect(both.isBirth(plan, word('plan_opened'))).toBe(true);
  expect([both.versionOf(release), both.versionOf(plan)]).toEqual(['release:1', trees.versionOf(plan)]);
});
