/**
 * Carries effects with DBOS: each effect that is taken is a workflow of two durable steps, handle and settle. The commit that takes the effect enqueues the
 * workflow on the queue of its host, so a committed effect is carried, if need be by the next process of that host.
 *
 * DBOS looks into its queues once a second, which costs the database 350 transactions a minute, and delays each effect by up to a second. Its loop is stopped,
 * and the same query is made after each commit. This uses functions of its package that are marked as internal, hence the narrow range of versions.
 */
import { randomUUID } from 'node:crypto';
import { messageOf } from '../../../machines/vocabulary/errors.ts';
import type { Log } from '../../base/platform/log.ts';
import { createPollLoop } from '../../base/platform/poll-loop.ts';
import { type Enqueuing, keyOfWorkflow, type Pool, workflowIdOf } from '../store/effect-queue.ts';
import { type Store, StoreTrouble } from '../store/port.ts';
import type { EffectRow } from '../store/rows.ts';
import { type EffectCarrier, type Ending, inProcess, type Steps } from './carrier.ts';

interface DbosParts {
  readonly store: Pick<Store, 'effect' | 'effects' | 'hosts'> & Enqueuing;
  readonly log: Log;
}

/** An effect that this process runs. */
interface Work {
  readonly row: EffectRow;
  readonly steps: Steps;
  /** A workflow here carries it; that began, or stopped early, at this time. */
  isCarried: boolean;
  sinceMs: number;
  /** The work, shared by all workflows that ask for it. */
  handling: Promise<Ending | null> | null;
  settling: ReturnType<Steps['settle']> | null;
  end(): void;
}

/** One application; each host is an executor of it. Another version would not be recovered by this one. */
const application = 'stator';
const version = '1';
const workflow = 'effect';
/** The interval of regular queries; each commit that takes an effect also causes one. */
const pollMs = 10_000;
const retryMs = 1_000;
/** If no workflow carries an effect after this time, the answer to its claim was lost. */
const lateMs = 10_000;
/** Ended workflows stay for this long, for a person who reads the tables of DBOS. */
const keptMs = 24 * 3_600_000;
const tidyEveryMs = 3_600_000;
const tidyLimit = 1_000;
/** The longest pause of DBOS between two tries to reach a database that is away. */
const backOffCapSec = 2;
/** How often a workflow may be recovered: an agent's run outlives many restarts. */
const maxRecoveryAttempts = 1_000_000_000;

type Dbos = Awaited<ReturnType<typeof load>>;

/** A process can have one DBOS: a second engine in it carries its effects by itself. */
let isTaken = false;
let isRegistered = false;
let carriedHere: ((id: string) => Promise<void>) | null = null;

/** Loads the package, and connects nothing yet. Throws `store_unreadable` where it is not installed. */
export async function openDbosCarrier({ store, log }: DbosParts): Promise<EffectCarrier> {
  const dbos = await load();
  if (isTaken) {
    log.info('another engine of this process uses DBOS: this one carries its effects without it');
    return inProcess;
  }
  isTaken = true;
  return createCarrier(dbos, { store, log });
}

interface Carrying extends DbosParts {
  readonly dbos: Dbos;
  readonly host: string;
  readonly works: Map<string, Work>;
  /** Workflows that started before the answer to the commit that took their effect. */
  readonly early: Map<string, () => void>;
  /** null: DBOS has not started, or was stopped. */
  queue: Awaited<ReturnType<Dbos['DBOS']['registerQueue']>> | null;
  tidiedMs: number;
  isStopped: boolean;
}

