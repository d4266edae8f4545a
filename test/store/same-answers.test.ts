/** Whatever is committed, in whichever order, every store answers the same. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { nothingRaised } from '../../machines/vocabulary/budget.ts';
import { lanes } from '../../machines/vocabulary/effect.ts';
import { effectKey, type PlanTree, type TreeAddress } from '../../machines/vocabulary/ids.ts';
import { createMemoryStore } from '../../runtime/core/store/memory/store.ts';
import type { Change, ChangeOf, Commit, Store } from '../../runtime/core/store/port.ts';
import { expiringKinds } from '../../runtime/core/store/rows.ts';
import { openStore } from '../../runtime/core/store/sqlite/store.ts';

/** So few of everything that the changes meet. */
const projects = ['a', 'b'];
const planTrees: readonly PlanTree[] = ['plan:a/p', 'plan:a/q', 'plan:b/p'];
const trees: readonly TreeAddress[] = ['supervisor', 'repo:a', 'repo:b', 'release:1', ...planTrees];
const names = ['coder#1', 'coder#2', 'w/t#1'];
const keys = planTrees.flatMap((tree) => names.map((name) => effectKey(tree, name)));
const times = [0, 1, 2, 3, 5, 8];
const ids = Array.from({ length: 9 }, (_, index) => index + 1);

const tree = fc.constantFrom(...trees);
const at = fc.constantFrom(...times);
const id = fc.constantFrom(...ids);
const key = fc.constantFrom(...keys);
const deliveryKey = fc.constantFrom(
  ...planTrees.flatMap((of) => ['msg_1', 'msg_2', 'msg_3'].map((each) => effectKey(of, each))),
);
const anyKey = fc.oneof(key, deliveryKey);
const projectName = fc.constantFrom(...projects);
const epoch = fc.constantFrom(1, 2);
const word = fc.constantFrom('x', 'y');
const session = fc.record({ project: fc.constantFrom(...projects), plan: fc.constantFrom('p', 'q') });
const plan = fc.record({ project: fc.constantFrom(...projects), plan: fc.constantFrom('p', 'q') });

const part = fc.constantFrom(
  ...projects.flatMap((project) => [
    { project, plan: '', title: '' },
    { project, plan: 'p', title: '' },
    { project, plan: 'p', title: 'x' },
  ]),
);

const signal = fc.record({
  tree,
  type: fc.constantFrom('plan_opened', 'run_exited'),
  payload: fc.record({ branch: word }),
  origin: fc.constantFrom('engine', 'person', 'agent:k'),
  run: fc.option(word),
  dedupeKey: fc.option(word),
  deliverAt: at,
  at,
});
const place = word.map((branch) => ({ branch, from: 'main' }));
const name = fc.constantFrom(...names);
const effect: fc.Arbitrary<ChangeOf<'effect.insert'>['effect']> = fc.oneof(
  fc.record({
    kind: fc.constant('agent.run' as const),
    id: name,
    title: word,
    role: fc.constantFrom('coder', 'reviewer'),
    attempt: fc.constant(1),
    wave: fc.constant(null),
    task: fc.constant(null),
    place,
    idleMs: fc.constant(null),
    feedback: fc.constant(null),
    previous: fc.constant(null),
    question: fc.constant(null),
    answer: fc.constant(null),
    messages: fc.constant([]),
    start: fc.constant('begin'),
  }),
  fc.record({ kind: fc.constantFrom('worktree.remove' as const), id: name, place }),
  fc.record({ kind: fc.constantFrom('work.undo' as const), id: name, run: name, place }),
);
const standing = fc.constantFrom(
  { status: 'ready', landing: null } as const,
  { status: 'implementing', landing: null } as const,
  { status: 'done', landing: 'not_merged' } as const,
  { status: 'done', landing: 'merged' } as const,
);
const looks = fc.record({
  phase: fc.option(word),
  blocked: fc.option(fc.record({ reason: word, source: fc.constant('person' as never), at })),
  holds: fc.boolean(),
  paused: fc.boolean(),
  wave: at,
  waves: at,
  tasksDone: at,
  tasks: at,
  reviewCycle: at,
  generation: at,
  branch: word,
  topic: fc.option(word),
  title: fc.option(word),
  budget: fc.constant({ document: null, raised: nothingRaised }),
});
const summary: fc.Arbitrary<ChangeOf<'plan.show'>['summary']> = fc
  .tuple(looks, standing)
  .map(([look, stands]) => ({ ...look, ...stands }));
