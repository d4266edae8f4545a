/** The promises of every store (runtime/core/store/port.ts): the same tests for each kind. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type TreeStatus, underWay } from '../../actors/compatibility.ts';
import { nothingRaised } from '../../machines/vocabulary/budget.ts';
import type { AgentRun, Effect, HookDeliver, WorktreeRemove } from '../../machines/vocabulary/effect.ts';
import type { PlanTree, TreeAddress } from '../../machines/vocabulary/ids.ts';
import type { Change, ChangeOf, Store } from '../../runtime/core/store/port.ts';
import {
  knownDeliveryLimit,
  type NewSignal,
  notificationLimit,
  type PauseScope,
  type SignalRow,
  waitingDeliveryLimit,
} from '../../runtime/core/store/rows.ts';
import type { StoreGround } from './grounds.ts';
import { racesAreSound } from './writers.ts';

const plan = { project: 'a', plan: 'p' };
const tree = 'plan:a/p';
const now = { keptMs: 100, wallMs: 100 };
const everything = { lane: 'worker', nowMs: 100, closed: [], agents: 'all' } as const;

function signal(fields: Partial<NewSignal> = {}): ChangeOf<'signal.insert'> {
  const usual = { tree, type: 'run_exited', payload: {}, origin: 'engine', at: 1 } as const;
  return { do: 'signal.insert', ...usual, ...fields };
}

/** A signal of the engine itself, inserted together with its verdict. */
function entering(id: number, fields: Partial<SignalRow> = {}): SignalRow {
  const names = { project: 'a', plan: 'p', type: 'pause', payload: '{}', origin: 'person', tree, run: null };
  const ended = { status: 'done', attempts: 1, suspected: 0, result: '"done"', processed_at: 2 } as const;
  return { id, ...names, ...ended, dedupe_key: null, created_at: 1, deliver_at: 0, is_checked: 1, ...fields };
}

function agent(id: string, branch = id): AgentRun {
  const nothing = {
    wave: null,
    task: null,
    idleMs: null,
    feedback: null,
    previous: null,
    question: null,
    answer: null,
  };
  const place = { branch, from: 'main' };
  return {
    kind: 'agent.run',
    id,
    title: id,
    role: 'coder',
    attempt: 1,
    place,
    ...nothing,
    start: 'begin',
  };
}

function removal(id: string, branch: string): WorktreeRemove {
  return { kind: 'worktree.remove', id, place: { branch, from: 'main' } };
}

function asked(effect: Effect, fields: { tree?: TreeAddress; priority?: number } = {}): Change {
  return { do: 'effect.insert', tree, priority: 0, at: 1, ...fields, effect };
}

function step(before: number, after: number, text = '{}'): Change {
  return { do: 'tree.write', address: tree, stored: { machine: 'plan', version: '1', text }, before, after, at: 1 };
}

/** The row of a tree, with the tags of its kind. */
function treeWritten(
  address: TreeAddress,
  status: Partial<TreeStatus>,
  { text = '{}', before = 0, at = 1 }: { text?: string; before?: number; at?: number } = {},
): Change {
  const stored = { machine: 'm', version: '1', text, status: { ...underWay, ...status } };
  return { do: 'tree.write', address, stored, before, after: before + 1, at };
}

function line(fields: Partial<ChangeOf<'journal.append'>['line']> = {}, input: string | null = null): Change {
  const states = { actor: '', event: 'e', from: 'x', to: 'y', effects: [], refused: null };
  return {
    do: 'journal.append',
    line: { at: 1, tree, signal: 1, type: 't', origin: 'engine', ...states, ...fields },
    input,
  };
}

const summary = {
  status: 'ready',
  phase: null,
  landing: null,
  accepts: [],
  blocked: null,
  holds: false,
  paused: false,
  wave: 0,
  waves: 2,
  tasksDone: 0,
  tasks: 4,
  reviewCycle: 0,
  generation: 3,
  branch: 'plan/p',
  topic: null,
  host: null,
  title: 'P',
  budget: { document: null, raised: nothingRaised },
} satisfies ChangeOf<'plan.insert'>['summary'];

function registered(
  key = plan,
  fields: Partial<ChangeOf<'plan.insert'>['summary']> = {},
  at = 1,
): ChangeOf<'plan.insert'> {
  const text = { content: '# P', goal: null, taken: null };
  return { do: 'plan.insert', key, text, author: 'person:anna', summary: { ...summary, ...fields }, at };
}

function repo(project: string, path = `/${project}`): Change {
  const config = { file: 'f', text: null, kasmosFile: 'k', kasmosText: null, kasmosProblem: null };
  return { do: 'repo.insert', project, path, config, addedAt: 1, trustedAt: 1, trustedBy: 'repo add', revokedAt: null };
}

function run(key: string, title: string, fields: { state?: string; isNewest?: boolean; at?: number } = {}): Change {
  const { state = 'running', isNewest = false, at = 1 } = fields;
  const shown = { ...plan, run: key, title, role: 'coder', attempt: 1, state, reason: null, branch: 'b' };
  return { do: 'run.show', run: { key, ...shown }, isNewest, at };
}

/** A run of a plan of another repo. */
function other(key: string, title: string): ChangeOf<'run.show'>['run'] {
  const { run: shown } = run(key, title) as ChangeOf<'run.show'>; // as it was just made
  return { ...shown, project: 'b' };
}

function part(of: string, title: string): PauseScope {
  return { project: 'a', plan: of, title };
}

function begun(key: string, startedAt = 2): Change {
  return { do: 'run.note', key, set: { started_at: startedAt } };
}

