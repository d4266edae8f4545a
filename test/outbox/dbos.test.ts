/** Effects of a store in PostgreSQL, carried out by DBOS. */
import { afterAll, beforeEach, expect, it, onTestFinished } from 'vitest';
import type { Effect } from '../../machines/vocabulary/effect.ts';
import { effectKey, planTree } from '../../machines/vocabulary/ids.ts';
import { systemClock } from '../../runtime/base/platform/clock.ts';
import { createLog } from '../../runtime/base/platform/log.ts';
import { openDbosCarrier } from '../../runtime/core/outbox/dbos.ts';
import { createDispatcher } from '../../runtime/core/outbox/dispatcher.ts';
import type { EffectContext, Handlers, Outcome } from '../../runtime/core/outbox/handler.ts';
import { type Change, type Store, StoreTrouble } from '../../runtime/core/store/port.ts';
import { openPostgres, type PostgresStore } from '../../runtime/core/store/postgres/store.ts';
import { openTimeline } from '../../runtime/core/store/timeline.ts';
import { startPostgres } from '../../scripts/postgres.ts';
import { until } from '../support/ground.ts';
import { noTroubles } from '../support/no-troubles.ts';

const server = await startPostgres();
afterAll(() => server.stop());
let database = '';
let databases = 0;
beforeEach(async () => {
  databases += 1;
  database = `dbos${databases}`;
  await server.createDatabase(database);
});

const tree = planTree('demo', 'a');
const keyOf = (id: string) => effectKey(tree, id);
const done = { type: 'run_exited', payload: {} } as unknown as Outcome; // its shape is no matter here

function asked(id: string): Change {
  const effect = { kind: 'agent.run', id, role: 'coder', place: { branch: id, from: 'main' } } as unknown as Effect; // all that is looked at here
  return { do: 'effect.insert', tree, effect, priority: 0, at: 1 };
}

interface Workflow {
  readonly status: string;
  readonly workflow_uuid: string;
  readonly recovery_attempts: string;
  readonly steps: string;
}

async function workflows(): Promise<Workflow[]> {
  const rows = await server.query(
    database,
    `SELECT status, workflow_uuid, recovery_attempts, (SELECT string_agg(function_name, ' ' ORDER BY function_id)
       FROM dbos.operation_outputs o WHERE o.workflow_uuid = w.workflow_uuid) AS steps
     FROM dbos.workflow_status w ORDER BY workflow_uuid`,
  );
  return rows as unknown as Workflow[];
}

/** DBOS has its tables, and the queue of the host. */
async function isLaunched(): Promise<void> {
  const queues = () => server.query(database, 'SELECT name FROM dbos.queues').catch(() => []);
  await until(async () => (await queues()).length > 0);
}

/** The engine of a host, as far as it carries effects. */
async function engine(
  handle: (context: EffectContext) => Promise<Outcome>,
  { name = 'a', commitOf }: { name?: string; commitOf?: (store: Store) => Store['commit'] } = {},
) {
  const opened = openPostgres({ url: server.urlOf(database), shown: database }, { host: { name, labels: [] } });
  const epoch = await opened.own('/home');
  const log = createLog(() => {}, 'error');
  const carrier = await openDbosCarrier({ store: opened, log });
  const store: PostgresStore = commitOf === undefined ? opened : { ...opened, commit: commitOf(opened) };
  const dispatcher = createDispatcher({
    store,
    carrier,
    handlers: { 'agent.run': (_: Effect, context: EffectContext) => handle(context) } as unknown as Handlers, // the one kind that is asked for
    clock: systemClock,
    timeline: await openTimeline(store, systemClock),
    log,
    troubles: noTroubles,
    owner: { host: name, epoch },
    isOwner: () => true,
    limits: () => ({ workers: 4, workersPerRepo: 0, coordinators: 1 }),
    startableAgents: () => 'all',
    onSignals: () => {},
  });
  dispatcher.start();
  let isStopped = false;
  async function stop(): Promise<void> {
    if (isStopped) return;
    isStopped = true;
    await dispatcher.stop();
    opened.close();
  }
  onTestFinished(stop);
  return { store: opened, dispatcher, stop };
}

const letGo = ({ abort }: EffectContext) =>
  new Promise<Outcome>((_, reject) => {
    abort.addEventListener('abort', () => reject(abort.reason as Error), { once: true });
  });

const isDone = (store: Store, id: string) => async () => (await store.effect(keyOf(id)))?.status === 'done';