function createCarrier(dbos: Dbos, { store, log }: DbosParts): EffectCarrier {
  const { DBOS } = dbos;
  const works = new Map<string, Work>();
  const early = new Map<string, () => void>();
  const parts: Carrying = {
    ...{ dbos, store, log, host: store.hosts?.own ?? '', works, early },
    ...{ queue: null, tidiedMs: Number.NEGATIVE_INFINITY, isStopped: false },
  };
  let pool: Pool | null = null;
  let unwatch = () => {};
  const loop = createPollLoop({
    everyMs: pollMs,
    retryMs,
    async work() {
      await claim(parts);
      await resumeLate(parts);
      await tidy(parts);
      return null;
    },
    onError: (thrown) => log.debug(`DBOS: ${messageOf(thrown)}`),
  });

  async function start(): Promise<void> {
    if (parts.queue !== null) return;
    const schema = dbosSchema(await store.schema());
    pool ??= await store.pool();
    DBOS.setConfig({
      name: application,
      systemDatabasePool: pool,
      systemDatabaseSchemaName: schema,
      executorID: parts.host,
      applicationVersion: version,
      useListenNotify: false,
      schedulerPollingIntervalMs: keptMs,
      logger: quiet(log),
    });
    dbos.timeouts.pollingIntervalMs = keptMs;
    dbos.retries.maxBackoffSec = backOffCapSec;
    carriedHere = (id) => carried(parts, id);
    if (!isRegistered)
      DBOS.registerWorkflow(async (id: string) => carriedHere?.(id), { name: workflow, maxRecoveryAttempts });
    isRegistered = true;
    try {
      // It migrates its tables; two hosts that did so at once would stop each other.
      await store.whileAlone(() => DBOS.launch());
      dbos.runner.stop();
      parts.queue = await DBOS.registerQueue(parts.host, { minPollingIntervalMs: pollMs });
    } catch (thrown) {
      await DBOS.shutdown().catch((ending: unknown) => log.debug(`DBOS: ${messageOf(ending)}`));
      if (thrown instanceof StoreTrouble) throw thrown;
      const hint =
        'it is tried again by itself; see whether PostgreSQL runs, and whether its user may create a schema (GRANT CREATE ON DATABASE … TO …)';
      throw new StoreTrouble('store_locked', `DBOS did not start: ${messageOf(thrown)}`, hint, { cause: thrown });
    }
    store.enqueueInto({ schema, application, version, workflow });
    unwatch = store.hosts?.watch(() => void cancelOfLost(parts)) ?? unwatch;
    void cancelOfLost(parts);
    loop.start('with-beat');
  }

  return {
    start,
    carry: (row, steps) =>
      new Promise((end) => {
        if (parts.isStopped) return end();
        const id = workflowIdOf(row);
        const sinceMs = performance.now();
        works.set(id, { row, steps, isCarried: false, sinceMs, handling: null, settling: null, end });
        early.get(id)?.();
        early.delete(id);
        loop.wake();
      }),
    async stop() {
      if (parts.isStopped) return;
      parts.isStopped = true;
      unwatch();
      await loop.stop();
      const all = [...works.values()];
      await Promise.allSettled(all.flatMap(({ handling, settling }) => [handling, settling]));
      await Promise.allSettled(all.map(({ settling }) => settling));
      for (const work of all) work.end();
      if (parts.queue !== null) await DBOS.shutdown();
      parts.queue = null;
      await pool?.end();
      carriedHere = null;
      isTaken = false;
    },
  };
}

/** The workflow of an effect. It returns only when the effect no longer needs it; if its records fail, `resumeLate` resumes it. */
async function carried(parts: Carrying, id: string): Promise<void> {
  try {
    const work = parts.works.get(id) ?? (await whenKnown(parts, id));
    if (work === null) return;
    work.isCarried = true;
    try {
      while ((await onePass(parts, work)) === 'again');
    } catch (thrown) {
      work.isCarried = false;
      work.sinceMs = performance.now();
      throw thrown;
    }
    finish(parts, id, work);
  } catch (thrown) {
    parts.log.debug(`DBOS: the workflow ${id}: ${messageOf(thrown)}`);
    await never();
  }
}

async function onePass(parts: Carrying, work: Work): Promise<'written' | 'again'> {
  const { DBOS } = parts.dbos;
  const ending = await DBOS.runStep(
    async () => {
      work.handling ??= work.steps.handle();
      return (await work.handling) ?? never();
    },
    { name: 'handle' },
  );
  return DBOS.runStep(
    async () => {
      work.settling ??= work.steps.settle(ending);
      const how = await work.settling;
      if (how === 'again') work.handling = work.settling = null;
      return how ?? never();
    },
    { name: 'settle' },
  );
}

/** null: it is settled, or belongs to another host; otherwise the work, once the commit that took it has answered. */
async function whenKnown(parts: Carrying, id: string): Promise<Work | null> {
  if (!(await isOurs(parts, id))) return null;
  while (!parts.works.has(id)) await new Promise<void>((resolve) => parts.early.set(id, resolve));
  return parts.works.get(id) ?? null;
}

async function isOurs({ store, host }: Carrying, id: string): Promise<boolean> {
  const row = await store.effect(keyOfWorkflow(id));
  return row !== null && row.status === 'running' && row.host === host && workflowIdOf(row) === id;
}

function finish({ works }: Carrying, id: string, work: Work): void {
  if (works.get(id) === work) works.delete(id);
  work.end();
}

/** Starts what is enqueued, as DBOS's own loop does. */
async function claim(parts: Carrying): Promise<void> {
  const executor = parts.dbos.executor();
  if (executor === undefined || parts.queue === null) return;
  const token = randomUUID();
  const ids = await executor.systemDatabase.findAndMarkStartableWorkflows(
    parts.queue,
    parts.host,
    version,
    undefined,
    0,
    0,
    token,
  );
  if (ids.length > 0) await executor.dispatchDequeuedWorkflows(ids, token);
}