const taken = fc.record({ file: word, digest: word });
const text = fc.record({ content: word, goal: fc.option(word), taken: fc.option(taken) });
const facts = fc.record(
  {
    started_at: fc.option(at),
    ended_at: fc.option(at),
    conversation: fc.option(word),
    input_tokens: fc.option(at),
    output_tokens: fc.option(at),
    cost_usd: fc.option(fc.constantFrom(0.25, 1.5)),
    worked_ms: fc.option(at),
    last_message: fc.option(word),
  },
  { requiredKeys: [] },
);
const amounts = fc.record(
  { usd: fc.constantFrom(0.5, 2), tokens: fc.constantFrom(2, 9), agent_minutes: fc.constantFrom(0.0001, 1) },
  { requiredKeys: [] },
);
const result = fc.constantFrom<unknown>('done', { code: 'internal' }, { code: 'refused' });

const stands = fc.record({
  isEnded: fc.boolean(),
  keepsJournal: fc.boolean(),
  state: fc.constantFrom('active', null),
  reason: fc.constantFrom('x', null),
});

/** One arbitrary for each kind of change: a kind that is new does not compile until it has one. */
const arbitraries: { readonly [Name in Change['do']]: fc.Arbitrary<Omit<ChangeOf<Name>, 'do'>> } = {
  'signal.insert': signal,
  'signal.finish': fc.record({ id, status: fc.constantFrom('done', 'failed'), result, at }),
  'signal.hold': fc.record({ id, tree }),
  'signal.release': fc.record({ tree }),
  'signal.count-attempt': fc.record({ id }),
  'signal.set-aside': fc.record({ id, result, at }),
  'signal.revive': fc.record({ id }),
  'signal.void-tree': fc.record({ tree, at }),
  'tree.write': fc
    .record({ address: tree, text: fc.constantFrom('{"value":"active","context":{"degraded":"x"}}', '{}', '{') })
    .chain(({ address, text: stored }) =>
      fc.record({
        address: fc.constant(address),
        stored: stands.map((how) => ({ machine: 'm', version: '1', text: stored, standing: how })),
        before: fc.constantFrom(0, 1),
        after: fc.constantFrom(1, 2),
        at,
      }),
    ),
  'tree.remove': fc.oneof(fc.record({ address: tree }), fc.record({ address: tree, before: fc.constantFrom(1, 2) })),
  'journal.append': fc.record({
    line: fc.record({
      at,
      tree,
      signal: fc.option(id),
      type: fc.constantFrom('plan_opened', 'run_exited'),
      origin: word,
      actor: word,
      event: word,
      from: fc.oneof(word, fc.constant('')),
      to: word,
      effects: fc.array(word, { maxLength: 2 }),
      refused: fc.option(fc.record({ code: word })),
    }),
    input: fc.option(fc.constant('{"type":"x"}')),
  }),
  'effect.insert': fc.record({ tree: fc.constantFrom(...planTrees), effect, priority: fc.constantFrom(0, 1), at }),
  'effect.take': fc.record({ id, epoch, at }),
  'slots.require': fc.record({
    lane: fc.constantFrom('worker', 'git'),
    busy: fc.dictionary(projectName, fc.constantFrom(0, 1, 2)),
  }),
  'budget.require': fc.record({ key: plan, plan: amounts, day: amounts, dayStartMs: at }),
  'account.require': fc.record({ account: word, at }),
  'account.limit': fc.record({
    account: word,
    until: at,
    at,
    notice: fc.record({ type: word, project: projectName, plan: word, message: word, at }),
  }),
  'account.free': fc.record({ account: word, before: at }),
  'effect.adopt': fc.record({ epoch }),
  'effect.settle': fc.record(
    { key: anyKey, status: fc.constantFrom('done', 'failed'), error: fc.option(word), epoch, at, result: word },
    { requiredKeys: ['key', 'status', 'error', 'epoch', 'at'] },
  ),
  'effect.try-again': fc.record(
    { key: anyKey, nextAt: at, error: word, epoch, result: word },
    { requiredKeys: ['key', 'nextAt', 'error', 'epoch'] },
  ),
  'effect.put-back': fc.record({ key, nextAt: at, error: word, epoch, at }),
  'effect.note-wait': fc.record({ key, wait: fc.option(fc.record({ at, reason: word })), epoch }),
  'effect.stop': fc.record({ key, stopAt: at, at, withdrawn: signal }),
  'hook.enqueue': fc.record({
    tree: fc.constantFrom(...planTrees),
    delivery: fc.record({ id: fc.constantFrom('msg_1', 'msg_2', 'msg_3'), plan: word, hook: word, at }).map((rest) => ({
      ...{ kind: 'hook.deliver' as const, event: 'blocked' as const, details: {} },
      ...{ from: 'ready' as const, to: 'done' as const, ...rest },
    })),
  }),
  'hook.redeliver': fc.record({ key: deliveryKey }),
  'hook.note-result': fc.record({ project: projectName, hook: word, isDelivered: fc.boolean(), at }),
  'forge.note': fc.record({
    project: projectName,
    server: word,
    url: word,
    code: fc.constant('no_token' as const),
    reason: word,
    hint: word,
    since: at,
    plans: fc.array(word, { maxLength: 2 }),
  }),
  'hook.switch': fc.record({ project: projectName, hook: word, off: fc.option(fc.record({ reason: word, at })) }),
  'plan.insert': fc.record({ key: plan, text, summary, at }),
  'plan.show': fc.record({ key: plan, summary, at }),
  'plan.set-text': fc.record({ key: plan, text }),
  'plan.set-file': fc.record({ key: plan, taken, before: fc.option(word) }),
  'plan.set-fault': fc.record({ key: plan, signal: fc.option(id), isFirst: fc.boolean(), at }),
  'plan.move-fault': fc.record({ key: plan, from: id, at }),
  'plan.set-base': fc.record({
    key: plan,
    base: fc.record({
      branch: fc.option(word),
      commit: word,
      on: fc.array(fc.record({ plan: name, commit: word }), { maxLength: 2 }),
    }),
  }),
  'plan.remove': fc.record({ key: plan, at }),
  'run.show': fc.record({
    run: fc
      .record({
        tree: fc.constantFrom(...planTrees),
        run: name,
        title: word,
        state: fc.constantFrom('queued', 'failed', 'running'),
      })
      .map(({ tree: of, run, title, state }) => {
        const [project = '', name = ''] = of.slice('plan:'.length).split('/');
        const shown = { role: 'coder', attempt: 1, state, reason: null, branch: 'b' };
        return { key: effectKey(of, run), project, plan: name, run, title, ...shown };
      }),
    isNewest: fc.boolean(),
    at,
  }),
  'run.note': fc.record({ key, set: facts, once: fc.record({ preset: word }, { requiredKeys: [] }) }),
  'run.add-token': fc.record({ key, hash: key }),
  'launch.name': fc.record({ key, folder: word, secret: fc.option(word), launchedAt: fc.option(at) }),
  'launch.note': fc.record(
    { key, launchedAt: fc.option(at), wrapper: fc.option(word), base: fc.option(word) },
    { requiredKeys: ['key'] },
  ),
  'launch.remove': fc.record({ key }),
  'rows.expire': fc.record({
    kind: fc.constantFrom(...expiringKinds),
    beforeMs: fc.integer({ min: 1, max: 6 }),
    after: fc.constantFrom(0, 1),
    upTo: fc.constantFrom(1, 3, 9),
  }),
  'timeline.write': fc.record({ boot: word, steady_ms: at, wall_ms: at, at_ms: at }),
  'queue.pause': fc.record({ at, what: part }, { requiredKeys: ['at'] }),
  'queue.resume': fc.record({ what: part }, { requiredKeys: [] }),
  'queue.clear': fc.record({ at }),
  'issue.insert': fc.record({
    project: fc.constantFrom(...projects),
    plan: fc.constantFrom('p', 'q'),
    reference: fc.option(word),
    title: fc.option(word),
    pullRequest: fc.option(word),
    createdAt: at,
  }),
  'issue.set-pull-request': fc.record({ key: session, url: word }),
  'issue.remove': fc.record({ key: session }),
  'issue.say': fc.record({ key: session, content: word, at }),
  'notification.insert': fc.record({
    type: word,
    project: fc.constantFrom(...projects),
    plan: word,
    message: word,
    at,
  }),
  'notification.read': fc.record({ upTo: fc.integer({ min: 0, max: 4 }) }),
  'repo.insert': fc.record({
    project: fc.constantFrom(...projects),
    path: word,
    config: fc.record({
      file: word,
      text: fc.option(word),
      kasmosFile: word,
      kasmosText: fc.constant(null),
      kasmosProblem: fc.constant(null),
    }),
    addedAt: at,
    trustedAt: at,
    trustedBy: word,
    revokedAt: fc.option(at),
  }),
  'repo.remove': fc.record({ project: fc.constantFrom(...projects), at }),
};
const change: fc.Arbitrary<Change> = fc.oneof(
  // The name and the fields of one kind: a change.
  ...Object.entries(arbitraries).map(([name, fields]) =>
    (fields as fc.Arbitrary<object>).map((rest) => ({ do: name, ...rest }) as Change),
  ),
);