export function keepsTheContract(name: string, open: () => StoreGround | Promise<StoreGround>): void {
  describe(`a store: ${name}`, () => {
    let ground: StoreGround;
    let store: Store;

    beforeEach(async () => {
      ground = await open();
      store = ground.store;
    });
    afterEach(() => ground.remove());

    async function commit(...changes: Change[]) {
      const answer = await store.commit(changes);
      if (answer.status === 'lost') throw new Error(`lost: ${answer.change.do}`);
      return answer;
    }

    /** The claimed signals of one project, or of all projects. */
    async function claimed(limit = 64): Promise<number[]> {
      return (await store.claim(now, { limit })).map(({ id }) => id);
    }

    async function started(query: Partial<Parameters<Store['startable']>[0]> = {}): Promise<string[]> {
      return (await store.startable({ ...everything, ...query })).map(({ name }) => name);
    }

    describe('a commit', () => {
      /** Every change that may be lost, with its precondition: it is lost if nothing exists. */
      const conditioned: readonly Change[] = [
        { do: 'signal.finish', id: 9, status: 'done', result: 'x', at: 1 },
        { do: 'signal.hold', id: 9, tree },
        { do: 'signal.enter', row: entering(1) },
        { do: 'signal.set-aside', id: 9, result: 'x', at: 1 },
        { do: 'signal.revive', id: 9 },
        step(4, 5),
        { do: 'tree.require', address: tree, steps: 3 },
        { do: 'slots.require', lane: 'worker', all: -1, projects: {} },
        { do: 'effect.take', id: 9, owner: { host: '', epoch: 1 }, at: 1 },
        { do: 'effect.settle', key: 'k', status: 'done', error: null, owner: { host: '', epoch: 1 }, at: 1 },
        { do: 'effect.try-again', key: 'k', nextAt: 1, error: 'x', owner: { host: '', epoch: 1 } },
        { do: 'effect.put-back', key: 'k', nextAt: 1, error: 'x', owner: { host: '', epoch: 1 }, at: 1 },
        { do: 'plan.remove', key: { project: 'a', plan: 'nobody' }, at: 1 },
        { do: 'plan.set-file', key: plan, taken: { file: 'q.md', digest: '1', as: 'kiro' }, before: 'p.md' },
      ];
      for (const change of conditioned)
        it(`is as if it never was where ${change.do} is lost`, async () => {
          const answer = await store.commit([
            signal(),
            line(),
            asked(agent('coder#1')),
            registered(),
            repo('a'),
            change,
          ]);
          expect(answer).toEqual({ status: 'lost', change });
          expect(await store.signal(1)).toBeNull();
          expect(await store.lastLine()).toBe(0);
          expect(await store.effects({ by: 'open' })).toEqual([]);
          expect(await store.plans(null)).toEqual([]);
          expect(await store.repos()).toEqual([]);
          const after = await commit(signal(), line(), asked(agent('coder#1')));
          expect(after).toMatchObject({ signals: [{ id: 1, isNew: true }], lines: [1] });
          expect(await store.effect(`${tree}/coder#1`)).toMatchObject({ id: 1 });
        });

      it('that throws leaves nothing behind', async () => {
        await commit(asked(agent('coder#1')));
        await expect(store.commit([signal(), asked(agent('coder#1'))])).rejects.toThrow();
        expect(await claimed()).toEqual([]);
      });

      it('of many changes is as if one came after the other', async () => {
        const many = Array.from({ length: 150 }, (_, index) => index + 1);
        await commit(...many.map(() => signal()));
        const states = ['queued', 'running', 'failed'];
        const { lines } = await commit(
          ...many.flatMap((number): Change[] => [
            line({ signal: number, event: `event ${number}` }),
            asked(agent(`coder#${number}`)),
            run(`${tree}/coder#${number % 7}`, `coder ${number % 7}`, { state: states[number % 3] ?? '' }),
            {
              do: 'signal.finish',
              id: number,
              status: number % 2 === 0 ? 'done' : 'failed',
              result: `${number}`,
              at: 2,
            },
          ]),
        );
        expect(lines).toEqual(many);
        const journal = await store.journal({ after: 0 });
        expect(journal.map(({ seq, event }) => [seq, event])).toEqual(
          many.map((number) => [number, `event ${number}`]),
        );
        const effects = await store.effects({ by: 'open' });
        expect(effects.map(({ id, name }) => [id, name])).toEqual(many.map((number) => [number, `coder#${number}`]));
        // The last change of each run counts: 144 to 150 are the last of their seven.
        for (const number of many.slice(-7))
          expect((await store.run(`${tree}/coder#${number % 7}`))?.state).toBe(states[number % 3]);
        for (const number of [1, 2, 64, 65, 150])
          expect(await store.signal(number)).toMatchObject({
            status: number % 2 === 0 ? 'done' : 'failed',
            result: `"${number}"`,
            attempts: 1,
          });
      });

      it('is lost where one of many signals was handled by another, and the others stay as they are', async () => {
        await commit(...Array.from({ length: 20 }, () => signal()));
        const finish = (id: number): Change => ({ do: 'signal.finish', id, status: 'done', result: null, at: 2 });
        await commit(finish(7));
        const all = Array.from({ length: 20 }, (_, index) => finish(index + 1));
        expect(await store.commit(all)).toEqual({ status: 'lost', change: finish(7) });
        expect(await claimed()).toHaveLength(19);
        expect(await store.commit([finish(1), finish(1)])).toEqual({ status: 'lost', change: finish(1) });
      });

      it('is carried out in the order in which it was asked for', async () => {
        const asked = Array.from({ length: 20 }, (_, index) => store.commit([signal({ payload: index }), line()]));
        const answers = await Promise.all(asked);
        expect(answers.map((answer) => answer.status === 'committed' && answer.signals[0]?.id)).toEqual(
          asked.map((_, index) => index + 1),
        );
        expect((await store.claim(now, { limit: 64 })).map(({ payload }) => payload)).toEqual(
          asked.map((_, index) => String(index)),
        );
      });

      it('of another program notifies the watcher, an own one does not', async () => {
        const other = ground.another();
        await other.lastLine();
        let calls = 0;
        const told = new Promise<void>((resolve) => {
          other.watch(() => resolve());
          store.watch(() => {
            calls += 1;
          });
        });
        await commit(signal());
        await told;
        expect(calls).toBe(0);
        expect(await other.signal(1)).toMatchObject({ type: 'run_exited' });
        expect(store.loss()).toBeNull();
        expect(store.file).not.toMatch(/^$|not-to-be-shown/);
      });

      it('are told to nobody whose store is closed', async () => {
        const closed = ground.another();
        const other = ground.another();
        let calls = 0;
        closed.watch(() => {
          calls += 1;
        });
        closed.close();
        // The open store polls as often as the closed one, and later: the closed one would have reported first.
        const told = new Promise<void>((resolve) => void other.watch(() => resolve()));
        await commit(signal());
        await told;
        expect(calls).toBe(0);
      });
    });

    describe('signals', () => {
      it('have one row for each key, and the first one answers', async () => {
        const first = await commit(signal({ dedupeKey: 'k' }), signal({ dedupeKey: 'k' }), signal());
        expect(first.signals).toEqual([
          { id: 1, isNew: true },
          { id: 1, isNew: false },
          { id: 2, isNew: true },
        ]);
      });

      it('come in with their verdict under the next number, or not at all where somebody took that or their key', async () => {
        expect(await store.lastSignal()).toBe(0);
        const held = entering(2, { status: 'held', attempts: 0, result: null, processed_at: null, dedupe_key: 'k' });
        const { signals } = await commit(
          { do: 'signal.enter', row: entering(1) },
          { do: 'signal.enter', row: held },
          signal(),
        );
        expect(signals).toEqual([{ id: 3, isNew: true }]);
        expect(await store.signal(1)).toEqual(entering(1));
        expect(await store.signal(2)).toEqual(held);
        expect(await store.lastSignal()).toBe(3);
        for (const row of [entering(3), entering(4, { dedupe_key: 'k' })])
          expect((await store.commit([{ do: 'signal.enter', row }])).status).toBe('lost');
        await commit({ do: 'signal.release', tree });
        expect(await claimed()).toEqual([2, 3]);
      });

      it('of another program have the columns that are theirs, and the next number', async () => {
        await commit(signal(), signal());
        const more = { id: 7, status: 'done', attempts: 9, result: 'no JSON', processed_at: 5 };
        await ground.insertForeign({
          project: 'a',
          plan: 'p',
          type: 'pause',
          dedupeKey: 'ci:1',
          deliverAt: 50,
          at: 1,
          more,
        });
        const { created_at: at, ...row } = (await store.signal(3)) ?? { created_at: 0 };
        const own = { id: 3, project: 'a', plan: 'p', type: 'pause', dedupe_key: 'ci:1', deliver_at: 50 };
        expect(row).toMatchObject({ ...own, status: 'pending', attempts: 0, result: null, processed_at: null });
        expect(Math.abs(at - Date.now())).toBeLessThan(60_000);
        expect((await commit(signal())).signals).toEqual([{ id: 4, isNew: true }]);
      });

      it.each([4_611_686_018_427_387_904n, 9_007_199_254_740_992n, 0n, -5n])(
        'of another program never have the number %s, and those that come later have theirs',
        async (id) => {
          await commit(signal());
          const foreign = { project: 'a', plan: 'p', type: 'pause', dedupeKey: 'ci:1', at: 1, more: { id } };
          // SQLite checks an insert before a trigger can correct it.
          const isRefused = await ground.insertForeign(foreign).then(
            () => false,
            () => true,
          );
          const known = (await store.signals({ project: 'a' })).map((one) => one.id);
          expect(known).toEqual(isRefused ? [1] : [2, 1]);
          const { signals } = await commit(signal());
          expect(signals).toEqual([{ id: isRefused ? 2 : 3, isNew: true }]);
        },
      );

      it.each([9_000_000_000_000_000, -1])(
        'of another program with the invalid time %s are refused',
        async (deliverAt) => {
          const foreign = { project: 'a', plan: 'p', type: 'pause', deliverAt, at: 1 };
          await expect(ground.insertForeign(foreign)).rejects.toThrow(/deliver_at/);
        },
      );

      it('of the engine step over what a stranger wrote under their key; a stranger is answered with the first', async () => {
        await commit(signal({ dedupeKey: 'k', origin: 'person' }));
        await ground.insertForeign({ project: 'a', type: 'x', dedupeKey: 'k~2', origin: 'engine', at: 1 });
        const { signals } = await commit(
          signal({ dedupeKey: 'k' }),
          signal({ dedupeKey: 'k' }),
          signal({ dedupeKey: 'k', origin: 'person' }),
        );
        expect(signals).toEqual([
          { id: 3, isNew: true },
          { id: 3, isNew: false },
          { id: 1, isNew: false },
        ]);
        expect(await store.signal(3)).toMatchObject({ dedupe_key: 'k~3', is_checked: 1, tree, attempts: 0 });
      });

      it('of other programs are theirs, whatever they say of themselves', async () => {
        const claims = { tree, run: 'w/t#1' };
        const id = await ground.insertForeign({ project: 'a', plan: 'p', type: 'x', origin: 'engine', claims, at: 1 });
        const file = await ground.insertForeign({ project: 'a', plan: 'p', type: 'x', origin: 'file', claims, at: 1 });
        const theirs = { tree: null, run: null, is_checked: 0, status: 'pending' };
        expect(await store.signal(id)).toMatchObject({ ...theirs, origin: 'person' });
        expect(await store.signal(file)).toMatchObject({ ...theirs, origin: 'file' });
        await commit(signal({ run: 'w/t#1' }));
        expect(await store.signal(3)).toMatchObject({ tree, run: 'w/t#1', is_checked: 1, origin: 'engine' });
      });

      it('are claimed by projects in turn, in the order of their ids, and who has nothing leaves its share', async () => {
        const of = (project: string) => signal({ tree: `plan:${project}/p` });
        await commit(
          of('b'),
          of('b'),
          of('b'),
          of('b'),
          of('a'),
          of('a'),
          signal({ tree: 'plan:c/p', deliverAt: 101 }),
        );
        expect(await claimed(3)).toEqual([5, 1, 6]);
        expect(await claimed(5)).toEqual([5, 1, 6, 2, 3]);
        expect((await store.claim(now, { limit: 2, project: 'b' })).map(({ id }) => id)).toEqual([1, 2]);
        await commit(signal({ tree: 'supervisor' }));
        expect((await store.claim(now, { limit: 2, project: '' })).map(({ id }) => id)).toEqual([8]);
      });

      it('that became due while no engine ran come by their times, among those that came meanwhile', async () => {
        await commit(
          signal({ at: 10, deliverAt: 90 }),
          signal({ at: 10, deliverAt: 30 }),
          signal({ at: 20 }),
          signal({ at: 60 }),
          signal({ at: 60, deliverAt: 90 }),
        );
        expect(await claimed(64)).toEqual([3, 2, 4, 1, 5]);
        // This holds even if not all of them are claimed at once.
        expect(await claimed(2)).toEqual([3, 2]);
      });

      it('are due by the time of the store, those of other programs by the wall clock', async () => {
        await commit(signal({ deliverAt: 150 }));
        await ground.insertForeign({ project: 'a', plan: 'p', type: 'x', deliverAt: 150, at: 1 });
        const at = async (keptMs: number, wallMs: number) =>
          (await store.claim({ keptMs, wallMs }, { limit: 64 })).map(({ id }) => id);
        expect(await at(149, 149)).toEqual([]);
        expect(await at(150, 149)).toEqual([1]);
        expect(await at(149, 150)).toEqual([2]);
        expect(await store.nextSignalIn({ keptMs: 120, wallMs: 110 })).toBe(30);
        expect(await store.nextSignalIn({ keptMs: 150, wallMs: 110 })).toBe(40);
        expect(await store.nextSignalIn({ keptMs: 150, wallMs: 150 })).toBeNull();
      });

      it('say how far they are behind, and how long the last ones took', async () => {
        const load = () => store.inboxLoad({ now: { keptMs: 200, wallMs: 300 }, newest: 4, sinceMs: 50 });
        expect(await load()).toEqual({ due: 0, oldestMs: null, held: 0, delaysMs: [] });
        const done = (id: number, at: number) =>
          ({ do: 'signal.finish', id, status: 'done', result: 'done', at }) as const;
        await commit(signal({ at: 40 }), signal({ at: 40 }), signal({ at: 45 }), signal({ at: 50, deliverAt: 60 }));
        await commit(done(1, 60), done(2, 49), done(3, 70), done(4, 80));
        // A timer, and an answer before its time, are left out.
        expect((await load()).delaysMs.toSorted((a, b) => a - b)).toEqual([20, 25]);
        await commit(
          signal({ at: 290 }),
          signal({ at: 60, deliverAt: 150 }),
          signal({ at: 60, deliverAt: 250 }),
          signal(),
        );
        await commit({ do: 'signal.hold', id: 8, tree });
        await ground.insertForeign({ project: 'a', plan: 'p', type: 'x', deliverAt: 280, at: 1 });
        await ground.insertForeign({ project: 'a', plan: 'p', type: 'x', deliverAt: 301, at: 1 });
        // The newest four have no verdict.
        expect(await load()).toEqual({ due: 3, oldestMs: 50, held: 1, delaysMs: [] });
      });

      it('that are held wait until their tree lets them go', async () => {
        await commit(signal(), signal());
        await commit({ do: 'signal.hold', id: 1, tree });
        expect(await claimed()).toEqual([2]);
        expect((await store.signals({ status: 'held', plan: 'p', project: 'a' })).map(({ id }) => id)).toEqual([1]);
        await commit({ do: 'signal.release', tree });
        expect(await claimed()).toEqual([1, 2]);
      });

      it('end once', async () => {
        await commit(signal(), signal(), { do: 'signal.hold', id: 2, tree });
        const finish = { do: 'signal.finish', id: 1, status: 'done', result: { x: 1 }, at: 7 } as const;
        await commit(finish, { ...finish, id: 2, status: 'failed' });
        expect(await store.signal(1)).toMatchObject({
          status: 'done',
          result: '{"x":1}',
          processed_at: 7,
          attempts: 1,
        });
        expect(await store.signal(2)).toMatchObject({ status: 'failed' });
        expect((await store.commit([finish])).status).toBe('lost');
        expect((await store.signals({ limit: 1 })).map(({ id }) => id)).toEqual([2]);
      });

      it('of people are listed without those of others, however many came after', async () => {
        const others = ['engine', 'agent', 'persona', 'intake:x'].map((origin) => signal({ origin: origin as never }));
        await commit(signal({ origin: 'person' }), ...others, signal({ origin: 'person:anna' }), ...others);
        const ofPeople = await store.signals({ ofPeople: true, limit: 2 });
        expect(ofPeople.map(({ origin }) => origin)).toEqual(['person:anna', 'person']);
      });

      it('that were set aside are listed, and are revived with all their tries', async () => {
        await commit(signal(), signal({ origin: 'person' }), signal());
        const result = { code: 'internal' };
        await commit(
          ...[1, 2, 3].map((id): Change => ({ do: 'signal.count-attempt', id })),
          ...[1, 2].map((id): Change => ({ do: 'signal.count-suspected', id })),
          ...[1, 2, 3].map((id): Change => ({ do: 'signal.set-aside', id, result, at: 5 })),
        );
        expect(await store.signal(1)).toMatchObject({ status: 'failed', attempts: 1, suspected: 1 });
        expect(await store.setAside(tree, 1)).toEqual([1, 3]);
        expect(await store.setAside(tree, 2)).toEqual([3]);
        await commit({ do: 'signal.revive', id: 1 });
        expect(await store.signal(1)).toMatchObject({
          status: 'pending',
          attempts: 0,
          suspected: 0,
          result: null,
          processed_at: null,
        });
        expect((await store.commit([{ do: 'signal.revive', id: 1 }])).status).toBe('lost');
      });

      it('of machines that were set aside are listed, of one machine and of all', async () => {
        const trees = ['a:1', 'b:1', 'b:2', 'supervisor', tree, 'b:2'] as const;
        await commit(...trees.map((address) => signal({ tree: address })));
        const result = { error: 'why', code: 'internal' };
        const aside = trees.map((_, index): Change => ({ do: 'signal.set-aside', id: index + 1, result, at: 5 }));
        await commit(...aside.slice(0, -1), { do: 'signal.finish', id: 6, status: 'failed', result: {}, at: 5 });
        const listed = async (machine?: string) =>
          (await store.setAsideOfMachines(machine)).map(({ id, tree: of, error }) => `${id} ${of} ${error}`);
        expect(await listed()).toEqual(['1 a:1 why', '2 b:1 why', '3 b:2 why']);
        expect(await listed('b')).toEqual(['2 b:1 why', '3 b:2 why']);
      });

      it('of a tree that is gone wait no more', async () => {
        await commit(signal(), signal(), signal({ tree: 'repo:a' }), { do: 'signal.hold', id: 2, tree });
        await commit({ do: 'signal.void-tree', tree, at: 5 });
        expect(await claimed()).toEqual([3]);
        expect(await store.signal(2)).toMatchObject({ status: 'done', result: '"stale"' });
      });

      it('say which plans are yet to be born', async () => {
        await commit(signal({ type: 'plan_opened', payload: { branch: 'plan/p' } }));
        expect(await store.births('a')).toEqual([{ plan: 'p', branch: 'plan/p' }]);
        expect(await store.births('b')).toEqual([]);
        await commit({ do: 'signal.finish', id: 1, status: 'done', result: '', at: 1 });
        expect(await store.births('a')).toEqual([]);
      });
    });

    describe('requests of clients', () => {
      it('are begun once, keep their answer, and are forgotten some time later', async () => {
        const begin = { do: 'request.begin', key: 'k', digest: 'd', at: 5 } as const;
        expect(await store.request('k')).toBeNull();
        await commit(begin);
        expect((await store.commit([begin])).status).toBe('lost');
        expect(await store.request('k')).toEqual({ key: 'k', digest: 'd', begun_at: 5, status: null, answer: null });
        await commit({ do: 'request.end', key: 'k', status: 200, answer: '{}' });
        await commit({ do: 'request.forget', beforeMs: 5 });
        expect(await store.request('k')).toMatchObject({ status: 200, answer: '{}' });
        await commit({ do: 'request.forget', beforeMs: 6 });
        expect(await store.request('k')).toBeNull();
      });
    });

    describe('items of an intake', () => {
      const of = { intake: 'inbox', item: 'i1' };
      const take = { do: 'intake.take', ...of, key: plan, title: 'One', at: 5 } as const;

      it('become a plan once, also of two writers at once', async () => {
        const commits = await Promise.all([
          store.commit([take, signal({ type: 'plan_opened' })]),
          store.commit([take, signal({ type: 'plan_opened' })]),
        ]);
        expect(commits.map(({ status }) => status).sort()).toEqual(['committed', 'lost']);
        expect(await store.signals({})).toHaveLength(1);
        expect(await store.intakeItem('inbox', 'i1')).toEqual({
          ...{ ...of, project: 'a', plan: 'p', title: 'One', reason: null, at: 5, startedAt: null },
        });
        expect(await store.intakeItem('other', 'i1')).toBeNull();
      });

      it('are started once, and say why they are not', async () => {
        await commit(take);
        await commit({ do: 'intake.note-start', ...of, at: null, reason: 'no trust' });
        expect(await store.intakeUnstarted('inbox')).toMatchObject([{ reason: 'no trust', startedAt: null }]);
        await commit({ do: 'intake.note-start', ...of, at: 9, reason: null });
        await commit({ do: 'intake.note-start', ...of, at: 10, reason: 'late' });
        expect(await store.intakeUnstarted('inbox')).toEqual([]);
        expect(await store.intakeItems({ intake: 'inbox', limit: 5 })).toMatchObject([{ startedAt: 9, reason: null }]);
      });

      it('are counted: all, those of an hour, and those whose plans are not over', async () => {
        expect(await store.intakeCounts({ sinceMs: 0 })).toEqual([]);
        await commit(take, { ...take, item: 'i2', key: { project: 'a', plan: 'gone' }, at: 20 });
        const counts = { intake: 'inbox', taken: 2, recent: 1 };
        expect(await store.intakeCounts({ sinceMs: 10 })).toEqual([{ ...counts, open: 2 }]);
        for (const item of ['i1', 'i2'])
          await commit({ do: 'intake.note-start', intake: 'inbox', item, at: 21, reason: null });
        expect(await store.intakeCounts({ sinceMs: 10 })).toEqual([{ ...counts, open: 0 }]);
        await commit(registered());
        expect(await store.intakeCounts({ sinceMs: 10 })).toEqual([{ ...counts, open: 1 }]);
      });

      it('cost what the runs of their plans cost since a time', async () => {
        const spent = async (sinceMs: number) => (await store.intakeSpent({ intake: 'inbox', sinceMs }))[0]?.usd;
        expect(await spent(0)).toBe(0);
        await commit(take, run('1', 'x'), run('2', 'x', { at: 5 }), run('3', 'y'));
        const cost = (key: string, at: number) =>
          ({ do: 'run.note', key, set: { started_at: at, cost_usd: 0.5 } }) as const;
        await commit(cost('1', 2), cost('2', 9), begun('3'));
        expect([await spent(0), await spent(2), await spent(9)]).toEqual([1, 0.5, 0]);
        expect((await store.intakeSpent({ intake: 'other', sinceMs: 0 }))[0]?.usd).toBe(0);
      });

      it('are followed: one state at a time, which is reported before the next', async () => {
        const thread = { ref: '7', digest: 'd1', commentsAt: 3, comment: 'c1', key: 'k1', at: 5 };
        const follow = { do: 'intake.follow', ...of, ...thread } as const;
        await commit(take, follow);
        await expect(commit(follow)).rejects.toThrow();
        const taken = { ...of, ...plan, ...thread, number: 1, state: 'taken', toldAt: null };
        expect(await store.intakeThreads('inbox')).toEqual([taken]);
        expect(await store.intakeThreads('other')).toEqual([]);
        const turn = { do: 'intake.turn', ...of, before: 1, state: 'running', key: 'k2', at: 7 } as const;
        await expect(commit(turn)).rejects.toThrow();
        await commit({ do: 'intake.reported', ...of, number: 1, at: 6 });
        await commit(turn, { do: 'intake.passed-on', ...of, digest: 'd2', commentsAt: 8, comment: 'c2' });
        const running = { ...taken, number: 2, state: 'running', key: 'k2', at: 7 };
        const has = { digest: 'd2', commentsAt: 8, comment: 'c2' };
        expect(await store.intakeThreads('inbox')).toEqual([{ ...running, ...has }]);
        await commit({ do: 'intake.reported', ...of, number: 2, at: 8 });
        await commit({ ...turn, before: 2, state: 'done', key: 'k3' });
        expect(await store.intakeThreads('inbox')).toMatchObject([{ state: 'done', toldAt: null }]);
        await commit({ do: 'intake.reported', ...of, number: 3, at: 9 });
        expect(await store.intakeThreads('inbox')).toEqual([]);
      });

      it('of strangers are allowed with one text each', async () => {
        const allow = { do: 'intake.allow', ...of, digest: 'd1', at: 5 } as const;
        await commit(allow, { ...allow, digest: 'd2', at: 6 });
        expect(await store.intakeAllowances('inbox')).toEqual([{ ...of, digest: 'd2', at: 6 }]);
        expect(await store.intakeAllowances('other')).toEqual([]);
      });

      describe('that webhooks deliver', () => {
        const deliver = (item: string, content: string | null = '{"title":"One"}', intake = 'inbox') =>
          ({ do: 'intake.deliver', intake, item, content, at: 5 }) as const;
        const tried = async (...changes: Change[]) => (await store.commit(changes)).status;
        const waiting = async (after = 0, limit = 10) =>
          (await store.intakeDeliveries({ intake: 'inbox', after, limit })).map(({ item }) => item);

        it('wait in their order, each once, until they become plans, and are known for all time', async () => {
          const both = await Promise.all([tried(deliver('i1')), tried(deliver('i1', '{}'))]);
          expect(both.sort()).toEqual(['committed', 'lost']);
          await commit(deliver('i0'), deliver('i2'), deliver('i1', '{}', 'other'));
          const [first] = await store.intakeDeliveries({ intake: 'inbox', after: 0, limit: 1 });
          expect(first).toEqual({ id: expect.any(Number), item: 'i1', content: expect.any(String) });
          expect(await waiting()).toEqual(['i1', 'i0', 'i2']);
          await commit(deliver('a reason', null, 'third'));
          expect(await store.waitingCounts()).toEqual([
            { intake: 'inbox', waiting: 3 },
            { intake: 'other', waiting: 1 },
          ]);
          expect(await waiting(first?.id, 1)).toEqual(['i0']);
          expect(await store.isDelivered('inbox', 'i1')).toBe(true);
          expect(await store.isDelivered('inbox', 'i9')).toBe(false);
          const taken = [take, { do: 'intake.delivered', ...of }] as const;
          expect((await Promise.all([tried(...taken), tried(...taken)])).sort()).toEqual(['committed', 'lost']);
          expect(await waiting()).toEqual(['i0', 'i2']);
          expect(await tried(deliver('i1'))).toBe('lost');
          expect(await store.isDelivered('inbox', 'i1')).toBe(true);
          expect(await tried({ do: 'intake.delivered', intake: 'inbox', item: 'i9' })).toBe('lost');
          expect(await store.lastDelivery('inbox')).toBe(0);
        });

        it('wait up to a limit, which one that becomes a plan makes room in', async () => {
          const many = Array.from({ length: waitingDeliveryLimit }, (_, index) => deliver(`i${index + 1}`));
          await commit(...many);
          expect(await tried(deliver('more'))).toBe('lost');
          expect(await store.isDelivered('inbox', 'more')).toBe(false);
          await commit(deliver('more', '{}', 'other'), deliver('a reason', null));
          await commit(take, { do: 'intake.delivered', ...of });
          await commit(deliver('more'));
        });

        it('or that are a reason to look: the last of them are known again', async () => {
          await commit(deliver('r1', null), deliver('i1'), deliver('r2', null));
          const last = await store.lastDelivery('inbox');
          expect(await tried(deliver('r1', null))).toBe('lost');
          expect(await waiting()).toEqual(['i1']);
          expect(await tried({ do: 'intake.delivered', intake: 'inbox', item: 'r1' })).toBe('lost');
          // All but the last are inserted as another program would do it: ten thousand commits of the store take half a minute.
          await ground.carryOut(
            `INSERT INTO intake_deliveries (intake, item, content, at)
             WITH RECURSIVE others (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM others WHERE n < ${knownDeliveryLimit - 2})
             SELECT 'inbox', 's' || n, NULL, 1 FROM others`,
          );
          await commit(deliver('last', null));
          expect(await store.lastDelivery('inbox')).toBeGreaterThan(last);
          expect(await store.isDelivered('inbox', 'r1')).toBe(false);
          expect(await store.isDelivered('inbox', 'r2')).toBe(true);
          expect(await waiting()).toEqual(['i1']);
          expect(await store.lastDelivery('other')).toBe(0);
        });
      });

      it('have times that are looked at once, also by two writers at once', async () => {
        const mark = { do: 'intake.mark', intake: 'nightly', pattern: '0 3 * * * UTC', reason: null } as const;
        const both = async (change: Change) =>
          (await Promise.all([store.commit([change]), store.commit([change])])).map(({ status }) => status).sort();
        expect(await both({ ...mark, reachedAt: 5, before: null })).toEqual(['committed', 'lost']);
        expect(await both({ ...mark, reachedAt: 9, reason: 'full', before: 5 })).toEqual(['committed', 'lost']);
        expect(await store.intakeMarks()).toEqual([
          { intake: 'nightly', pattern: '0 3 * * * UTC', reachedAt: 9, reason: 'full' },
        ]);
        await commit({ do: 'intake.unmark', intake: 'nightly' });
        expect(await store.intakeMarks()).toEqual([]);
      });
    });

    describe('notes', () => {
      const row = {
        ...({ project: 'a', text: 'one', state: 'proposed', author: 'agent:x', at: 5 } as const),
        ...{ plan: 'p', task: null, run: 'r', decidedAt: null, decidedBy: null },
      };
      const note = { do: 'note.add', ...row } as const;
      const decide = { do: 'note.decide', id: 1, from: ['proposed'], state: 'taken', at: 6, by: 'person' } as const;

      it('are there once for each text of a repo, also of two writers at once', async () => {
        const commits = await Promise.all([store.commit([note]), store.commit([note])]);
        expect(commits.map(({ status }) => status).sort()).toEqual(['committed', 'lost']);
        await commit({ ...note, project: 'b' });
        expect(await store.notes({ project: 'a' })).toEqual([{ id: 1, ...row }]);
        expect((await store.notes({})).map(({ id }) => id)).toEqual([1, 2]);
        expect(await store.note('b', 1)).toBeNull();
      });

      it('are decided from the state that is meant, and lose their text when they are forgotten', async () => {
        await commit(note);
        await commit(decide);
        expect((await store.commit([decide])).status).toBe('lost');
        await commit({ ...decide, from: ['taken', 'refused'], state: 'forgotten', at: 7 });
        expect(await store.notes({})).toEqual([]);
        expect(await store.note('a', 1)).toMatchObject({ text: '', state: 'forgotten', decidedAt: 7 });
        await commit(note);
        expect((await store.notes({})).map(({ id }) => id)).toEqual([2]);
      });
    });

    describe('trees', () => {
      it('are written only by a writer that has read their last step', async () => {
        await commit(step(0, 1, '{"a":1}'));
        expect((await store.commit([step(0, 1)])).status).toBe('lost');
        await commit(step(1, 4, '{"a":2}'));
        expect((await store.commit([step(1, 2)])).status).toBe('lost');
        const row = await store.tree(tree);
        expect(row).toMatchObject({ steps: 4, stored: { machine: 'plan', version: '1', snapshot: { a: 2 } } });
        await commit({ do: 'tree.remove', address: tree, at: 9 });
        expect(await store.tree(tree)).toBeNull();
        await commit(step(0, 1));
      });

      it('say what their kind shows of them, also where one is damaged', async () => {
        await commit(
          treeWritten('repo:a', { state: 'active' }),
          treeWritten('repo:b', { state: 'active' }),
          treeWritten('repo:c', { state: 'degraded', reason: 'no disk' }, { text: '{"value"' }),
          treeWritten('plan:a/p', {}),
        );
        await commit(treeWritten('repo:b', { state: 'degraded', reason: 'no git' }, { before: 1 }));
        expect(await store.treeStates('repo')).toEqual(
          new Map([
            ['repo:a', { state: 'active', reason: null }],
            ['repo:b', { state: 'degraded', reason: 'no git' }],
            ['repo:c', { state: 'degraded', reason: 'no disk' }],
          ]),
        );
        expect(await store.treeStates('plan')).toEqual(new Map());
        await expect(store.tree('repo:c')).rejects.toMatchObject({ code: 'snapshot_unknown' });
      });
    });

    describe('trees that have ended', () => {
      const release = 'release:1.2';
      const all = { after: 0, upTo: 1_000 };
      const counts = async (kind: 'trees' | 'journal', beforeMs: number) =>
        (await store.expiring({ kind, beforeMs, after: 0, span: 100 }))?.rows ?? 0;

      it('go some time after that, with their journal; one that goes on keeps all of it, whatever it is of', async () => {
        await commit(
          treeWritten(release, {}),
          treeWritten('release:1.3', {}),
          treeWritten('repo:a', { keepsJournal: false }),
        );
        await commit(line({ tree: release }), line({ tree: 'release:1.3' }), line({ tree: 'repo:a' }), line({ tree }));
        await commit(treeWritten(tree, {}), line({ tree, at: 500 }));
        expect(await store.treeStatus(release)).toEqual({ steps: 1, endedAt: null });
        expect([await counts('trees', 900), await counts('journal', 900)]).toEqual([0, 1]);
        await commit(treeWritten(release, { isEnded: true }, { before: 1, at: 5 }));
        // A later refusal does not move the end.
        await commit(treeWritten(release, { isEnded: true }, { before: 2, at: 9 }));
        expect(await store.treeStatus(release)).toEqual({ steps: 3, endedAt: 5 });
        expect([await counts('trees', 5), await counts('journal', 5)]).toEqual([0, 1]);
        expect([await counts('trees', 6), await counts('journal', 6)]).toEqual([1, 2]);
        await commit({ do: 'rows.expire', kind: 'trees', beforeMs: 6, ...all });
        expect(await store.treesOf('release', { after: '', limit: 10 })).toEqual(['release:1.3']);
        expect(await store.treeRowsOf('release', { after: '', limit: 10 })).toEqual([
          { address: 'release:1.3', row: await store.tree('release:1.3') },
        ]);
        expect(await store.treeRowsOf('release', { after: 'release:1.3', limit: 10 })).toEqual([]);
        expect(await store.treeStatus(release)).toBeNull();
        await commit({ do: 'rows.expire', kind: 'journal', beforeMs: 6, ...all });
        expect((await store.journal({ after: 0 })).map(({ tree: of }) => of)).toEqual(['release:1.3', tree, tree]);
        await commit(treeWritten(release, {}));
        expect(await store.treeStatus(release)).toEqual({ steps: 1, endedAt: null });
      });

      it('are taken away at the step that they were looked at, or not at all', async () => {
        await commit(treeWritten(release, { isEnded: true }));
        const stale = await store.commit([{ do: 'tree.remove', address: release, before: 2, at: 9 }]);
        expect(stale.status).toBe('lost');
        await commit({ do: 'tree.remove', address: release, before: 1, at: 9 });
        expect(await store.treeStatus(release)).toBeNull();
      });

      it('end what they asked for with them: what waits never begins, what runs is to end, and only deliveries and cleaning go on', async () => {
        const delivery: HookDeliver = {
          ...{ kind: 'hook.deliver', id: 'd', plan: 'p', hook: 'h', event: 'blocked', at: 1, sequence: 1 },
          ...{ from: null, to: null, details: {} },
        };
        const other = 'plan:a/p2';
        await commit(
          step(0, 1),
          asked(agent('one')),
          asked(agent('two')),
          asked(agent('three', 'b3'), { tree: other }),
        );
        await commit(asked(removal('gone', 'w')), asked(delivery), run(`${tree}/one`, 'one', { state: 'queued' }));
        await commit(run(`${other}/three`, 'three', { state: 'queued' }));
        const owner = { host: 'h', epoch: 1 };
        await commit({ do: 'effect.take', id: 2, owner, at: 5 });
        await commit({ do: 'tree.remove', address: tree, at: 9 });
        const left = async (id: string, of: string = tree) => {
          const row = await store.effect(`${of}/${id}`);
          return [row?.status, row?.stop_at, row?.finished_at];
        };
        expect(await left('one')).toEqual(['withdrawn', null, 9]);
        expect(await left('two')).toEqual(['running', 9, null]);
        for (const id of ['gone', 'd']) expect(await left(id)).toEqual(['queued', null, null]);
        expect(await left('three', other)).toEqual(['queued', null, null]);
        const live = await store.runs({ by: 'latest', live: true });
        expect(live.map(({ title }) => title)).toEqual(['three']);
        expect(await store.run(`${tree}/one`)).toMatchObject({ state: 'cancelled', final_at: 9 });
      });

      it('leave nothing in the queue where they go by their age', async () => {
        await commit(treeWritten(release, {}), asked(agent('one'), { tree: release }), asked(agent('two')));
        await commit(treeWritten(release, { isEnded: true }, { before: 1, at: 5 }));
        await commit({ do: 'rows.expire', kind: 'trees', beforeMs: 6, ...all });
        expect(await store.effect(`${release}/one`)).toMatchObject({ status: 'withdrawn' });
        expect(await store.effect(`${tree}/two`)).toMatchObject({ status: 'queued' });
      });

      it('no longer keep the signals that were set aside, which a running tree keeps', async () => {
        await commit(treeWritten(release, {}), signal({ tree: release }), signal({ tree: 'release:none' }), signal());
        for (const id of [1, 2]) await commit({ do: 'signal.set-aside', id, result: '', at: 2 });
        const gone = async (beforeMs: number) =>
          (await store.expiring({ kind: 'signals', beforeMs, after: 0, span: 100 }))?.rows;
        expect(await gone(9)).toBe(1);
        await commit(treeWritten(release, { isEnded: true }, { before: 1, at: 3 }));
        expect(await gone(9)).toBe(2);
      });
    });

    describe('the journal', () => {
      it('is read page by page, of all trees or of one', async () => {
        const refused = { code: 'not_now' };
        const lines = [line({ effects: ['x'] }), line({ tree: 'repo:a' }), line({ refused }), line(), line()];
        expect((await commit(...lines)).lines).toEqual([1, 2, 3, 4, 5]);
        const seqs = async (query: Parameters<Store['journal']>[0]) =>
          (await store.journal(query)).map(({ seq }) => seq);
        expect(await seqs({ after: 0, limit: 2 })).toEqual([1, 2]);
        expect(await seqs({ after: 2 })).toEqual([3, 4, 5]);
        expect(await seqs({ after: 0, tree, limit: 2 })).toEqual([1, 3]);
        expect(await store.lastLine()).toBe(5);
        await commit(...Array.from({ length: 1_000 }, () => line()));
        expect((await seqs({ after: 0, limit: 5_000 })).length).toBe(1_000);
        expect((await seqs({ after: 0, tree, limit: 5_000 })).length).toBe(1_000);
        expect((await store.journal({ after: 0 }))[0]).toMatchObject({
          effects: ['x'],
          refused: null,
          from: 'x',
          to: 'y',
        });
        expect(await store.lastRefused(tree)).toMatchObject({ seq: 3, refused });
        expect(await store.lastRefused('repo:a')).toBeNull();
      });

      it.each([
        ["UPDATE journal SET origin = 'person:eve' WHERE seq = 5", 5],
        ['UPDATE journal SET at = at + 1 WHERE seq = 1', 1],
        [`UPDATE journal SET effects = '["y"]' WHERE seq = 3`, 3],
        ["UPDATE journal SET event = 'other', hash = NULL WHERE seq = 5", 5],
        ['DELETE FROM journal WHERE seq = 3', 5],
        // Old lines are deleted from the beginning, and their state is unknown afterwards.
        ['DELETE FROM journal WHERE seq <= 3', null],
        ['UPDATE journal SET hash = NULL', null],
      ])('tells a line that does not fit the one before it: %s', async (sql, seq) => {
        const birth = line({ type: 'plan_opened', from: '' }, '{"type":"plan_opened"}');
        await commit(birth, line({ tree: 'repo:a' }), line({ effects: ['x'], signal: 7 }, '{"ü":1}'));
        await commit(line({ tree: 'repo:a' }), line({ refused: { code: 'not_now' }, actor: 'ä' }), line());
        expect(await store.unchained(tree)).toBeNull();
        await ground.carryOut(sql);
        expect((await store.unchained(tree))?.seq ?? null).toBe(seq);
        expect(await store.unchained('repo:a')).toBeNull();
        // A new line continues from the last existing one.
        await commit(line());
        expect((await store.unchained(tree))?.seq ?? null).toBe(seq);
      });

      it('returns the inputs of a tree, and the line at which the current plan of that name began', async () => {
        expect(await store.firstLine(tree)).toBe(0);
        const birth = line({ type: 'plan_opened', from: '' }, '{"type":"plan_opened"}');
        await commit(birth, line({}, '{"type":"pause"}'), birth, line({ type: 'plan_opened', from: '' }));
        await commit(
          line({ from: '', to: '' }, '{"type":"resume"}'),
          line({ actor: 'a', from: '' }, '{"type":"kill"}'),
        );
        expect(await store.firstLine(tree)).toBe(3);
        const fed = ['plan_opened', 'pause', 'plan_opened', 'resume', 'kill'].map((type) => ({ type }));
        expect((await store.fed(tree)).flatMap(({ input }) => input ?? [])).toEqual(fed);
      });
    });

    describe('effects', () => {
      const key = `${tree}/coder#1`;

      it('start one for each resource, in the order of their ids, the most wanted first', async () => {
        await commit(
          asked(removal('r#1', 'x')),
          asked(agent('coder#1', 'x')),
          asked(agent('coder#2', 'y')),
          asked(agent('coder#3', 'z'), { priority: 1 }),
          asked(agent('coder#4', 'y'), { tree: 'plan:b/p' }),
        );
        expect(await started({ lane: 'git' })).toEqual(['r#1']);
        expect(await started()).toEqual(['coder#3', 'coder#2', 'coder#4']);
        await commit({ do: 'effect.take', id: 1, owner: { host: '', epoch: 1 }, at: 1 });
        expect(await started()).not.toContain('coder#1');
        await commit({
          do: 'effect.settle',
          key: `${tree}/r#1`,
          status: 'done',
          error: null,
          owner: { host: '', epoch: 1 },
          at: 1,
        });
        expect(await started()).toEqual(['coder#3', 'coder#1', 'coder#2', 'coder#4']);
        expect((await store.effects({ by: 'open' })).map(({ name }) => name)[0]).toBe('coder#3');
        expect(await store.queuedLanes()).toEqual(['worker']);
        expect(await store.effectCounts('worker', 'queued')).toEqual(
          new Map([
            ['a', 3],
            ['b', 1],
          ]),
        );
      });

      it('that wait for a slot are the queued agents, named where somebody asks for it', async () => {
        await commit(
          asked(removal('r#1', 'x')),
          asked(agent('coder#1', 'x')),
          asked({ ...agent('coder#2', 'y'), agent: 'strong' }, { tree: 'plan:b/p', priority: 1 }),
          asked(agent('coder#3', 'z')),
        );
        await commit({ do: 'effect.take', id: 4, owner: { host: '', epoch: 1 }, at: 1 });
        const waiters = async (isNamed: boolean) =>
          (await store.slotWaiters({ isNamed })).toSorted((a, b) => a.id - b.id);
        const first = { id: 2, key: `${tree}/coder#1`, project: 'a', plan: 'p', lane: 'worker', priority: 0 };
        const second = { ...first, id: 3, key: 'plan:b/p/coder#2', project: 'b', priority: 1 };
        expect(await waiters(false)).toEqual(
          [first, second].map((row) => ({ ...row, title: '', role: '', agent: null })),
        );
        expect(await waiters(true)).toEqual([
          { ...first, title: 'coder#1', role: 'coder', agent: null },
          { ...second, title: 'coder#2', role: 'coder', agent: 'strong' },
        ]);
      });

      it('start where they may: by repos, by plans, by trees', async () => {
        await commit(
          asked(agent('coder#1')),
          asked(agent('coder#2'), { tree: 'plan:b/p' }),
          asked(removal('r#1', 'z')),
        );
        expect(await started({ closed: ['a'] })).toEqual(['coder#2']);
        expect(await started({ agents: 'none' })).toEqual([]);
        expect(await started({ agents: 'none', lane: 'git' })).toEqual(['r#1']);
        expect(await started({ agents: ['b/p'] })).toEqual(['coder#2']);
        expect(await started({ trees: [tree] })).toEqual(['coder#1']);
      });

      it('start agents of a plan that names a host where the host is called so', async () => {
        await commit(
          registered(plan, { host: 'gpu' }),
          registered({ project: 'b', plan: 'p' }),
          asked(agent('coder#1')),
          asked(agent('coder#2'), { tree: 'plan:b/p' }),
          asked(removal('r#1', 'z')),
        );
        expect(await started({ hostNames: ['build-1'] })).toEqual(['coder#2']);
        expect(await started({ hostNames: ['build-1', 'gpu'] })).toEqual(['coder#1', 'coder#2']);
        expect(await started()).toEqual(['coder#1', 'coder#2']);
        expect(await started({ hostNames: ['build-1'], lane: 'git' })).toEqual(['r#1']);
        expect((await store.plan('a', 'p'))?.host).toBe('gpu');
        await commit({ do: 'plan.show', key: plan, summary, at: 2 });
        expect(await started({ hostNames: ['build-1'] })).toEqual(['coder#1', 'coder#2']);
      });

      it('leave the effects of machines that are for other hosts', async () => {
        const effect = (id: string, name: string): Effect => ({
          ...{ kind: 'machine.effect', id, machine: 'release', effect: name, lane: name, input: null },
        });
        const tree = 'release:1';
        await commit(asked(effect('e#1', 'train'), { tree }), asked(effect('e#2', 'publish'), { tree }));
        const looked = { lane: 'machine' } as const;
        expect(await started(looked)).toEqual(['e#1', 'e#2']);
        expect(await started({ ...looked, ofOthers: ['release/train'] })).toEqual(['e#2']);
      });

      it('leave the effects of a machine that is paused, or whose lane is', async () => {
        const effect = (id: string, machine: string, lane: string): Effect => ({
          ...{ kind: 'machine.effect', id, machine, effect: lane, lane, input: null },
        });
        await commit(
          asked(effect('e#1', 'release', 'train'), { tree: 'release:1' }),
          asked(effect('e#2', 'release', 'publish'), { tree: 'release:1' }),
          asked(effect('e#3', 'other', 'train'), { tree: 'other:1' }),
        );
        const looked = { lane: 'machine' } as const;
        await commit(
          { do: 'machine.pause', machine: 'release', lane: 'train', at: 5 },
          { do: 'machine.pause', machine: 'release', lane: 'train', at: 6 },
        );
        expect(await started(looked)).toEqual(['e#2', 'e#3']);
        expect(await store.machinePauses()).toEqual([{ machine: 'release', lane: 'train', pausedAt: 5 }]);
        // This holds even if the pause came after the reading.
        const take = { do: 'effect.take', id: 1, owner: { host: '', epoch: 1 }, at: 1 } as const;
        expect((await store.commit([take])).status).toBe('lost');
        await commit({ do: 'machine.pause', machine: 'release', lane: '', at: 7 });
        expect(await started(looked)).toEqual(['e#3']);
        await commit({ do: 'machine.resume', machine: 'release', lane: 'train' });
        expect(await started(looked)).toEqual(['e#3']);
        await commit({ do: 'machine.resume', machine: 'release', lane: '' });
        expect(await started(looked)).toEqual(['e#1', 'e#2', 'e#3']);
        await commit(take);
      });

      for (const [why, before] of [
        ['is paused', [registered(plan, { paused: true })]],
        ['holds', [registered(plan, { holds: true })]],
        ['is faulted', [registered(), { do: 'plan.set-fault', key: plan, signal: 1, at: 1 }]],
        ['waits for a paused queue', [{ do: 'queue.pause', at: 1 }]],
        ['is of a repo whose part of the queue is paused', [{ do: 'queue.pause', at: 1, what: part('', '') }]],
        ['has its part of the queue paused', [{ do: 'queue.pause', at: 1, what: part('p', '') }]],
        ['has the agent that asks paused', [{ do: 'queue.pause', at: 1, what: part('p', 'coder#1') }]],
      ] as const satisfies readonly (readonly [string, readonly Change[]])[])
        it(`of a plan that ${why} start no agent, and the others go on`, async () => {
          await commit(...before, asked(agent('coder#1')), asked(removal('r#1', 'z')));
          expect(await started()).toEqual([]);
          expect(await started({ lane: 'git' })).toEqual(['r#1']);
          expect(
            (await store.commit([{ do: 'effect.take', id: 1, owner: { host: '', epoch: 1 }, at: 1 }])).status,
          ).toBe('lost');
          await commit({ do: 'effect.take', id: 2, owner: { host: '', epoch: 1 }, at: 1 });
        });

      it('are looked for past those that may not start, however many they are; a busy repo hides no other', async () => {
        const many = Array.from({ length: 600 }, (_, index) => agent(`coder#${index}`));
        await commit(
          ...many.map((effect) => asked(effect, { priority: 1 })),
          asked(agent('late#1'), { tree: 'plan:b/p' }),
        );
        expect(await started({ closed: ['a'] })).toEqual(['late#1']);
        const found = await started();
        expect([found.length, found.at(-1)]).toEqual([513, 'late#1']);
        expect(await started({ limit: 2 })).toEqual(['coder#0', 'coder#1', 'late#1']);
      });

      it('are taken once, and settled by who took them', async () => {
        await commit(asked(agent('coder#1')));
        await commit({ do: 'effect.take', id: 1, owner: { host: '', epoch: 1 }, at: 5 });
        expect(await store.effect(key)).toMatchObject({
          status: 'running',
          host: '',
          epoch: 1,
          started_at: 5,
          attempts: 1,
        });
        expect((await store.commit([{ do: 'effect.take', id: 1, owner: { host: '', epoch: 1 }, at: 5 }])).status).toBe(
          'lost',
        );
        const settle = {
          do: 'effect.settle',
          key,
          status: 'failed',
          error: 'x',
          owner: { host: '', epoch: 1 },
          at: 9,
        } as const;
        await commit({ do: 'effect.adopt', owner: { host: '', epoch: 2 } });
        expect((await store.commit([settle])).status).toBe('lost');
        for (const epoch of [1, 2]) await commit({ do: 'effect.count-suspected', key, owner: { host: '', epoch } });
        expect(await store.effect(key)).toMatchObject({ attempts: 1, suspected: 1 });
        await commit({ do: 'effect.clear-suspected', key, owner: { host: '', epoch: 1 } });
        expect(await store.effect(key)).toMatchObject({ suspected: 1 });
        await commit({ do: 'effect.clear-suspected', key, owner: { host: '', epoch: 2 } });
        expect(await store.effect(key)).toMatchObject({ suspected: 0 });
        await commit({ ...settle, owner: { host: '', epoch: 2 } });
        expect(await store.effect(key)).toMatchObject({ status: 'failed', error: 'x', finished_at: 9 });
        expect(await store.effects({ by: 'running' })).toEqual([]);
      });

      it('are tried again later, or put back as if they had not begun', async () => {
        await commit(asked(agent('coder#1')), { do: 'effect.take', id: 1, owner: { host: '', epoch: 1 }, at: 5 });
        await commit({
          do: 'effect.note-wait',
          key,
          wait: { at: 6, reason: 'no disk' },
          owner: { host: '', epoch: 1 },
        });
        expect((await store.effects({ by: 'waiting', tree })).map(({ error }) => error)).toEqual(['no disk']);
        expect((await store.effects({ by: 'waiting' })).map(({ error }) => error)).toEqual(['no disk']);
        await commit({ do: 'effect.try-again', key, nextAt: 150, error: 'x', owner: { host: '', epoch: 1 } });
        expect(await store.effect(key)).toMatchObject({
          status: 'queued',
          epoch: null,
          attempts: 1,
          waiting_since: null,
        });
        expect(await started()).toEqual([]);
        expect(await started({ nowMs: 150 })).toEqual(['coder#1']);
        expect(await store.nextEffectAt(100)).toBe(150);
        expect(await store.nextEffectAt(150)).toBeNull();
        await commit({ do: 'effect.take', id: 1, owner: { host: '', epoch: 1 }, at: 5 });
        const back = {
          do: 'effect.put-back',
          key,
          nextAt: 160,
          error: 'full',
          owner: { host: '', epoch: 1 },
          at: 7,
        } as const;
        await commit(back);
        expect(await store.effect(key)).toMatchObject({
          status: 'queued',
          attempts: 1,
          waiting_since: 7,
          next_at: 160,
        });
      });

      it('that are to be stopped never begin, or end, and say so once', async () => {
        const stop = { do: 'effect.stop', key, stopAt: 20, at: 5, withdrawn: signal({ dedupeKey: 'k' }) } as const;
        await commit(asked(agent('coder#1')), asked(agent('coder#2')), {
          do: 'effect.take',
          id: 2,
          owner: { host: '', epoch: 1 },
          at: 5,
        });
        expect((await commit(stop)).signals).toEqual([{ id: 1, isNew: true }]);
        expect((await commit(stop)).signals).toEqual([]);
        expect(await store.effect(key)).toMatchObject({ status: 'withdrawn', finished_at: 5 });
        const running = { ...stop, key: `${tree}/coder#2` };
        expect((await commit(running, { ...running, stopAt: 30 })).signals).toEqual([]);
        expect(await store.effect(running.key)).toMatchObject({ status: 'running', stop_at: 20 });
        const back = {
          do: 'effect.put-back',
          key: running.key,
          nextAt: 1,
          error: 'x',
          owner: { host: '', epoch: 1 },
          at: 7,
        } as const;
        expect((await store.commit([back])).status).toBe('lost');
      });

      it('are listed by tree, and as what is yet to be cleared up', async () => {
        await commit(asked(agent('coder#1')), asked(removal('r#1', 'x')), {
          do: 'effect.take',
          id: 2,
          owner: { host: '', epoch: 1 },
          at: 1,
        });
        const failed = {
          do: 'effect.settle',
          status: 'failed',
          error: 'x',
          owner: { host: '', epoch: 1 },
          at: 1,
        } as const;
        await commit({ ...failed, key: `${tree}/r#1` });
        const found = async (query: Parameters<Store['effects']>[0]) =>
          (await store.effects(query)).map(({ id }) => id);
        expect(await found({ by: 'tree', tree })).toEqual([1]);
        expect(await found({ by: 'begun', tree })).toEqual([2]);
        expect(await found({ by: 'undone', tree, sinceMs: 1 })).toEqual([2]);
        expect(await found({ by: 'undone', tree, sinceMs: 2 })).toEqual([]);
        await commit(asked(removal('r#2', 'x')));
        expect(await found({ by: 'undone', tree, sinceMs: 1 })).toEqual([]);
      });
    });

    describe('plans and repos', () => {
      it('show who needs a person first, then by repo, the last changed first', async () => {
        const blocked = { reason: 'x', source: 'person', at: 1 } as never;
        await commit(
          registered({ project: 'a', plan: 'old' }, {}, 1),
          registered({ project: 'a', plan: 'new' }, {}, 2),
          registered({ project: 'b', plan: 'blocked' }, { blocked }),
          registered({ project: 'c', plan: 'faulted' }),
          { do: 'plan.set-fault', key: { project: 'c', plan: 'faulted' }, signal: 4, at: 1 },
          { do: 'plan.set-fault', key: { project: 'c', plan: 'faulted' }, signal: 5, isFirst: true, at: 1 },
        );
        const names = async () => (await store.plans(null)).map((row) => row.plan);
        expect(await names()).toEqual(['blocked', 'faulted', 'new', 'old']);
        expect(await store.plan('c', 'faulted')).toMatchObject({ faultSignal: 4 });
        await commit({
          do: 'plan.show',
          key: { project: 'a', plan: 'old' },
          summary: { ...summary, status: 'implementing' },
          at: 3,
        });
        expect(await names()).toEqual(['blocked', 'faulted', 'old', 'new']);
        expect((await store.plans('a')).map((row) => row.status)).toEqual(['implementing', 'ready']);
        expect((await store.planCounts()).get('a')).toEqual({ all: 2, active: 1 });
      });

      it('have a text, a file and a base', async () => {
        await commit(registered());
        await commit(
          {
            do: 'plan.set-text',
            key: plan,
            text: { content: '# Q', goal: 'g', taken: { file: 'q.md', digest: '1', as: 'kiro' } },
          },
          { do: 'plan.set-base', key: plan, base: { branch: 'main', commit: 'c', on: [{ plan: 'o', commit: 'd' }] } },
        );
        expect(await store.planText('a', 'p')).toBe('# Q');
        const base = { branch: 'main', commit: 'c' };
        expect(await store.plan('a', 'p')).toMatchObject({ goal: 'g', file: 'q.md', fileDigest: '1', base });
        await commit({
          do: 'plan.set-file',
          key: plan,
          taken: { file: 'q.md', digest: '2', as: null },
          before: 'q.md',
        });
        expect(await store.plan('a', 'p')).toMatchObject({ fileDigest: '2', fileAs: 'kiro' });
      });

      it('that are removed are counted on from when they come again', async () => {
        await commit(registered());
        expect(await store.plan('a', 'p')).toMatchObject({ author: 'person:anna' });
        expect(await store.planBranches('a')).toEqual([{ plan: 'p', branch: summary.branch }]);
        await commit({ do: 'plan.remove', key: plan, at: 5 });
        expect(await store.plan('a', 'p')).toBeNull();
        expect(await store.planText('a', 'p')).toBeNull();
        expect([...(await store.plans(null)), ...(await store.planBranches('a'))]).toEqual([]);
        expect(await store.nextGeneration('a', 'p')).toBe(4);
        expect(await store.nextGeneration('a', 'q')).toBe(0);
        expect(await store.planTraces({ after: 0, limit: 2 })).toMatchObject({
          traces: [{ project: 'a', plan: 'p', deletedAt: 5, branch: summary.branch }],
          next: null,
        });
        expect((await store.commit([{ do: 'plan.remove', key: plan, at: 5 }])).status).toBe('lost');
        await commit({ ...registered(), author: 'person:bob' });
        expect(await store.plan('a', 'p')).toMatchObject({
          base: null,
          faultSignal: null,
          createdAt: 1,
          author: 'person:bob',
        });
      });

      it('are not removed while something of them is under way, or an agent of theirs is to run', async () => {
        const removed = async () => (await store.commit([{ do: 'plan.remove', key: plan, at: 5 }])).status;
        await commit(registered(plan, { status: 'implementing' }));
        expect(await removed()).toBe('lost');
        await commit({ do: 'plan.show', key: plan, summary, at: 2 }, asked(agent('coder#1')));
        expect(await removed()).toBe('lost');
        await commit({ do: 'effect.stop', key: `${tree}/coder#1`, stopAt: 1, at: 1, withdrawn: signal() });
        expect(await removed()).toBe('committed');
      });

      it('have as their fault the first signal that is still set aside', async () => {
        await commit(registered(), signal(), signal(), {
          do: 'plan.set-fault',
          key: plan,
          signal: 1,
          at: 1,
        });
        const result = { code: 'internal' };
        for (const id of [1, 2]) await commit({ do: 'signal.set-aside', id, result, at: 1 });
        const fault = async () => (await store.plan('a', 'p'))?.faultSignal;
        await commit({ do: 'signal.revive', id: 1 }, { do: 'plan.move-fault', key: plan, from: 1, at: 2 });
        expect(await fault()).toBe(2);
        await commit({ do: 'plan.move-fault', key: plan, from: 1, at: 2 });
        expect(await fault()).toBe(2);
        await commit({ do: 'signal.revive', id: 2 }, { do: 'plan.move-fault', key: plan, from: 2, at: 2 });
        expect(await fault()).toBeNull();
      });

      it('go with their repo, and come back with it', async () => {
        await commit(repo('b'), repo('a'), registered());
        expect((await store.repos()).map(({ project }) => project)).toEqual(['a', 'b']);
        await commit({ do: 'repo.remove', project: 'a', at: 5 });
        expect((await store.repos()).map(({ project }) => project)).toEqual(['b']);
        expect(await store.removedRepos()).toEqual(new Map([['a', '/a']]));
        expect(await store.plans(null)).toEqual([]);
        expect(await store.plan('a', 'p')).not.toBeNull();
        await commit(repo('a', '/elsewhere'));
        expect((await store.repos())[0]).toMatchObject({ path: '/elsewhere', config: { file: 'f' } });
        expect(await store.plans(null)).toHaveLength(1);
        expect(await store.removedRepos()).toEqual(new Map());
      });
    });

    describe('runs', () => {
      const keys = async (query: Parameters<Store['runs']>[0]) => (await store.runs(query)).map(({ key }) => key);

      it('are found by token, title, agent and plan, and the last of each agent', async () => {
        const path = (id: string) => `${tree}/${id}`;
        await commit(run(path('w/t#1'), 'x', { at: 1 }), run(path('w/t#2'), 'x', { at: 5 }), run(path('w/u#1'), 'y'));
        await commit(begun(path('w/t#1')), begun(path('w/u#1')));
        await commit(
          { do: 'run.add-token', key: path('w/t#1'), hash: 's' },
          { do: 'run.add-token', key: path('w/t#1'), hash: 'later' },
          { do: 'run.add-token', key: path('w/u#1'), hash: 's' },
        );
        for (const hash of ['s', 'later']) expect(await keys({ by: 'token', hash })).toEqual([path('w/t#1')]);
        expect(await keys({ by: 'token', hash: 'nobody' })).toEqual([]);
        const wanted = [path('w/t#1'), 'nobody', path('w/u#1')];
        expect(await keys({ by: 'keys', keys: wanted })).toEqual([path('w/u#1'), path('w/t#1')]);
        expect(await keys({ by: 'title', project: 'a', title: 'x' })).toEqual([path('w/t#2'), path('w/t#1')]);
        expect(await keys({ by: 'agent', tree, path: 'w/t', atMs: 9 })).toEqual([path('w/t#2')]);
        expect(await keys({ by: 'agent', tree, path: 'w/t', atMs: 4 })).toEqual([path('w/t#1')]);
        expect(await keys({ by: 'plan', ...plan, sinceMs: 0, limit: 5 })).toEqual([path('w/t#1'), path('w/u#1')]);
        expect(await keys({ by: 'plan', ...plan, sinceMs: 0, limit: 1 })).toEqual([path('w/u#1')]);
        expect(await keys({ by: 'latest' })).toEqual([path('w/u#1'), path('w/t#2')]);
        expect(await keys({ by: 'latest', project: 'a', plan: 'p', limit: 1 })).toEqual([path('w/u#1')]);
        await commit(run(path('w/t#2'), 'x', { state: 'succeeded', at: 5 }));
        expect(await keys({ by: 'latest', live: true })).toEqual([path('w/u#1')]);
        for (const where of [{}, { project: 'a' }, plan]) {
          expect(await keys({ by: 'latest', ...where, title: 'x' })).toEqual([path('w/t#2')]);
          expect(await keys({ by: 'latest', ...where, title: 'x', live: true })).toEqual([]);
          expect(await keys({ by: 'latest', ...where, title: 'y', live: true })).toEqual([path('w/u#1')]);
        }
        expect(await keys({ by: 'ended', project: 'a', limit: 5 })).toEqual([]);
      });

      it('that are at work are all that are live, and of those of a plan that are queued the newest', async () => {
        const queued = (key: string, title: string) => run(key, title, { state: 'queued' });
        await commit(
          queued('1', 'x'),
          run('2', 'y'),
          queued('3', 'z'),
          run('4', 'u', { state: 'waiting' }),
          run('5', 'v', { state: 'failed' }),
          { do: 'run.show', run: { ...other('6', 'x'), state: 'queued' }, isNewest: false, at: 1 },
        );
        expect(await keys({ by: 'at-work' })).toEqual(['6', '4', '3', '2']);
        expect(await keys({ by: 'at-work', project: 'b' })).toEqual(['6']);
      });

      it('have failed where a newer one of their agent is there, unless they had ended', async () => {
        await commit(
          run('1', 'x', { state: 'succeeded' }),
          run('2', 'x'),
          run('3', 'x', { isNewest: true }),
          run('4', 'y'),
        );
        const states = async () => Promise.all(['1', '2', '3', '4'].map(async (key) => (await store.run(key))?.state));
        expect(await states()).toEqual(['succeeded', 'failed', 'running', 'running']);
      });

      it('keep what is noted once, and take what is set', async () => {
        await commit(run('1', 'x'));
        await commit({ do: 'run.note', key: '1', set: { pid: 5 }, once: { preset: 's' } });
        await commit({ do: 'run.note', key: '1', set: { pid: null }, once: { preset: 't' } });
        expect(await store.run('1')).toMatchObject({ pid: null, preset: 's', state: 'running', queued_at: 1 });
        await commit({ do: 'run.note', key: '1' });
        await commit({ do: 'run.note', key: 'nobody', set: { pid: 1 } });
        expect(await store.run('nobody')).toBeNull();
      });

      it('are counted and added up by agent and by conversation', async () => {
        await commit(run('x#1', 'x'), run('x#2', 'x', { at: 5 }), run('3', 'y'), run('4', 'y'), run('again#1', 'x'));
        const took = { started_at: 2, conversation: 'c', input_tokens: 10, output_tokens: 1 };
        await commit(
          { do: 'run.note', key: 'x#1', set: took },
          { do: 'run.note', key: 'x#2', set: { ...took, cost_usd: 0.5 } },
          begun('3'),
        );
        expect(await store.usage(plan)).toEqual([
          { title: 'x', runs: 2, input_tokens: 20, output_tokens: 2, cost_usd: 0.5 },
          { title: 'y', runs: 1, input_tokens: null, output_tokens: null, cost_usd: null },
        ]);
        expect((await store.usage(plan, 5)).map(({ runs }) => runs)).toEqual([1]);
        expect(await store.usageOfPlans(null)).toEqual([]);
        await commit(registered(plan, {}, 1), registered({ project: 'b', plan: 'q' }));
        const all = { ...plan, runs: 3, input_tokens: 20, output_tokens: 2, cost_usd: 0.5 };
        expect(await store.usageOfPlans(null)).toEqual([all]);
        expect(await store.usageOfPlans('a')).toEqual([all]);
        expect(await store.usageOfPlans('b')).toEqual([]);
        await commit(registered(plan, {}, 5));
        expect((await store.usageOfPlans('a')).map(({ runs }) => runs)).toEqual([1]);
        expect(await store.conversationTokens({ project: 'a', conversation: 'c', exceptKey: 'x#2' })).toEqual({
          input: 10,
          output: 1,
        });
        expect(await store.countRuns(plan)).toBe(3);
        // Another agent of that title does not go on with the attempt of the first.
        for (const [key, before] of [
          ['x#2', 1],
          ['again#1', 0],
        ] as const) {
          const of = await store.run(key);
          if (of === null) throw new Error('no run');
          expect(await store.countRuns(plan, of)).toBe(before);
        }
      });

      it('belong to their plan and its budget, though the clock was set back since it was created', async () => {
        await commit(registered(plan, {}, 100));
        await commit(run('1', 'x', { at: 40 }), run('2', 'x', { at: 200 }));
        const took = { started_at: 40, cost_usd: 1 };
        await commit({ do: 'run.note', key: '1', set: took }, { do: 'run.note', key: '2', set: took });
        expect((await store.spent(plan, 0)).plan.usd).toBe(2);
        expect((await store.usageOfPlans('a')).map(({ runs }) => runs)).toEqual([2]);
        expect(await store.run('1')).toMatchObject({ queued_at: 100 });
        expect(await store.run('2')).toMatchObject({ queued_at: 200 });
      });

      it('are added up by how they ended, page by page in the order of their ends', async () => {
        const ended = (key: string, state: string, at: number) => run(key, key, { state, at });
        const page = (after: number, upTo = 100) => store.finalTotals({ after, upTo, limit: 2 });
        expect(await page(0)).toBeNull();
        const took = { started_at: 2, preset: 's', input_tokens: 10, output_tokens: 1, cost_usd: 0.5 };
        await commit(ended('1', 'failed', 5), ended('2', 'succeeded', 6), ended('3', 'failed', 6), run('4', 'y'));
        await commit(ended('5', 'failed', 7), ended('6', 'cancelled', 8), begun('3'), begun('4'), begun('5'));
        await commit({ do: 'run.note', key: '1', set: took }, { do: 'run.note', key: '2', set: took });
        const known = {
          project: 'a',
          preset: 's',
          reason: null,
          runs: 1,
          input_tokens: 10,
          output_tokens: 1,
          cost_usd: 0.5,
        };
        const unknown = { ...known, preset: null, input_tokens: null, output_tokens: null, cost_usd: null };
        const byState = (found: Awaited<ReturnType<typeof page>>) =>
          found && {
            ...found,
            totals: found.totals.toSorted((a, b) => `${a.state}${a.preset}`.localeCompare(`${b.state}${b.preset}`)),
          };
        // The third ended in the same millisecond as the second.
        expect(byState(await page(4))).toEqual({
          upTo: 6,
          totals: [
            { ...unknown, state: 'failed' },
            { ...known, state: 'failed' },
            { ...known, state: 'succeeded' },
          ],
        });
        // The sixth never began, and the fourth goes on.
        expect(await page(6)).toEqual({ upTo: 8, totals: [{ ...unknown, state: 'failed' }] });
        expect(await page(6, 6)).toBeNull();
        expect(await page(8)).toBeNull();
      });

      it('are launched from the folder that they had first', async () => {
        await commit({ do: 'launch.name', key: 'k', folder: 'x', secret: 's', launchedAt: null });
        await commit({ do: 'launch.name', key: 'k', folder: 'y', secret: 't', launchedAt: null });
        await commit(
          { do: 'launch.note', key: 'k', launchedAt: 5 },
          { do: 'launch.note', key: 'k', launchedAt: 6, wrapper: 'w' },
        );
        await commit(
          { do: 'launch.name', key: 'k', folder: 'z', secret: 'u', launchedAt: null },
          { do: 'launch.note', key: 'k', base: 'b' },
        );
        expect(await store.launch('k')).toEqual({
          key: 'k',
          folder: 'y',
          secret: 't',
          launched_at: 5,
          wrapper: 'w',
          base: 'b',
        });
        expect(await store.launch('nobody')).toBeNull();
      });

      it('are known with the checks that judged them', async () => {
        const tree = 'plan:a/p';
        const run = 't/agent#1';
        const check = (id: string, of?: string) =>
          ({
            kind: 'work.check',
            id,
            ...(of === undefined ? {} : { run: of }),
            place: { branch: 'b', from: 'a' },
            wave: 1,
            task: 1,
          }) as const;
        const keys = ['t#2/check-1', 't#2/check-2', 't#2/check-10', 't#4/check-1', 't#9/check-1'];
        await commit(
          asked(check('t#2', run), { tree }),
          asked(check('t#4', 't/agent#2'), { tree }),
          asked(check('t#9'), { tree }),
          ...keys.map((key) => ({
            do: 'launch.name' as const,
            key: `${tree}/${key}`,
            folder: key,
            secret: 's',
            launchedAt: null,
          })),
        );
        const foldersOf = async (one: string, plan = 'p') =>
          (await store.checksOf({ project: 'a', plan, run: one })).map(({ folder }) => folder);
        expect(await foldersOf(run)).toEqual(keys.slice(0, 3));
        expect(await foldersOf('t/agent#2')).toEqual(['t#4/check-1']);
        expect(await foldersOf(run, 'q')).toEqual([]);
      });

      it('are known by their folders, with how far their effects have come', async () => {
        const key = 'plan:a/check-1/t#1';
        await commit(
          asked(agent('t#1'), { tree: 'plan:a/check-1' }),
          { do: 'launch.name', key, folder: 'run', secret: 's', launchedAt: null },
          { do: 'launch.name', key: `${key}/check-12`, folder: 'check', secret: 's', launchedAt: null },
          { do: 'launch.name', key: `${key}/3`, folder: 'hook', secret: 's', launchedAt: null },
          { do: 'launch.name', key: 'gone', folder: 'old', secret: 's', launchedAt: null },
        );
        const found = await store.launchesOf(['run', 'check', 'hook', 'old', 'nobody']);
        expect(found.map(({ folder, status }) => [folder, status]).sort()).toEqual([
          ['check', 'queued'],
          ['hook', 'queued'],
          ['old', null],
          ['run', 'queued'],
        ]);
        await commit({ do: 'launch.remove', key });
        expect(await store.launchesOf(['run'])).toEqual([]);
      });
    });

    it('the queue is paused since it was, and forgets what ended before', async () => {
      await commit(
        { do: 'queue.pause', at: 5 },
        { do: 'queue.pause', at: 6 },
        { do: 'queue.clear', at: 9 },
        { do: 'queue.clear', at: 8 },
      );
      expect(await store.queue()).toEqual({ pausedAt: 5, clearedAt: 9, pauses: [] });
      await commit({ do: 'queue.resume' });
      expect(await store.queue()).toEqual({ pausedAt: null, clearedAt: 9, pauses: [] });
    });

    it('parts of the queue are paused and resumed each for itself; those of a plan end with it', async () => {
      const [repoA, planP] = [
        { project: 'a', plan: '', title: '' },
        { ...plan, title: '' },
      ];
      const agentX = { ...plan, title: 'x' };
      await commit(
        { do: 'queue.pause', at: 5, what: agentX },
        { do: 'queue.pause', at: 6, what: agentX },
        { do: 'queue.pause', at: 7, what: repoA },
        { do: 'queue.pause', at: 8, what: planP },
      );
      const all = [
        { ...repoA, pausedAt: 7 },
        { ...planP, pausedAt: 8 },
        { ...agentX, pausedAt: 5 },
      ];
      expect(await store.queue()).toEqual({ pausedAt: null, clearedAt: 0, pauses: all });
      await commit({ do: 'queue.resume' }, { do: 'queue.resume', what: { ...plan, title: 'nobody' } });
      expect((await store.queue()).pauses).toEqual(all);
      await commit({ do: 'queue.resume', what: planP });
      expect((await store.queue()).pauses.map(({ title }) => title)).toEqual(['', 'x']);
      await commit(registered(), { do: 'plan.remove', key: plan, at: 9 });
      expect((await store.queue()).pauses).toEqual([{ ...repoA, pausedAt: 7 }]);
    });

    it('agents are listed once over all their runs: those that go on, then those that have ended since it was cleared', async () => {
      const path = (id: string) => `${tree}/${id}`;
      await commit(
        ...['w/t#1', 'w/t#2', 'w/u#1', 'w/v#1'].map((id) => asked(agent(id))),
        run(path('w/t#1'), 'x', { at: 1, state: 'queued', isNewest: true }),
        run(path('w/u#1'), 'y', { at: 2, state: 'queued', isNewest: true }),
        run(path('w/v#1'), 'z', { at: 3, state: 'queued', isNewest: true }),
        begun(path('w/t#1'), 4),
        run(path('w/t#1'), 'x', { at: 5, state: 'backing_off' }),
      );
      const items = async () => (await store.queueItems({ ended: 1 })).map(({ title, state }) => [title, state]);
      expect(await items()).toEqual([
        ['x', 'backing_off'],
        ['y', 'queued'],
        ['z', 'queued'],
      ]);
      await commit(
        run(path('w/t#2'), 'x', { at: 6, state: 'queued', isNewest: true }),
        { do: 'effect.take', id: 2, owner: { host: '', epoch: 1 }, at: 7 },
        run(path('w/u#1'), 'y', { at: 8, state: 'failed' }),
        run(path('w/v#1'), 'z', { at: 9, state: 'succeeded' }),
        run(path('w/v#1'), 'z', { at: 11, state: 'succeeded' }),
      );
      const [first, ...rest] = await store.queueItems({ ended: 1 });
      expect(first).toEqual({
        ...plan,
        ...{ title: 'x', key: path('w/t#2'), run: path('w/t#2'), role: 'coder', state: 'queued', reason: null },
        ...{ id: 1, effect: 2, attempt: 1, queued_at: 1, started_at: 4, final_at: null },
        ...{ status: 'running', lane: 'worker', priority: 0, next_at: 0, slot_at: 7, waiting_since: null, error: null },
      });
      expect(rest.map(({ title, final_at }) => [title, final_at])).toEqual([['z', 9]]);
      for (const [where, count] of [
        [{ project: 'a' }, 2],
        [{ project: 'b' }, 1],
        [{ ...plan, plan: 'q' }, 1],
      ] as const)
        expect(await store.queueItems({ ended: 1, ...where })).toHaveLength(count);
      await commit({ do: 'queue.clear', at: 8 });
      expect((await store.queueItems({ ended: 9 })).map(({ title }) => title)).toEqual(['x', 'z']);
    });

    it('a text may have a NUL character, which the database may not have', async () => {
      await commit({ do: 'notification.insert', type: 'agent_asks', project: 'a', plan: 'p', message: 'a\0b', at: 1 });
      const [asked] = await store.notifications({ limit: 1 });
      expect(asked?.message).toMatch(/^a[\0\ufffd]b$/);
    });

    it('notifications are stored in their order, and the oldest are deleted beyond a limit', async () => {
      const notification = (message: string, project = 'a'): Change => ({
        do: 'notification.insert',
        type: 'task_queued',
        project,
        plan: 'p',
        message,
        at: 7,
      });
      await commit(notification('one'), notification('two', 'b'), notification('three'));
      const [three, two, one] = await store.notifications({ limit: 10 });
      expect(one).toEqual({
        id: one?.id,
        type: 'task_queued',
        project: 'a',
        plan: 'p',
        message: 'one',
        at: 7,
        isRead: false,
      });
      expect([three?.message, two?.message]).toEqual(['three', 'two']);
      await commit({ do: 'notification.read', upTo: two?.id ?? 0 });
      const unread = await store.notifications({ limit: 10, isUnread: true });
      expect(unread.map(({ message }) => message)).toEqual(['three']);
      expect((await store.notifications({ limit: 1, project: 'b' })).map(({ isRead }) => isRead)).toEqual([true]);
      expect(await store.notifications({ limit: 10, after: three?.id ?? 0 })).toEqual([]);
      // The newest one stays, however old it is, so that no number is given twice.
      await commit({ do: 'rows.expire', kind: 'notifications', beforeMs: 8, after: 0, upTo: three?.id ?? 0 });
      expect((await store.notifications({ limit: 10 })).map(({ id }) => id)).toEqual([three?.id]);
      await commit(notification('four'));
      expect((await store.notifications({ limit: 1 }))[0]?.id).toBe((three?.id ?? 0) + 1);
      // When one more arrives than the limit, the oldest is deleted.
      for (let left = notificationLimit; left > 0; left -= 1_000)
        await commit(...Array.from({ length: 1_000 }, () => notification('more')));
      const kept = await store.notifications({ limit: 2 * notificationLimit });
      expect(kept).toHaveLength(notificationLimit);
      expect(kept.every(({ message }) => message === 'more')).toBe(true);
    });

    it('a session is known by its plan, and what people said outlives it', async () => {
      const row = { project: 'a', plan: 'p', reference: 'h/o/r#1', title: null, pullRequest: null, createdAt: 5 };
      await commit({ do: 'issue.insert', ...row }, { do: 'issue.insert', ...row, plan: 'q', createdAt: 4 });
      expect((await store.issues()).map(({ plan: name }) => name)).toEqual(['q', 'p']);
      await commit({ do: 'issue.set-pull-request', key: plan, url: 'u' });
      // A second begin keeps the session and its age, and fields that are not known anew.
      await commit({ do: 'issue.insert', ...row, title: 'The shop', createdAt: 9 });
      await commit({ do: 'issue.insert', ...row, createdAt: 10 });
      expect((await store.issues())[1]).toEqual({ ...row, pullRequest: 'u', title: 'The shop' });
      for (let index = 1; index <= 22; index += 1)
        await commit({
          do: 'issue.say',
          key: plan,
          by: index % 2 === 0 ? 'person' : 'agent',
          content: `${index}`,
          at: index,
        });
      await commit({ do: 'issue.remove', key: plan });
      expect((await store.issues()).map(({ plan: name }) => name)).toEqual(['q']);
      const said = await store.issueMessages(plan);
      expect([said.length, said[0], said.at(-1)]).toEqual([
        20,
        { by: 'agent', content: '3', at: 3 },
        { by: 'person', content: '22', at: 22 },
      ]);
      const lost = await store.commit([{ do: 'issue.set-pull-request', key: plan, url: 'u' }]);
      expect(lost.status).toBe('lost');
    });

    it('an account that is limited gives no slot, is reported once, and a limit that comes back keeps its start', async () => {
      const notice = { type: 'account_limited', project: 'a', plan: 'p', message: 'm', at: 5 };
      const limit = (until: number, at: number, used: number | null = null): Change => ({
        ...{ do: 'account.limit', account: 'x', until, used, at, notice },
      });
      await commit(limit(100, 5), limit(90, 6));
      const lost = await store.commit([{ do: 'account.require', account: 'x', at: 99 }]);
      expect(lost.status).toBe('lost');
      await commit({ do: 'account.require', account: 'x', at: 100 }, { do: 'account.require', account: 'y', at: 5 });
      await commit(limit(200, 150));
      expect(await store.accountLimits()).toEqual([{ account: 'x', since: 5, until: 200, used: null }]);
      // A reached reserve says less than a refusal by the service.
      await commit(limit(200, 160, 0.9));
      expect(await store.accountLimits()).toEqual([{ account: 'x', since: 5, until: 200, used: null }]);
      await commit(limit(300, 201, 0.9));
      expect(await store.accountLimits()).toEqual([{ account: 'x', since: 5, until: 300, used: 0.9 }]);
      expect(await store.notifications({ limit: 10 })).toHaveLength(1);
      await commit({ do: 'account.free', account: 'x', before: 5 });
      expect(await store.accountLimits()).toHaveLength(1);
      await commit({ do: 'account.free', account: 'x', before: 6 });
      expect(await store.accountLimits()).toEqual([]);
    });

    it('an account has the latest usage of each span that is not over', async () => {
      const said = (span: string, used: number, until: number, at: number): Change => ({
        ...{ do: 'account.note', account: 'x', span, used, until, at },
      });
      await commit(said('five_hour', 0.5, 100, 5), said('seven_day', 0.2, 900, 5));
      // Of two runs, the one that was read first may be stored last.
      await commit(said('five_hour', 0.7, 100, 8), said('five_hour', 0.6, 100, 7));
      expect(await store.accountQuotas()).toEqual([
        { account: 'x', span: 'five_hour', used: 0.7, until: 100, at: 8 },
        { account: 'x', span: 'seven_day', used: 0.2, until: 900, at: 5 },
      ]);
      await commit({ do: 'account.note', account: 'a', span: 'limit', used: 0.9, until: 300, at: 100 });
      expect((await store.accountQuotas()).map(({ account, span }) => `${account} ${span}`)).toEqual([
        'a limit',
        'x seven_day',
      ]);
    });

    it('a message in a chat is there under its id, with how far its answers were read, for thirty days', async () => {
      const day = 86_400_000;
      const sent = (message: string, at: number): Change => ({
        ...{ do: 'chat.sent', chat: 'slack:C1', message, project: 'a', plan: 'p', about: 'null', at },
      });
      await commit(sent('1.1', 5), sent('1.1', 6), sent('2.1', 7), { ...sent('1.1', 5), chat: 'slack:C2' } as Change);
      const row = { chat: 'slack:C1', message: '1.1', project: 'a', plan: 'p', about: 'null', reached: '', at: 5 };
      expect(await store.chatMessage('slack:C1', '1.1')).toEqual(row);
      expect(await store.chatMessage('slack:C1', '3.1')).toBeNull();
      expect(await store.chatMessages({ chat: 'slack:C1', limit: 1 })).toMatchObject([{ message: '2.1' }]);
      await commit({ do: 'chat.reach', chat: 'slack:C1', message: '1.1', reached: '1.5' });
      expect(await store.chatMessage('slack:C1', '1.1')).toEqual({ ...row, reached: '1.5' });
      expect(await store.chatMark('telegram:1')).toBeNull();
      for (const reached of ['7', '9']) await commit({ do: 'chat.reach', chat: 'telegram:1', message: null, reached });
      expect(await store.chatMark('telegram:1')).toBe('9');
      await commit(sent('9.1', 6 + 30 * day));
      expect((await store.chatMessages({ chat: 'slack:C1', limit: 9 })).map(({ message }) => message)).toEqual([
        '9.1',
        '2.1',
      ]);
      expect(await store.chatMessage('slack:C2', '1.1')).not.toBeNull();
    });

    it('the forge of a repo is as it was found last', async () => {
      const row = { project: 'a', server: 's', url: 'u', code: null, reason: null, hint: null, since: 1, plans: [] };
      await commit({ do: 'forge.note', ...row, project: 'b' }, { do: 'forge.note', ...row });
      const down = { ...row, code: 'no_token' as const, reason: 'r', hint: 'h', since: 2, plans: ['p', 'q'] };
      await commit({ do: 'forge.note', ...down });
      expect(await store.forges()).toEqual([down, { ...row, project: 'b' }]);
      await commit({ do: 'forge.forget', project: 'a' });
      expect(await store.forges()).toEqual([{ ...row, project: 'b' }]);
    });

    it('a commit that is lost stores no notification', async () => {
      const lost = await store.commit([
        { do: 'notification.insert', type: 'task_error', project: 'a', plan: 'p', message: 'x', at: 1 },
        { do: 'signal.revive', id: 404 },
      ]);
      expect(lost.status).toBe('lost');
      expect(await store.notifications({ limit: 10 })).toEqual([]);
    });

    describe('a hook delivery', () => {
      const enqueued = (id: string, { hook = 'h', of = tree as PlanTree } = {}): Change => ({
        do: 'hook.enqueue',
        tree: of,
        delivery: {
          ...{ kind: 'hook.deliver', id, plan: of.split('/')[1] ?? '', hook, event: 'cancel' },
          ...{ from: 'ready', to: 'cancelled', at: 1, details: {} },
        },
      });
      const sequences = async () =>
        (await store.effects({ by: 'deliveries', limit: 10 }))
          .toReversed()
          .map(({ name, payload }) => [name, (JSON.parse(payload) as HookDeliver).sequence]);
      const startable = async () =>
        (await store.startable({ lane: 'hook', nowMs: 100, closed: [], agents: 'none' })).map(({ name }) => name);

      it('is counted for each plan and hook, without a gap where a commit was lost', async () => {
        await commit(enqueued('a1'), enqueued('b1', { hook: 'i' }), enqueued('a2'));
        const lost = await store.commit([enqueued('a3'), { do: 'signal.revive', id: 404 }]);
        expect(lost.status).toBe('lost');
        await commit(enqueued('a3'), enqueued('c1', { of: 'plan:a/q' }));
        expect(await sequences()).toEqual([
          ['a1', 1],
          ['b1', 1],
          ['a2', 2],
          ['a3', 3],
          ['c1', 1],
        ]);
      });

      it('goes to one hook of one plan in order: one that waits for its next try delays only those behind it', async () => {
        await commit(enqueued('a1'), enqueued('a2'), enqueued('b1', { hook: 'i' }), enqueued('c1', { of: 'plan:a/q' }));
        expect(await startable()).toEqual(['a1', 'b1', 'c1']);
        const [first] = await store.effects({ by: 'delivery', id: 'a1' });
        const { id = 0, key = '' } = first ?? {};
        await commit({ do: 'effect.take', id, owner: { host: '', epoch: 1 }, at: 2 });
        expect(await startable()).toEqual(['b1', 'c1']);
        await commit({
          do: 'effect.try-again',
          key,
          nextAt: 500,
          error: 'no',
          owner: { host: '', epoch: 1 },
          result: '{"status":500}',
        });
        expect(await startable()).toEqual(['b1', 'c1']);
        expect(await store.nextEffectAt(100)).toBe(500);
        expect(await store.effect(key)).toMatchObject({ status: 'queued', attempts: 1, result: '{"status":500}' });
      });

      it('is delivered again only when it has ended, and waits for who is at work', async () => {
        await commit(enqueued('a1'), enqueued('a2'));
        const keyOf = async (id: string) => (await store.effects({ by: 'delivery', id }))[0] ?? { id: 0, key: '' };
        const [one, two] = [await keyOf('a1'), await keyOf('a2')];
        expect((await store.commit([{ do: 'hook.redeliver', key: one.key }])).status).toBe('lost');
        await commit({ do: 'effect.take', id: one.id, owner: { host: '', epoch: 1 }, at: 2 });
        await commit({
          do: 'effect.settle',
          key: one.key,
          status: 'failed',
          error: 'no',
          owner: { host: '', epoch: 1 },
          at: 3,
        });
        await commit({ do: 'effect.take', id: two.id, owner: { host: '', epoch: 1 }, at: 4 });
        await commit({ do: 'hook.redeliver', key: one.key });
        expect(await store.effect(one.key)).toMatchObject({ status: 'queued', attempts: 0, error: null });
        expect(await startable()).toEqual([]);
        await commit({
          do: 'effect.settle',
          key: two.key,
          status: 'done',
          error: null,
          owner: { host: '', epoch: 1 },
          at: 5,
        });
        expect(await startable()).toEqual(['a1']);
      });

      it('fails since its first failure, and is off until it is switched on', async () => {
        const note = (isDelivered: boolean, at: number): Change => ({
          ...{ do: 'hook.note-result', project: 'a', hook: 'h' },
          ...{ isDelivered, at },
        });
        const known = async () =>
          (await store.hooks('a')).map(({ failing_since: since, off_reason: why }) => [since, why]);
        await commit(note(true, 1), note(false, 2), note(false, 3));
        expect(await known()).toEqual([[2, null]]);
        await commit(note(true, 4));
        expect(await known()).toEqual([[null, null]]);
        await commit(note(false, 5), { do: 'hook.switch', project: 'a', hook: 'h', off: { reason: 'gone', at: 6 } });
        expect(await known()).toEqual([[5, 'gone']]);
        await commit({ do: 'hook.switch', project: 'a', hook: 'h', off: null });
        expect(await known()).toEqual([[null, null]]);
        expect(await store.hooks('b')).toEqual([]);
      });
    });

    racesAreSound(() => ground);

    it('the clocks are read as they were written last', async () => {
      expect(await store.timeline()).toBeNull();
      const read = { boot: 'b', steady_ms: 1, at_ms: 3 };
      const write = { do: 'timeline.write', ...read, wall_ms: 2 } as const;
      await commit(write, { ...write, at_ms: 4 });
      expect(await store.timeline()).toMatchObject({ ...read, at_ms: 4 });
    });
  });
}