/** Finds effects that DBOS does not carry, though they were enqueued: its answer was lost, or its record could not be written. */
async function resumeLate(parts: Carrying): Promise<void> {
  const { DBOS } = parts.dbos;
  const nowMs = performance.now();
  const late = [...parts.works].filter(([, { isCarried, sinceMs }]) => !isCarried && nowMs - sinceMs > lateMs);
  if (late.length === 0) return;
  const known = await DBOS.listWorkflows({ workflowIDs: late.map(([id]) => id), ...noValues });
  const resumed: string[] = [];
  for (const [id, work] of late) {
    const status = known.find(({ workflowID }) => workflowID === id)?.status ?? 'missing';
    if (!(await isOurs(parts, id))) finish(parts, id, work);
    else if (['SUCCESS', 'ERROR', 'missing'].includes(status)) carryWithout(parts, id, work, status);
    else resumed.push(id);
  }
  if (resumed.length === 0) return;
  await DBOS.resumeWorkflows(resumed, { queueName: parts.host });
  await claim(parts);
}

/** DBOS considers it over, but the store does not. */
function carryWithout(parts: Carrying, id: string, work: Work, status: string): void {
  parts.log.warn(`the workflow ${id} is ${status}, and its effect runs: it is carried without DBOS`);
  work.isCarried = true;
  void inProcess.carry(work.row, work.steps).finally(() => finish(parts, id, work));
}

/** Effects that a lost host had enqueued and does not run any more must not begin when it comes back. */
async function cancelOfLost(parts: Carrying): Promise<void> {
  const { DBOS } = parts.dbos;
  try {
    const lost = ((await parts.store.hosts?.list()) ?? []).filter(({ isAlive }) => !isAlive).map(({ name }) => name);
    if (lost.length === 0 || parts.isStopped) return;
    const open = await DBOS.listWorkflows({ queueName: lost, status: ['ENQUEUED', 'PENDING'], ...noValues });
    if (open.length === 0) return;
    const running = new Set((await parts.store.effects({ by: 'running' })).map(workflowIdOf));
    const over = open.map(({ workflowID }) => workflowID).filter((id) => !running.has(id));
    if (over.length > 0) await DBOS.cancelWorkflows(over);
  } catch (thrown) {
    parts.log.debug(`DBOS: the workflows of hosts that are gone: ${messageOf(thrown)}`);
  }
}

async function tidy(parts: Carrying): Promise<void> {
  const { DBOS } = parts.dbos;
  if (performance.now() - parts.tidiedMs < tidyEveryMs) return;
  parts.tidiedMs = performance.now();
  const completedBefore = new Date(Date.now() - keptMs).toISOString();
  const old = await DBOS.listWorkflows({ completedBefore, limit: tidyLimit, ...noValues });
  if (old.length > 0) await DBOS.deleteWorkflows(old.map(({ workflowID }) => workflowID));
  if (old.length === tidyLimit) parts.tidiedMs = Number.NEGATIVE_INFINITY;
}

const noValues = { loadInput: false, loadOutput: false, applicationName: application } as const;

/** Never resolves: the process ends first, or another workflow carries the effect. */
function never(): Promise<never> {
  return new Promise(() => {});
}

/** Stores that share a database each have their own. */
function dbosSchema(schema: string): string {
  return schema === 'public' ? 'dbos' : `${schema}_dbos`;
}

/** DBOS logs each try; the outbox and the store report what counts. */
function quiet(log: Log) {
  const line = (entry: unknown) => log.debug(`DBOS: ${messageOf(entry)}`);
  return { debug: () => {}, info: line, warn: line, error: line };
}

async function load() {
  try {
    const { DBOS } = (await import('@dbos-inc/dbos-sdk')).default;
    const { DBOSExecutor } = (await import('@dbos-inc/dbos-sdk/internal/dbos-executor')).default;
    const { wfQueueRunner } = (await import('@dbos-inc/dbos-sdk/internal/wfqueue')).default;
    const { workflowTimeoutConfig } = (await import('@dbos-inc/dbos-sdk/internal/workflow_management')).default;
    const { dbRetryConfig } = (await import('@dbos-inc/dbos-sdk/internal/utils')).default;
    const executor = () => DBOSExecutor.globalInstance;
    return { DBOS, executor, runner: wfQueueRunner, timeouts: workflowTimeoutConfig, retries: dbRetryConfig };
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : null;
    if (code !== 'ERR_MODULE_NOT_FOUND' && code !== 'ERR_PACKAGE_PATH_NOT_EXPORTED') throw cause;
    const hint =
      'install it as stator is: npm install -g @dbos-inc/dbos-sdk@5.3, or in the project that stator is a part of: npm install @dbos-inc/dbos-sdk@5.3';
    throw new StoreTrouble(
      'store_unreadable',
      'an engine whose store is in PostgreSQL needs the package @dbos-inc/dbos-sdk 5.3, which is not installed',
      hint,
    );
  }
}