it('an effect is a workflow of two steps, from the commit that takes it to the one that settles it', async () => {
  const begun: string[] = [];
  const { store, dispatcher } = await engine(async ({ row }) => {
    begun.push(row.key);
    return done;
  });
  await store.commit(['one#1', 'two#1'].map(asked));
  dispatcher.wake();
  await until(isDone(store, 'one#1'));
  await until(isDone(store, 'two#1'));
  expect(begun.sort()).toEqual([keyOf('one#1'), keyOf('two#1')]);
  await until(async () => (await workflows()).every(({ status }) => status === 'SUCCESS'));
  expect((await workflows()).map(({ steps }) => steps)).toEqual(['handle settle', 'handle settle']);
  expect((await store.signals({})).filter(({ type }) => type === 'run_exited')).toHaveLength(2);
});

it('what is taken in a commit that is lost has no workflow', async () => {
  const { store, dispatcher } = await engine(async () => done);
  await store.commit([asked('one#1')]);
  // The dispatcher's commit takes it first; the dispatcher claims agents only when it is woken.
  await isLaunched();
  const [row] = await store.effects({ by: 'open' });
  const owner = { host: 'a', epoch: 1 };
  const taken = await store.commit([
    { do: 'effect.take', id: row?.id ?? 0, owner, at: 7 },
    { do: 'slots.require', lane: 'worker', all: 0, projects: {} },
  ]);
  expect(taken.status).toBe('lost');
  dispatcher.wake();
  await until(isDone(store, 'one#1'));
  expect((await workflows()).map(({ workflow_uuid: id }) => id)).not.toContain(`${keyOf('one#1')} 1 7`);
  expect(await workflows()).toHaveLength(1);
});

it('the next engine of the host is given what the first one left, and what came to its end is settled without its handler', async () => {
  let begun = 0;
  const first = await engine(
    async (context) => {
      begun += 1;
      return context.row.key === keyOf('ended#1') ? done : letGo(context);
    },
    {
      // The effect ends, and its result cannot be written.
      commitOf: (store) => async (changes) => {
        if (changes.some((change) => change.do === 'effect.settle'))
          throw new StoreTrouble('store_locked', 'it is away', 'wait');
        return store.commit(changes);
      },
    },
  );
  await first.store.commit(['runs#1', 'ended#1'].map(asked));
  first.dispatcher.wake();
  await until(() => begun === 2);
  await until(async () => (await workflows()).some(({ steps }) => steps === 'handle'));
  await first.stop();
  const again: string[] = [];
  const second = await engine(async ({ row }) => {
    again.push(row.key);
    return done;
  });
  await until(isDone(second.store, 'runs#1'));
  await until(isDone(second.store, 'ended#1'));
  expect(again).toEqual([keyOf('runs#1')]);
  await until(async () => (await workflows()).every(({ status }) => status === 'SUCCESS'));
  expect((await workflows()).map(({ steps }) => steps)).toEqual(['handle settle', 'handle settle']);
  expect((await second.store.signals({})).filter(({ type }) => type === 'run_exited')).toHaveLength(2);
});

// A workflow without a running executor is searched for after 10 s.
it('a workflow that was claimed by nobody who knows it is resumed', async () => {
  const { store, dispatcher } = await engine(async () => done);
  await isLaunched();
  await server.query(
    database,
    `CREATE FUNCTION claimed() RETURNS TRIGGER LANGUAGE plpgsql AS $$ BEGIN NEW.status := 'PENDING'; NEW.executor_id := 'a'; RETURN NEW; END $$;
     CREATE TRIGGER claimed BEFORE INSERT ON dbos.workflow_status FOR EACH ROW EXECUTE FUNCTION claimed()`,
  );
  await store.commit([asked('one#1')]);
  dispatcher.wake();
  await until(isDone(store, 'one#1'));
  expect((await workflows())[0]?.steps).toBe('handle settle');
});

it('what a removed host had taken is taken anew, and its workflow does not come back with it', async () => {
  const { store, dispatcher } = await engine(async () => done);
  const other = openPostgres({ url: server.urlOf(database), shown: database }, { host: { name: 'b', labels: [] } });
  onTestFinished(() => other.close());
  await isLaunched();
  const epoch = await other.own('/b');
  other.enqueueInto({ schema: 'dbos', application: 'stator', version: '1', workflow: 'effect' });
  await dispatcher.holdAgents();
  await store.commit([asked('one#1')]);
  const [row] = await store.effects({ by: 'open' });
  const owner = { host: 'b', epoch };
  expect((await other.commit([{ do: 'effect.take', id: row?.id ?? 0, owner, at: 7 }])).status).toBe('committed');
  expect((await workflows()).map(({ status }) => status)).toEqual(['ENQUEUED']);
  other.close();
  await until(async () => (await store.hosts.list()).some(({ name, isAlive }) => name === 'b' && !isAlive));
  expect(await store.hosts.remove('b')).toBe(true);
  await until(async () => (await workflows())[0]?.status === 'CANCELLED');
  expect((await store.effect(keyOf('one#1')))?.status).toBe('queued');
});
