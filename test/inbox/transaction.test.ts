/** Everything that one batch of the inbox writes: verdicts, the journal, effects, deadlines, deliveries and notifications, all in one commit. */
import { describe, expect, it } from 'vitest';
import { emit, setup } from 'xstate';
import { z } from 'zod';
import { kindsWith } from '../../actors/kinds.ts';
import { kindOf } from '../../actors/own-machine.ts';
import { createTrees } from '../../actors/tree.ts';
import { hookEvents } from '../../machines/vocabulary/hook-event.ts';
import type { TreeAddress } from '../../machines/vocabulary/ids.ts';
import { groupBy } from '../../runtime/base/platform/group-by.ts';
import { rowOf } from '../../runtime/core/inbox/signal-row.ts';
import { handleBatch } from '../../runtime/core/inbox/transaction.ts';
import { createTreeCache } from '../../runtime/core/inbox/tree-cache.ts';
import { type Change, mustCommit } from '../../runtime/core/store/port.ts';
import { defineMachine } from '../../runtime/engine/engine.ts';
import { implementing, openInbox, plan, release, repo, type Scene } from '../support/inbox-scene.ts';
import { defineRelease } from '../support/own-machine.ts';
import { policyWith } from '../support/plan-states.ts';
import { planText } from '../support/simulation.ts';

