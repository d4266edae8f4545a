/** A stored tree comes back exactly, or is refused loudly and left as it is. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { actorAt, actorsOf, snapshotOf } from '../../actors/addressee.ts';
import type { PersistedTree } from '../../actors/compatibility.ts';
import type { Kind, Kinds } from '../../actors/kind.ts';
import { createKinds, kindsWith } from '../../actors/kinds.ts';
import { blockOf } from '../../actors/plan-view.ts';
import { createTrees, type Tree } from '../../actors/tree.ts';
import { EngineError } from '../../machines/vocabulary/errors.ts';
import type { Signal } from '../../machines/vocabulary/signal.ts';
import { plan } from '../support/chaos.ts';
import { liveTree, worldOf, worldsByState } from '../support/plan-states.ts';
import { planText } from '../support/simulation.ts';
import { trees } from '../support/trees.ts';

function stored(): PersistedTree {
  const world = worldsByState['underway.implementing.wave.running']?.() ?? worldOf();
  return JSON.parse(JSON.stringify(world.trees.persist(liveTree(world))));
}

/** The stored tree with one piece of its text replaced. */
function changed(from: string, to: string): PersistedTree {
  const text = JSON.stringify(stored());
  if (!text.includes(from)) throw new Error(`nothing is stored as ${from}`);
  return JSON.parse(text.replace(from, to));
}

function refusal(row: PersistedTree): EngineError {
  const before = JSON.stringify(row);
  try {
    trees.restore(plan, row);
  } catch (thrown) {
    expect(JSON.stringify(row)).toBe(before);
    if (thrown instanceof EngineError) return thrown;
    throw thrown;
  }
  throw new Error('it was restored');
}

function step(tree: Tree, trees: ReturnType<typeof createTrees>, type: Signal['type'], payload: object = {}) {
  return trees.step(tree, { type, payload, origin: 'person', actor: '', run: null, at: 9_000_000 } as Signal);
}

/** The kinds of every engine, plans with other upgrades. */
function planUpgradedBy(upgrades: Kind['upgrades']): Kinds {
  return createKinds(kindsWith([]).all.map((kind) => (kind.name === 'plan' ? { ...kind, upgrades } : kind)));
}