/** What a call answers with, or that it threw. */
async function told(call: Promise<unknown>): Promise<unknown> {
  return call.catch(() => 'threw');
}

/** In which order the plans come is each store's own business. */
async function inSomeOrder(page: ReturnType<Store['planTraces']>): Promise<unknown> {
  const { traces, next } = await page;
  return { next, traces: traces.map((trace) => JSON.stringify(trace)).sort() };
}

async function committed(store: Store, changes: readonly Change[]): Promise<unknown> {
  return told(store.commit(changes) satisfies Promise<Commit>);
}

/** Every reading of the port, with the values that the changes are made of. */
async function answers(store: Store): Promise<Record<string, unknown>> {
  const found: Record<string, unknown> = {};
  const ask = async (name: string, call: Promise<unknown>) => {
    found[name] = await told(call);
  };
  for (const limit of [1, 3, 64]) await ask(`claim ${limit}`, store.claim({ keptMs: 2, wallMs: 5 }, { limit }));
  for (const project of ['', ...projects]) {
    await ask(`claim of ${project}`, store.claim({ keptMs: 2, wallMs: 5 }, { limit: 2, project }));
    await ask(`births ${project}`, store.births(project));
    await ask(`signals ${project}`, store.signals({ project, limit: 3 }));
    await ask(`plans ${project}`, store.plans(project));
    await ask(`usage of plans ${project}`, store.usageOfPlans(project));
    await ask(`runs ${project}`, store.runs({ by: 'latest', project, plan: 'p' }));
    await ask(`hooks ${project}`, store.hooks(project));
    await ask(`hook counts ${project}`, store.hookCounts(project));
    await ask(`deliveries ${project}`, store.effects({ by: 'deliveries', project, hook: 'x', limit: 2 }));
    for (const title of ['x', 'y']) await ask(`${project} ${title}`, store.runs({ by: 'title', project, title }));
    const tokens = { project, conversation: 'x', exceptKey: keys[0] ?? '' };
    await ask(`tokens ${project}`, store.conversationTokens(tokens));
  }
  for (const signalId of ids) await ask(`signal ${signalId}`, store.signal(signalId));
  for (const status of ['pending', 'held', 'done', 'failed'] as const)
    await ask(`signals ${status}`, store.signals({ status, plan: 'p' }));
  for (const address of trees) {
    await ask(`tree ${address}`, store.tree(address));
    await ask(`aside ${address}`, store.setAside(address, 2));
    await ask(`journal ${address}`, store.journal({ after: 1, tree: address, limit: 2 }));
    await ask(`refused ${address}`, store.lastRefused(address));
    await ask(`inputs ${address}`, store.inputs(address));
    for (const by of ['tree', 'waiting'] as const) await ask(`${by} ${address}`, store.effects({ by, tree: address }));
    await ask(`undone ${address}`, store.effects({ by: 'undone', tree: address, sinceMs: 1 }));
  }
  for (const address of planTrees) {
    const [project = '', name = ''] = address.slice('plan:'.length).split('/');
    const of = { project, plan: name };
    await ask(`first line ${address}`, store.firstLine(address));
    await ask(`agent ${address}`, store.runs({ by: 'agent', tree: address, path: 'coder', atMs: 3 }));
    await ask(`plan ${address}`, store.plan(project, name));
    await ask(`text ${address}`, store.planText(project, name));
    await ask(`generation ${address}`, store.nextGeneration(project, name));
    await ask(`runs ${address}`, store.runs({ by: 'plan', ...of, sinceMs: 1, limit: 2 }));
    await ask(`usage ${address}`, store.usage(of));
    await ask(`usage since ${address}`, store.usage(of, 2));
    await ask(`spent ${address}`, store.spent(of, 2));
    await ask(`count ${address}`, store.countRuns(of));
  }
  for (const one of keys) {
    await ask(`effect ${one}`, store.effect(one));
    await ask(`run ${one}`, store.run(one));
    await ask(`launch ${one}`, store.launch(one));
    await ask(`token ${one}`, store.runs({ by: 'token', hash: one }));
    const run = await store.run(one);
    if (run !== null) await ask(`count before ${one}`, store.countRuns(run, run));
    if (run !== null) await ask(`checks ${one}`, store.checksOf(run));
  }
  for (const lane of lanes) {
    const nowMs = 3;
    await ask(`start ${lane}`, store.startable({ lane, nowMs, closed: [], agents: 'all' }));
    await ask(`start not a ${lane}`, store.startable({ lane, nowMs, closed: ['a'], agents: 'all' }));
    await ask(`start none ${lane}`, store.startable({ lane, nowMs, closed: [], agents: 'none' }));
    await ask(`start some ${lane}`, store.startable({ lane, nowMs, closed: [], agents: ['a/p'], trees: ['plan:a/p'] }));
    for (const status of ['queued', 'running'] as const)
      await ask(`count ${lane} ${status}`, store.effectCounts(lane, status));
  }
  for (const afterMs of [0, 2]) {
    await ask(`next signal ${afterMs}`, store.nextSignalIn({ keptMs: afterMs, wallMs: afterMs }));
    await ask(`next effect ${afterMs}`, store.nextEffectAt(afterMs));
  }
  for (const by of ['running', 'open'] as const) await ask(by, store.effects({ by }));
  const dead = { statuses: ['failed', 'withdrawn'], limit: 3 } as const;
  await ask('dead deliveries', store.effects({ by: 'deliveries', plan: 'p', ...dead }));
  for (const each of ['msg_1', 'msg_4']) await ask(`delivery ${each}`, store.effects({ by: 'delivery', id: each }));
  await ask('all waiting', store.effects({ by: 'waiting' }));
  await ask('usage of all plans', store.usageOfPlans(null));
  await ask('runs by keys', store.runs({ by: 'keys', keys: [...keys.slice(2).reverse(), 'nobody'] }));
  for (const machine of ['repo', 'plan', 'release']) await ask(`states ${machine}`, store.treeStates(machine));
  for (const each of trees) await ask(`end of ${each}`, store.treeStanding(each));
  await ask('plans', store.plans(null));
  await ask('plan counts', store.planCounts());
  for (const kind of expiringKinds) {
    await ask(`expiring ${kind}`, store.expiring({ kind, beforeMs: 3, after: 0, span: 4 }));
    await ask(`expiring later ${kind}`, store.expiring({ kind, beforeMs: 9, after: 1, span: 64 }));
  }
  await ask('traces', inSomeOrder(store.planTraces({ after: 0, limit: 10 })));
  for (const folder of ['x', 'y']) await ask(`launches of ${folder}`, store.launchesOf([folder]));
  await ask('latest', store.runs({ by: 'latest', limit: 2 }));
  await ask('journal', store.journal({ after: 0 }));
  await ask('last line', store.lastLine());
  await ask('queue', store.queue());
  for (const ended of [1, 9]) await ask(`queue items ${ended}`, store.queueItems({ ended }));
  await ask('issues', store.issues());
  for (const project of projects) await ask(`said ${project}`, store.issueMessages({ project, plan: 'p' }));
  await ask('accounts', store.accountLimits());
  for (const isUnread of [true, false]) {
    await ask(`notifications ${isUnread}`, store.notifications({ limit: 3, isUnread }));
    await ask(`notifications of a ${isUnread}`, store.notifications({ limit: 3, isUnread, project: 'a', after: 1 }));
  }
  await ask('repos', store.repos());
  await ask('removed', store.removedRepos());
  await ask('timeline', store.timeline());
  return found;
}

it('whatever is committed, every store answers the same to everything', async () => {
  const commits = fc.array(fc.array(change, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 40 });
  await fc.assert(
    fc.asyncProperty(commits, async (sequence) => {
      const sqlite = openStore('/nowhere', { isAbsent: true });
      const memory = createMemoryStore();
      try {
        for (const changes of sequence)
          expect(await committed(memory, changes)).toEqual(await committed(sqlite, changes));
        expect(await answers(memory)).toEqual(await answers(sqlite));
      } finally {
        sqlite.close();
        memory.close();
      }
    }),
    { numRuns: 100 },
  );
});