describe('a signal', () => {
  it('for a plan that is not there names the plan; one of the engine itself came too late', async () => {
    const inbox = await openInbox();
    expect((await inbox.say('cancel')).is).toMatch(/^failed .*demo\/hello","code":"plan_not_found"/);
    expect((await inbox.say('repo_paused', {}, { tree: repo })).is).toMatch(/^failed .*demo.*"code":"repo_not_found"/);
    expect((await inbox.say('approve', {}, { tree: release })).is).toMatch(
      /^failed .*"there is no release:1.2","code":"not_found".*machine list release/,
    );
    expect((await inbox.say('run_exited', {}, { origin: 'engine' })).is).toBe('done "stale"');
    expect(inbox.made('tree.require')).toEqual([{ do: 'tree.require', address: plan, steps: 0 }]);
  });

  it('for no address at all is refused', async () => {
    const inbox = await openInbox();
    const id = await inbox.put('cancel');
    const row = { ...(await inbox.rowAt(id)), tree: 'nowhere' };
    expect(await handleBatch(inbox.parts, [row], 2_000)).toMatchObject({
      settled: [id],
      lines: [],
      touchedEffects: false,
    });
    expect((await inbox.rowAt(id)).result).toMatch(/"code":"bad_request"/);
    expect(inbox.commits.at(-1)?.map((change) => change.do)).toEqual(['signal.finish']);
  });

  it('for a machine that this engine was not given waits for an engine that knows it', async () => {
    const inbox = await openInbox();
    const other = await inbox.say('approve', {}, { tree: 'unknown:1' as TreeAddress });
    expect(other.is).toBe('held null');
    expect(other.settled).toEqual([other.id]);
    expect(inbox.made('signal.hold')).toEqual([{ do: 'signal.hold', id: other.id, tree: 'unknown:1' }]);
  });

  it('that creates a plan that exists already changes nothing', async () => {
    const inbox = await openInbox();
    expect((await inbox.openPlan()).is).toBe('done "done"');
    const again = await inbox.openPlan();
    expect(again.is).toBe('done "already"');
    expect(again.changes.map((change) => change.do).sort()).toEqual(['signal.finish', 'tree.require']);
    expect(inbox.made('tree.require')).toEqual([{ do: 'tree.require', address: plan, steps: 1 }]);
  });

  it('that a machine sends creates no plan, and is checked as a person’s is', async () => {
    const inbox = await openInbox();
    const origin = 'machine:release:9' as const;
    const born = await inbox.say('plan_opened', {}, { origin });
    expect(born.is).toMatch(/^failed .*"plan_not_found"/);
    expect(inbox.made('signal.insert')).toMatchObject([
      { tree: 'release:9', type: 'message_failed', origin: 'engine', payload: { to: plan, message: 'plan_opened' } },
    ]);
    await inbox.openPlan();
    expect((await inbox.say('cancel', { bdoy: 'x' }, { origin })).is).toMatch(
      /^failed .*"bad_payload".*did you mean body/,
    );
    const verdict = { origin: 'auto', body: 'fine' };
    expect((await inbox.say('verify_failed', verdict, { origin })).is).not.toMatch(/bad_payload/);
    const { input } = (await inbox.store.fed(plan)).at(-1) ?? {};
    expect(JSON.stringify(input ?? null)).not.toContain('auto');
  });

  it('that another program wrote is checked when it is handled, and comes from a person or a file', async () => {
    const inbox = await openInbox();
    await inbox.openPlan();
    const foreign = async (type: string, payload: string, origin: string) => {
      const id = await inbox.put(type);
      const { parts, rowAt } = inbox;
      await handleBatch(parts, [{ ...(await rowAt(id)), tree: null, is_checked: 0, payload, origin }], 2_000);
      const { status, result } = await rowAt(id);
      return `${status} ${result}`;
    };
    expect(await foreign('cancle', '{}', 'person')).toMatch(/^failed .*"unknown_signal"/);
    expect(await foreign('run_exited', '{}', 'engine')).toMatch(/^failed .*"not_allowed"/);
    expect(await foreign('mark-done', 'it is fine', 'engine')).toBe('done "done"');
    expect((await inbox.store.plan('demo', 'hello'))?.status).toBe('done');
  });

  it('that the state does not take is refused with a line of the journal, and moves nothing', async () => {
    const inbox = await openInbox();
    await inbox.openPlan();
    const refused = await inbox.say('review_approved');
    expect(refused.is).toMatch(/^failed .*"by":"plan","state":"ready.planned"/);
    expect(refused.lines).toMatchObject([
      {
        tree: plan,
        signal: refused.id,
        type: 'review_approved',
        origin: 'person',
        actor: 'plan',
        event: 'review_approved',
        effects: [],
        refused: { by: 'plan', state: 'ready.planned' },
      },
    ]);
    expect(refused.lines[0]?.from).toBe(refused.lines[0]?.to);
    expect(refused.lines[0]?.from).not.toBe('');
    expect(refused.changes.map((change) => change.do).sort()).toEqual([
      'journal.append',
      'signal.finish',
      'tree.require',
    ]);
    expect(refused.touchedEffects).toBe(false);
  });

  it('is settled with its tree’s row, its lines and its verdict in one commit', async () => {
    const inbox = await openInbox();
    const born = await inbox.openPlan();
    expect([...new Set(born.changes.map((change) => change.do))]).toEqual([
      'journal.append',
      'signal.finish',
      'tree.write',
      'plan.insert',
      'plan.show',
    ]);
    expect(inbox.made('tree.write')).toMatchObject([{ address: plan, before: 0, after: 1, at: inbox.now() }]);
    expect(born.lines[0]).toMatchObject({ seq: 1, at: inbox.now(), tree: plan, signal: born.id, type: 'plan_opened' });
    expect(born.settled).toEqual([born.id]);
    const [line] = await inbox.store.fed(plan);
    expect(line?.input).toMatchObject({ type: 'plan_opened', at: inbox.now() });
    const next = await inbox.say('mark_done');
    expect(next.lines[0]?.seq).toBeGreaterThan(1);
    expect(inbox.made('tree.write')).toMatchObject([{ before: 1, after: 2 }]);
  });

  it('comes after the policy of the repo, where that has changed since the last one, and after no other', async () => {
    const inbox = await openInbox();
    await inbox.openPlan();
    const types = async (type: string) => (await inbox.say(type)).lines.map((line) => line.type);
    expect(await types('pause')).not.toContain('policy');
    Object.assign(inbox.parts, { policyOf: () => policyWith([], { auto_advance: false }) });
    expect((await types('resume'))[0]).toBe('policy');
    expect(await types('pause')).not.toContain('policy');
    Object.assign(inbox.parts, { policyOf: () => null });
    expect(await types('resume')).not.toContain('policy');
  });

  it('is fed once, however many journal lines it causes, and its effects are on the first', async () => {
    const inbox = await implementing();
    const fed = await inbox.store.fed(plan);
    const bySignal = groupBy(fed, ({ signal }) => signal);
    const granted = [...bySignal.values()].find((lines) => lines.some(({ effects }) => effects.length > 0)) ?? [];
    expect(granted.length).toBeGreaterThan(1);
    expect(granted.map(({ effects }) => effects.length)).toEqual([2, ...granted.slice(1).map(() => 0)]);
    for (const lines of bySignal.values()) {
      const inputs = lines.map(({ input }) => input !== null);
      expect(inputs.filter(Boolean).length).toBeGreaterThan(0);
      expect(inputs[0]).toBe(true);
    }
  });

  it('beside others of one batch finds what these made, and what one of them released comes in a later batch', async () => {
    const inbox = await openInbox();
    const opened = await inbox.put(
      'plan_opened',
      { content: planText([1]), branch: 'plan/hello', topic: null, generation: 0, policy: policyWith([]) },
      { origin: 'engine' },
    );
    const both = await inbox.batch(opened, await inbox.put('mark_done'));
    expect(both.settled).toHaveLength(2);
    expect((await inbox.store.plan('demo', 'hello'))?.status).toBe('done');
  });
});

describe('what a machine emits', () => {
  const shop = setup({ types: { emitted: {} as { type: 'sold' } | { type: 'closed' } } }).createMachine({
    id: 'shop',
    initial: 'open',
    states: {
      open: { on: { sell: { actions: emit({ type: 'sold' }) }, close: 'closed' } },
      closed: { type: 'final', entry: emit({ type: 'closed' }) },
    },
  });
  const definition = defineMachine({
    name: 'shop',
    machine: shop,
    version: 1,
    signals: { sell: z.strictObject({}), close: z.strictObject({}) },
  });
  const tree = 'shop:1' as TreeAddress;

  it('is a line of its own after those of the states, and the line that has the input comes first', async () => {
    const inbox = await openInbox();
    const trees = createTrees(kindsWith([kindOf(definition)]));
    Object.assign(inbox.parts, { trees, cache: createTreeCache({ store: inbox.store, trees }) });
    await inbox.say('machine_started', {}, { tree, origin: 'engine' });
    const lines = () =>
      inbox.made('journal.append').map(({ line: { from, to, emitted }, input }) => ({ from, to, emitted, input }));
    await inbox.say('sell', {}, { tree });
    expect(lines()).toEqual([
      { from: '', to: '', emitted: undefined, input: expect.stringContaining('"type":"sell"') },
      expect.objectContaining({ emitted: { type: 'sold' }, input: null }),
    ]);
    await inbox.say('close', {}, { tree });
    expect(lines()).toEqual([
      { from: 'open', to: 'closed', emitted: undefined, input: expect.stringContaining('"type":"close"') },
      expect.objectContaining({ emitted: { type: 'closed' }, input: null }),
    ]);
  });
});

describe('a tree of an earlier version', () => {
  it('has its upgrade in the journal once, before the next signal', async () => {
    const inbox = await openInbox();
    const machine = setup({}).createMachine({ id: 'shop', on: { sell: { actions: () => {} } } });
    const signals = { sell: z.strictObject({}) };
    const parts = { name: 'shop', machine, signals } as const;
    const use = (definition: Parameters<typeof kindOf>[0]) => {
      const trees = createTrees(kindsWith([kindOf(definition)]));
      Object.assign(inbox.parts, { trees, cache: createTreeCache({ store: inbox.store, trees }) });
    };
    const tree = 'shop:1' as TreeAddress;
    use(defineMachine({ ...parts, version: 1 }));
    await inbox.say('machine_started', {}, { tree, origin: 'engine' });
    use(defineMachine({ ...parts, version: 2, upgrades: { 1: (snapshot) => snapshot } }));
    const { id } = await inbox.say('sell', {}, { tree });
    const made = inbox.made('journal.append');
    expect(made.map(({ line }) => line.type)).toEqual(['upgraded', 'sell']);
    expect(made[0]?.line).toMatchObject({
      ...{
        at: inbox.now(),
        tree,
        signal: id,
        origin: 'engine',
        actor: '',
        event: 'upgraded',
        effects: [],
        refused: null,
      },
    });
    expect(JSON.parse(made[0]?.input ?? '')).toMatchObject({ type: 'upgraded', from: made[0]?.line.from });
    expect(inbox.made('tree.write')).toMatchObject([{ before: 1, after: 3 }]);
    await inbox.say('sell', {}, { tree });
    expect(inbox.made('journal.append').map(({ line }) => line.type)).toEqual(['sell']);
  });
});

describe('the commit of a batch', () => {
  it('that is lost, or broken off at any point, leaves the rows as they were and the next one decides anew', async () => {
    const points: string[] = [];
    let failing: string | null = null;
    const inbox = await openInbox({
      faults: (point) => {
        points.push(point);
        if (point === failing) throw new Error(`died at ${point}`);
      },
    });
    await inbox.openPlan();
    expect(points).toEqual(['pump.after-begin', 'pump.before-commit', 'pump.after-commit']);
    for (failing of ['pump.after-begin', 'pump.before-commit']) {
      const id = await inbox.put('pause');
      await expect(inbox.batch(id)).rejects.toThrow(`died at ${failing}`);
      expect((await inbox.rowAt(id)).status).toBe('pending');
    }
    failing = null;
    expect((await inbox.say('pause')).is).toBe('done "done"');
    expect(inbox.made('tree.write')).toMatchObject([{ before: 1, after: 2 }]);

    const id = await inbox.put('resume');
    const row = await inbox.rowAt(id);
    await mustCommit(inbox.store, [{ do: 'signal.finish', id, status: 'failed', result: 'taken', at: 1 }]);
    expect(await handleBatch(inbox.parts, [row], 3_000)).toMatchObject({
      status: 'lost',
      change: { do: 'signal.finish' },
    });
    expect((await inbox.say('resume')).is).toBe('done "done"');
  });

  it('writes what arrives with what became of it, after what is due', async () => {
    const inbox = await openInbox();
    await inbox.openPlan();
    const due = await inbox.put('pause');
    const arrive = (id: number, type: string, tree: TreeAddress = plan) =>
      rowOf(id, { tree, type, payload: {}, origin: 'person', at: 2_000 });
    const rows = [
      arrive(due + 1, 'resume'),
      arrive(due + 2, 'review_approved'),
      arrive(due + 3, 'x', 'unknown:1' as TreeAddress),
    ];
    const cause: Change = { do: 'queue.pause', at: 5 };
    const handled = await handleBatch(inbox.parts, [await inbox.rowAt(due)], 2_000, { rows, causes: [cause] });
    expect(handled).toMatchObject({ status: 'committed', settled: [due, due + 1, due + 2, due + 3] });
    const kinds = (inbox.commits.at(-1) ?? []).map((change) => change.do);
    expect(kinds.slice(0, 4)).toEqual(['signal.enter', 'signal.enter', 'signal.enter', 'queue.pause']);
    expect(kinds.filter((kind) => kind === 'signal.finish')).toHaveLength(1);
    expect(await inbox.rowAt(due + 1)).toMatchObject({
      status: 'done',
      result: '"done"',
      attempts: 1,
      processed_at: 2_000,
    });
    expect(await inbox.rowAt(due + 2)).toMatchObject({
      status: 'failed',
      result: expect.stringContaining('ready.planned'),
    });
    expect(await inbox.rowAt(due + 3)).toMatchObject({ status: 'held', processed_at: null });
    expect((await inbox.store.queue()).pausedAt).toBe(5);
  });
});

describe('what a step asks for', () => {
  it('is queued with the priority of its repo, and says that there is something to start', async () => {
    const inbox = await implementing({ policy: { ...policyWith([]), priority: 7 } });
    const queued = await inbox.store.effects({ by: 'tree', tree: plan });
    expect(queued.map(({ kind, priority, status }) => `${kind} ${priority} ${status}`)).toEqual([
      'agent.run 7 queued',
      'agent.run 7 queued',
    ]);
    const unknown = await implementing({ policy: null });
    expect((await unknown.store.effects({ by: 'tree', tree: plan })).map(({ priority }) => priority)).toEqual([0, 0]);
  });

  it('goes to its repo as a signal of the engine, and to another tree as a signal of the machine that sends it', async () => {
    const inbox = await openInbox({ machine: { notifies: { project: 'demo', plan: 'hello' } } });
    await inbox.openPlan();
    await inbox.say('implement_start');
    expect(inbox.made('signal.insert')).toMatchObject([{ tree: repo, type: 'implement_requested', origin: 'engine' }]);
    await inbox.say('machine_started', { version: '1.2.0' }, { tree: release, origin: 'engine' });
    await inbox.say('refuse', { reason: 'no' }, { tree: release });
    expect(inbox.made('signal.insert')).toMatchObject([
      { tree: plan, type: 'cancel', payload: {}, origin: 'machine:release:1.2', at: inbox.now() },
    ]);
  });

  it('is due as long from now as its machine says, in the time of the store', async () => {
    const inbox = await openInbox({ machine: { expireMs: 300 } });
    const born = await inbox.say('machine_started', { version: '1.2.0' }, { tree: release, origin: 'engine' });
    expect(born.touchedEffects).toBe(false);
    expect(inbox.made('signal.insert')).toMatchObject([
      {
        tree: release,
        type: 'timer_due',
        payload: {},
        origin: 'engine',
        run: 'expire#1.1',
        deliverAt: 800,
        at: inbox.now(),
      },
    ]);
    expect(inbox.made('timeline.write')).toEqual([
      { do: 'timeline.write', boot: 'this', steady_ms: 7, wall_ms: 500, at_ms: 500 },
    ]);
    await inbox.say('approve', {}, { tree: release });
    expect(inbox.made('effect.insert')).toMatchObject([{ tree: release, priority: 0, at: inbox.now() }]);
  });

  it('stores nothing in the timeline if it has no deadline', async () => {
    const inbox = await openInbox();
    await inbox.openPlan();
    expect(inbox.made('timeline.write')).toEqual([]);
  });

  it('is stopped where it runs, and withdrawn where it does not', async () => {
    const inbox = await implementing();
    const stopped = await inbox.say('cancel');
    expect(stopped.touchedEffects).toBe(true);
    expect(inbox.made('effect.stop')).toHaveLength(2);
    const [one] = inbox.made('effect.stop');
    const run = one?.withdrawn.run ?? '';
    expect(one).toMatchObject({
      key: `${plan}/${run}`,
      stopAt: 500,
      at: inbox.now(),
      withdrawn: {
        tree: plan,
        type: 'run_exited',
        payload: { code: null, cause: 'withdrawn', detail: '' },
        origin: 'engine',
        run,
        dedupeKey: expect.stringContaining(run),
        at: inbox.now(),
      },
    });
    await inbox.drain();
    expect(await inbox.store.effects({ by: 'tree', tree: plan })).toEqual([]);
    expect((await inbox.store.plan('demo', 'hello'))?.status).toBe('cancelled');
  });
});

describe('what people and hooks are notified of', () => {
  const notified = (inbox: Awaited<ReturnType<typeof openInbox>>) =>
    inbox.made('hook.enqueue').map(({ delivery: { event, from, to } }) => `${event} ${from}>${to}`);

  it('is in the commit of the step, for the hooks that ask for it', async () => {
    const inbox = await openInbox({ hooked: hookEvents });
    expect((await inbox.openPlan()).touchedEffects).toBe(true);
    const done = await inbox.say('mark_done');
    expect(notified(inbox)).toContain('mark_done ready>done');
    expect(done.touchedEffects).toBe(true);
    const quiet = await openInbox({ hooked: ['cancel'] });
    await quiet.openPlan();
    await quiet.say('pause');
    expect(notified(quiet)).toEqual([]);
    const none = await openInbox();
    await none.openPlan();
    await none.say('mark_done');
    expect(notified(none)).toEqual([]);
  });

  it('gives nothing to send where no hook asks for it', async () => {
    const inbox = await openInbox({ hooked: ['cancel'] });
    const content = planText([2]);
    await inbox.openPlan(content);
    expect((await inbox.say('plan_updated', { content })).touchedEffects).toBe(false);
  });

  it('says nothing of an end to what was not set aside', async () => {
    const inbox = await openInbox({ hooked: ['resolved'] });
    await inbox.openPlan();
    expect((await inbox.say('resolve')).is).toMatch(/^failed/);
    expect((await inbox.say('review_approved')).is).toMatch(/^failed/);
    expect(inbox.commits.flatMap((changes) => changes.filter((change) => change.do === 'hook.enqueue'))).toEqual([]);
  });

  it('is one notification for each thing that a plan needs, in a line of a list', async () => {
    const inbox = await openInbox({ hooked: ['agent_asks'] });
    await inbox.openPlan();
    await inbox.say('needs_decision', { reason: 'x'.repeat(2_000) });
    const [notice, ...others] = inbox.made('notification.insert');
    expect(others).toEqual([]);
    expect(notice).toMatchObject({ type: 'agent_asks', project: 'demo', plan: 'hello', at: inbox.now() });
    expect(notice?.message).toHaveLength(1_000);
    expect(notified(inbox)).toEqual(['agent_asks ready>ready']);
  });

  it('by a user-defined machine is what its states say, to people once and to each hook that names them', async () => {
    const notices = { works: () => 'it is being published' };
    const definition = { ...defineRelease(), notices };
    const kinds = kindsWith([kindOf(definition)]);
    const inbox = await openInbox({
      machineHooks: () => [
        { project: 'demo', hooks: [{ name: 'chat', type: 'command', enabled: true, events: ['release.works'] }] },
        { project: '', hooks: [{ name: 'own', type: 'command', enabled: true, events: ['release.works'] }] },
      ],
    });
    const trees = createTrees(kinds);
    Object.assign(inbox.parts, { trees, cache: createTreeCache({ store: inbox.store, trees }) });
    await inbox.say('machine_started', { version: '1.2.0' }, { tree: release, origin: 'engine' });
    expect(inbox.made('notification.insert')).toEqual([]);
    expect(notified(inbox)).toEqual([]);
    const works = await inbox.say('approve', {}, { tree: release });
    expect(inbox.made('notification.insert')).toEqual([
      {
        do: 'notification.insert',
        type: 'machine_notice',
        project: '',
        plan: release,
        message: 'it is being published',
        at: inbox.now(),
      },
    ]);
    expect(inbox.made('hook.enqueue').map(({ tree, delivery }) => ({ tree, ...delivery }))).toMatchObject([
      { tree: repo, hook: 'chat', event: 'release.works', from: null, to: null, plan: '', subject: release },
      {
        tree: release,
        hook: 'own',
        event: 'release.works',
        details: { machine: 'release', tree: '1.2', tag: 'works' },
      },
    ]);
    expect(works.touchedEffects).toBe(true);
  });
});

describe('a plan that is blocked by signals that were set aside', () => {
  const fault = { code: 'internal', error: 'it threw', hint: 'look at it' };

  async function openWithTrees(scene: Scene = {}) {
    const inbox = await openInbox(scene);
    await inbox.openPlan();
    const ids = [await inbox.put('pause'), await inbox.put('resume')] as const;
    // A signal of the engine itself: the failure of a foreign signal delays nobody.
    const own = await inbox.put('run_exited', { code: 0, cause: 'exit', detail: '' }, { origin: 'engine', run: 'x#1' });
    await mustCommit(inbox.store, [
      { do: 'signal.set-aside', id: own, result: fault, at: 1 },
      { do: 'plan.set-fault', key: { project: 'demo', plan: 'hello' }, signal: own, at: 1 },
    ]);
    return { inbox, ids, own };
  }

  it('gets them again when a person resolves it, and hooks are notified that it goes on', async () => {
    const { inbox, own } = await openWithTrees({ hooked: ['resolved'] });
    const resolved = await inbox.say('resolve');
    expect(resolved.is).toBe('done "signals delivered again: 1"');
    expect(inbox.made('signal.revive')).toEqual([{ do: 'signal.revive', id: own }]);
    expect(inbox.made('plan.set-fault')).toMatchObject([{ key: { project: 'demo', plan: 'hello' }, signal: null }]);
    expect(inbox.made('hook.enqueue').map(({ delivery }) => delivery.event)).toEqual(['resolved']);
    expect([...resolved.released]).toEqual([plan]);
    expect(resolved.touchedEffects).toBe(true);
    expect((await inbox.rowAt(own)).status).toBe('pending');
    expect((await inbox.store.plan('demo', 'hello'))?.faultSignal).toBe(null);
    expect((await inbox.say('resolve')).is).toMatch(/^failed/);
  });

  it('lets what else was in that batch wait until after them', async () => {
    const { inbox, ids, own } = await openWithTrees();
    const resolve = await inbox.put('resolve');
    const later = await inbox.batch(resolve, ...ids);
    expect(later.settled).toEqual([resolve]);
    expect((await inbox.rowAt(ids[0])).status).toBe('pending');
    expect((await inbox.rowAt(own)).status).toBe('pending');
  });

  it('also gets what its repo could not handle', async () => {
    const inbox = await openInbox();
    await inbox.openPlan();
    const asked = await inbox.put('implement_requested', { plan: 'hello' }, { tree: repo, origin: 'engine' });
    await mustCommit(inbox.store, [
      { do: 'signal.set-aside', id: asked, result: fault, at: 1 },
      { do: 'plan.set-fault', key: { project: 'demo', plan: 'hello' }, signal: asked, at: 1 },
    ]);
    await inbox.say('resolve');
    expect(inbox.made('signal.revive')).toEqual([{ do: 'signal.revive', id: asked }]);
  });
});

it('signals that are held for a question come back with its answer, in a batch of their own', async () => {
  const inbox = await implementing();
  await inbox.say('needs_decision', { reason: 'who pays?' });
  const held = await inbox.say('implement_finished', {}, { origin: 'file' });
  expect(held.is).toBe('held null');
  expect(held.changes.map((change) => change.do)).toEqual(['signal.hold', 'tree.require']);
  const answer = await inbox.say('resolve', { body: 'I do' });
  expect(answer.is).toBe('done "done"');
  expect(inbox.made('signal.release')).toEqual([{ do: 'signal.release', tree: plan }]);
  expect([...answer.released]).toEqual([plan]);
  expect(answer.touchedEffects).toBe(true);
  expect((await inbox.rowAt(held.id)).status).toBe('pending');
});