describe('a stored tree', () => {
  it('is restored without asking for anything, and goes on', () => {
    const row = stored();
    const tree = trees.restore(plan, row);
    expect(JSON.stringify(trees.persist(tree))).toBe(JSON.stringify(row));
    const { verdict, requests } = step(tree, trees, 'cancel');
    expect(verdict).toEqual({ status: 'done', result: 'done' });
    expect(requests.stops).toHaveLength(2);
    expect(requests.effects).toEqual([]);
  });

  it('whose agent lost the id of its run is thrown away at the next step, and asks for nothing', () => {
    const row = stored();
    const text = JSON.stringify(row.snapshot).replaceAll(/"run":"[^"]+"/g, '"run":null');
    const tree = trees.restore(plan, { ...row, snapshot: JSON.parse(text) });
    expect(() => step(tree, trees, 'cancel')).toThrow('before it gave it an id');
  });

  const version = '"version":"agent:5 plan:9 task:3 wave:2"';
  const broken: Record<string, [from: string, to: string, message: RegExp]> = {
    'of another machine': ['"machine":"plan"', '"machine":"repo"', /it is of machine "repo", expected "plan"/],
    'of another version': [version, '"version":"plan:99"', /it is of version "plan:99", this stator knows/],
    'in a state that is gone': ['"gate":"open"', '"gate":"ajar"', /machine "plan" has no state "gate.ajar"/],
    'without one of its regions': ['"attention":"clear",', '', /machine "plan" has no state "attention"/],
    'in a state that has states of its own since': [
      '"lifecycle":{"underway":{"implementing":{"wave":"running"}}}',
      '"lifecycle":"underway"',
      /machine "plan" has no state "lifecycle.underway"/,
    ],
    'with a child of an unknown kind': [
      '"src":"wave"',
      '"src":"stage"',
      /child wave-1.*"stage" is nothing that "plan" may spawn/,
    ],
    'with a child in a state that is gone': [
      '"value":"running"',
      '"value":"resting"',
      /child wave-1.*machine "wave" has no state "resting"/,
    ],
    'with a grandchild in a state that is gone': [
      '"value":"working"',
      '"value":"dreaming"',
      /child wave-1.*child task-1.*machine "task" has no state "dreaming"/,
    ],
  };

  for (const [what, [from, to, message]] of Object.entries(broken)) {
    it(`${what} is refused, with the place and what to do`, () => {
      const error = refusal(changed(from, to));
      expect(error.code).toBe('snapshot_unknown');
      expect(error.message).toMatch(message);
      expect(error.hint).toContain('the row is untouched');
    });
  }

  it('that a newer stator wrote names the version that can read it', () => {
    const error = refusal({ ...changed(version, '"version":"plan:99"'), stator: '9.8.7' });
    expect(error.hint).toBe(
      'the row is untouched; install stator 9.8.7, which wrote it, or a newer one that can upgrade it',
    );
  });

  it('that is no snapshot at all is refused', () => {
    const row = { ...stored(), snapshot: null } as unknown as PersistedTree; // as a damaged row would read
    expect(refusal(row).message).toContain('it is no snapshot of a machine');
  });

  it('that was refused leaves no trace in the trees that live on', () => {
    const row = stored();
    const tree = trees.restore(plan, row);
    expect(() => trees.restore(plan, changed(version, '"version":"plan:99"'))).toThrow(EngineError);
    expect(JSON.stringify(trees.persist(tree))).toBe(JSON.stringify(row));
    expect(step(tree, trees, 'pause').requests.stops).toHaveLength(2);
  });

  it('of an older version is upgraded step by step', () => {
    const old = JSON.parse(
      readFileSync(new URL('../support/fixtures/plan-0.json', import.meta.url), 'utf8'),
    ) as PersistedTree;
    expect(refusal(old).message).toContain('it is of version "agent:1 plan:0 task:1 wave:1"');
    const trees = createTrees(
      planUpgradedBy({
        // A plan knew no passed waves and no numbers of requests, and called a document that parses `parsed`.
        'agent:1 plan:0 task:1 wave:1': {
          to: 'agent:1 plan:0.5 task:1 wave:1',
          upgrade: (snapshot) => {
            const { context, value, ...rest } = snapshot as { context: object; value: { lifecycle: object } };
            return {
              ...rest,
              value: { ...value, lifecycle: { ready: 'planned' }, merge: 'none', pullRequest: { none: 'idle' } },
              context,
            };
          },
        },
        'agent:1 plan:0.5 task:1 wave:1': {
          to: 'agent:5 plan:9 task:3 wave:2',
          upgrade: (snapshot) => {
            const { context, ...rest } = snapshot as { context: object };
            return {
              ...rest,
              context: {
                ...context,
                passed: 0,
                request: 0,
                reviewedSha: null,
                questions: [],
                questionCount: 0,
                words: [],
                wordCount: 0,
                liveChildren: {},
                activeChildId: null,
                stopCause: null,
              },
            };
          },
        },
      }),
    );
    const tree = trees.restore(plan, old);
    expect(snapshotOf(tree.root).matches({ lifecycle: { ready: 'planned' } })).toBe(true);
    expect(step(tree, trees, 'implement_start').requests.signals).toMatchObject([
      { tree: 'repo:demo', type: 'implement_requested', payload: { plan: 'hello', request: 1 } },
    ]);
    expect(trees.persist(tree).version).toBe('agent:5 plan:9 task:3 wave:2');
  });

  it('that the first release stored in the middle of a wave goes on where it was', () => {
    const old = JSON.parse(
      readFileSync(new URL('../support/fixtures/plan-1.json', import.meta.url), 'utf8'),
    ) as PersistedTree;
    const tree = trees.restore('plan:oldrepo/hello', old);
    const say = (type: 'agent_send' | 'resume', payload: object) =>
      trees.step(tree, { type, payload, origin: 'person', actor: '', run: null, at: 9 } as Signal);
    say('resume', {});
    const { verdict } = say('agent_send', { title: 'hello-w1-t2', body: 'use tabs' });
    expect(verdict.status).toBe('done');
    const { words } = snapshotOf(tree.root).context;
    expect(words).toMatchObject([{ number: 1, title: 'hello-w1-t2', text: 'use tabs', run: null }]);
    expect(trees.persist(tree).version).toBe('agent:5 plan:9 task:3 wave:2');
  });

  it('whose agents kept what people had said to them hands that to its root, as far as no run had it', () => {
    const old = JSON.parse(
      readFileSync(new URL('../support/fixtures/plan-words.json', import.meta.url), 'utf8'),
    ) as PersistedTree;
    const tree = trees.restore('plan:demo/hello', old);
    const { words, wordCount } = snapshotOf(tree.root).context;
    expect(wordCount).toBe(4);
    const of = (title: string) => words.filter((word: { title: string }) => word.title === title);
    expect(of('hello-w1-t1')).toMatchObject([
      { kind: 'message', text: 'use tabs', run: 'wave-1.2/task-1.1/agent#4' },
      { kind: 'message', text: 'and no spaces', run: null },
    ]);
    expect(of('hello-w1-t2')).toMatchObject([
      { kind: 'message', text: 'for a run that has not begun', run: null },
      { kind: 'answer', question: 'which port?', text: '99', run: null },
    ]);
    const agent = actorAt(tree.root, 'wave-1.2/task-1.1/agent');
    expect(agent === null ? [] : snapshotOf(agent).context.unread).toEqual([of('hello-w1-t1')[1].number]);
  });

  it('that was paused before pauses queued agents again goes on where it was', () => {
    const old = JSON.parse(
      readFileSync(new URL('../support/fixtures/plan-paused.json', import.meta.url), 'utf8'),
    ) as PersistedTree;
    expect(old.version).toBe('agent:2 plan:1 task:1 wave:1');
    const tree = trees.restore(plan, old);
    const agent = (title: string) =>
      [...actorsOf(tree.root)].map((actor) => snapshotOf(actor)).find(({ context }) => context.title === title);
    expect(agent('hello-w1-t1')).toMatchObject({ value: 'queued', context: { start: 'continue', ending: null } });
    const stopped = agent('hello-w1-t2');
    expect(stopped).toMatchObject({ value: 'stopping', context: { start: 'begin', ending: 'requeue' } });
    const { verdict, requests } = trees.step(tree, {
      type: 'run_exited',
      payload: { code: 143, cause: 'stopped', detail: '' },
      origin: 'engine',
      actor: '',
      run: stopped?.context.run,
      at: 9_000_000,
    } as Signal);
    expect(verdict.status).toBe('done');
    expect(requests.effects.find(({ kind }) => kind === 'agent.run')).toMatchObject({
      title: 'hello-w1-t2',
      attempt: 1,
      start: 'continue',
    });
    expect(trees.persist(tree).version).toBe('agent:5 plan:9 task:3 wave:2');
  });

  it('that was verified before reviews were of a commit is done by its verification', () => {
    const old = JSON.parse(
      readFileSync(new URL('../support/fixtures/plan-verifying.json', import.meta.url), 'utf8'),
    ) as PersistedTree;
    expect(old.version).toBe('agent:3 plan:1 task:1 wave:1');
    const tree = trees.restore(plan, old);
    const head = 'a'.repeat(40);
    const say = (type: 'head_moved' | 'verify_approved', payload: object, origin: Signal['origin']) =>
      trees.step(tree, { type, payload, origin, actor: '', run: null, at: 9_000_000 } as Signal).verdict.status;
    expect(say('head_moved', { head, begins: true }, 'engine')).toBe('done');
    expect(say('verify_approved', {}, 'person')).toBe('done');
    expect(snapshotOf(tree.root)).toMatchObject({ context: { reviewedSha: null, verifiedSha: head } });
    expect(trees.persist(tree).version).toBe('agent:5 plan:9 task:3 wave:2');
  });

  it('whose agents could not ask for permissions goes on, and they may', () => {
    const old = JSON.parse(
      readFileSync(new URL('../support/fixtures/plan-running.json', import.meta.url), 'utf8'),
    ) as PersistedTree;
    expect(old.version).toBe('agent:3 plan:2 task:1 wave:1');
    const tree = trees.restore(plan, old);
    const run = 'wave-1.2/task-1.1/agent#1';
    const say = (type: 'run_waiting' | 'agent_allow', payload: object, of: string | null) => {
      const origin = of === null ? 'person' : 'engine';
      return trees.step(tree, { type, payload, origin, actor: '', run: of, at: 9_000 } as Signal);
    };
    const question = { permission: '9f3a1c2e', tool: 'Bash', detail: 'make deploy', limit_ms: 60_000 };
    expect(say('run_waiting', question, run).verdict.status).toBe('done');
    const { verdict, requests } = say('agent_allow', { title: 'hello-w1-t1' }, null);
    expect(verdict.status).toBe('done');
    expect(requests.effects).toMatchObject([{ kind: 'agent.answer', permission: '9f3a1c2e', isAllowed: true }]);
    expect(trees.persist(tree).version).toBe('agent:5 plan:9 task:3 wave:2');
  });

  it('in which a planner worked beside the drafts of others goes on with the one', () => {
    const old = JSON.parse(
      readFileSync(new URL('../support/fixtures/plan-planning.json', import.meta.url), 'utf8'),
    ) as PersistedTree;
    expect(old.version).toBe('agent:4 plan:2 task:1 wave:1');
    expect(old.snapshot).toMatchObject({ context: { drafts: ['first'] } });
    const tree = trees.restore(plan, old);
    expect(snapshotOf(tree.root).context).not.toHaveProperty('drafts');
    const say = (type: 'plan_updated' | 'planner_finished', payload: object) =>
      trees.step(tree, { type, payload, origin: 'agent:hello-plan', actor: '', run: null, at: 9_000 } as Signal);
    expect(say('plan_updated', { content: planText([1]) }).verdict.status).toBe('done');
    expect(say('planner_finished', {}).verdict.status).toBe('done');
    expect(trees.persist(tree).version).toBe('agent:5 plan:9 task:3 wave:2');
  });

  it.each([
    [
      'is carried out as auto_advance says, of before a person could say it for one plan',
      undefined,
      { implementing: 'requesting' },
    ],
    ['stands planned where a person said so for this one', false, 'planned'],
  ])('that was being planned %s', (_what, advance, state) => {
    const old = JSON.parse(
      readFileSync(new URL('../support/fixtures/plan-unasked.json', import.meta.url), 'utf8'),
    ) as PersistedTree;
    expect(old.version).toBe('agent:4 plan:5 task:1 wave:1');
    const tree = trees.restore(plan, old);
    expect(snapshotOf(tree.root).context.advance).toBeNull();
    const say = (type: string, payload: object, origin = 'agent:hello-plan') =>
      trees.step(tree, { type, payload, origin, actor: '', run: null, at: 9_000 } as Signal).verdict.status;
    if (advance !== undefined) expect(say('plan_start', { advance }, 'person')).toBe('done');
    // An agent has no say in it.
    expect(say('plan_start', { advance: true })).toBe('done');
    expect(say('plan_updated', { content: planText([1]) })).toBe('done');
    expect(say('planner_finished', {})).toBe('done');
    const { lifecycle } = snapshotOf(tree.root).value as { lifecycle: Record<string, unknown> };
    expect(Object.values(lifecycle)).toEqual([state]);
    expect(trees.persist(tree).version).toBe('agent:5 plan:9 task:3 wave:2');
  });

  it('whose work was being committed asks a person, too, where that deletes most of the files', () => {
    const old = JSON.parse(
      readFileSync(new URL('../support/fixtures/plan-committing.json', import.meta.url), 'utf8'),
    ) as PersistedTree;
    expect(old.version).toBe('agent:4 plan:5 task:1 wave:1');
    const tree = trees.restore(plan, old);
    const say = (type: 'work_committed' | 'answer', payload: object, run: string | null) => {
      const origin = run === null ? 'person' : 'engine';
      return trees.step(tree, { type, payload, origin, actor: '', run, at: 9_000_000 } as Signal);
    };
    const deletions = 'its work deletes 8 of 9 files';
    const committed = { head: 'a'.repeat(40), base: 'b'.repeat(40), changed: true, deletions };
    expect(say('work_committed', committed, 'wave-1.2/task-1.1#1').verdict.status).toBe('done');
    expect(blockOf(tree)?.questions).toMatchObject([{ number: 1, title: 'hello-w1-t1', question: deletions }]);
    const { requests } = say('answer', { questions: [1], body: 'yes' }, null);
    expect(requests.effects).toMatchObject([{ kind: 'work.merge', commit: committed.head }]);
    expect(trees.persist(tree).version).toBe('agent:5 plan:9 task:3 wave:2');
  });

  it('in which two agents had asked keeps both questions, in numbers, and lets the third task go on', () => {
    const old = JSON.parse(
      readFileSync(new URL('../support/fixtures/plan-asking.json', import.meta.url), 'utf8'),
    ) as PersistedTree;
    expect(old.version).toBe('agent:4 plan:3 task:1 wave:1');
    const tree = trees.restore(plan, old);
    expect(blockOf(tree)).toMatchObject({
      source: 'agent',
      scope: 'tasks',
      questions: [
        { number: 1, title: 'hello-w1-t1', question: 'tabs?' },
        { number: 2, title: 'hello-w1-t2', question: 'which port?' },
      ],
    });
    const answer = { questions: [1], body: 'tabs' };
    const { requests, verdict } = trees.step(tree, {
      type: 'answer',
      payload: answer,
      origin: 'person',
      actor: '',
      run: null,
      at: 9_000_000,
    } as Signal);
    expect(verdict.status).toBe('done');
    expect(requests.effects).toMatchObject([{ kind: 'agent.run', title: 'hello-w1-t1' }]);
    expect(snapshotOf(tree.root).context.words).toMatchObject([{ kind: 'answer', question: 'tabs?', text: 'tabs' }]);
    expect(trees.persist(tree).version).toBe('agent:5 plan:9 task:3 wave:2');
  });

  it('with an open pull request, of before rounds were counted, is told of reviews and of the merge as any other', () => {
    const old = JSON.parse(
      readFileSync(new URL('../support/fixtures/plan-pulled.json', import.meta.url), 'utf8'),
    ) as PersistedTree;
    expect(old.version).toBe('agent:4 plan:3 task:1 wave:1');
    const tree = trees.restore(plan, old);
    expect(snapshotOf(tree.root).context.pull).toMatchObject({
      request: { number: 1, pass: 0, cycles: 0, failing: {} },
      seen: ['review:1'],
      remarks: [],
    });
    const merged = { type: 'pr_merged', payload: { head: 'b'.repeat(40), into: 'main' } } as const;
    const { verdict } = trees.step(tree, { ...merged, origin: 'engine', actor: '', run: null, at: 9_000 } as Signal);
    expect(verdict.status).toBe('done');
    expect(snapshotOf(tree.root).value).toMatchObject({ lifecycle: 'done', pullRequest: 'merged' });
    expect(trees.persist(tree).version).toBe('agent:5 plan:9 task:3 wave:2');
  });

  it('of a repo that knew nobody from outside grants what waited, and tells who watches a plan from now on', () => {
    const old = JSON.parse(
      readFileSync(new URL('../support/fixtures/repo-1.json', import.meta.url), 'utf8'),
    ) as PersistedTree;
    expect(old.version).toBe('repo:1');
    const tree = trees.restore('repo:demo', old);
    const say = (type: 'plan_watched' | 'plan_unwatched' | 'plan_done', payload: object) =>
      trees.step(tree, { type, payload, origin: 'engine', actor: '', run: null, at: 9 } as Signal).requests.signals;
    const watcher = 'machine:release/1.2';
    expect(say('plan_watched', { plan: 'login', watcher })).toEqual([]);
    const ended = 'release:ended';
    expect(say('plan_watched', { plan: 'login', watcher: ended })).toEqual([]);
    expect(say('plan_watched', { plan: 'other', watcher: ended })).toEqual([]);
    expect(say('plan_unwatched', { watcher: ended })).toEqual([]);
    expect(snapshotOf(tree.root).context).toMatchObject({ watchers: { login: [watcher] } });
    expect(say('plan_done', { plan: 'login' })).toMatchObject([
      { tree: watcher, type: 'plan_done', payload: { plan: 'login' } },
      { tree: 'plan:demo/logout', type: 'implement_granted', payload: { request: 1 } },
    ]);
    expect(trees.persist(tree).version).toBe('repo:2');
  });

  it('that an upgrade leads in a circle is refused as well', () => {
    const same = { to: 'plan:99', upgrade: (snapshot: unknown) => snapshot };
    const trees = createTrees(planUpgradedBy({ 'plan:99': same }));
    expect(() => trees.restore(plan, changed(version, '"version":"plan:99"'))).toThrow(/plan:99/);
  });
});
