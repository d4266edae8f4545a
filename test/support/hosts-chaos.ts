/**
 * Several hosts work on plans while everything between and below them fails; then all failures end, and the test proves that nothing was lost or done
 * twice.
 */
import { appendFileSync, copyFileSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'vitest';
import { planOf } from './cli.ts';
import { isReady, startDaemonProcess } from './fleet.ts';
import { git, until } from './ground.ts';
import { clonesFolder, hostAt, type hostsGround, must, remoteOf } from './hosts.ts';
import {
  type Acknowledged,
  askAnyHost,
  type ChaosHost,
  makeTrouble,
  type PlanName,
  pauseAndResume,
} from './hosts-moves.ts';
import {
  type Ask,
  countAgents,
  expectLimitKept,
  expectNothingOpen,
  expectRunsAlone,
  expectSignalsOnce,
  expectTasksOnce,
  readLines,
} from './hosts-proof.ts';
import { linkTo } from './link.ts';
import { randomOf } from './random.ts';

const names = ['a', 'b', 'c'] as const;
const maxAgents = 4;
/** More attempts than any round uses up. */
const attempts = 40;
const tasksOfWaves = [2, 2, 2] as const;
const files = tasksOfWaves.flatMap((count, wave) => Array.from({ length: count }, (_, task) => `t${wave}-${task}.txt`));

interface Round {
  readonly seed: number;
  readonly plansOfHost: number;
  readonly movesOfHost: number;
}

/** One round with its own hosts, repositories and database. An error contains its seed, and where the logs are. */
export async function playRound(ground: Awaited<ReturnType<typeof hostsGround>>, round: Round): Promise<void> {
  const { seed } = round;
  const random = randomOf(seed);
  const ledger = join(mkdtempSync(join(tmpdir(), 'stator-chaos-')), 'ledger');
  writeFileSync(ledger, '');
  const hosts: ChaosHost[] = [];
  const url = await ground.emptyStore();
  const database = ground.database();
  const ask: Ask = (text, values) => ground.server.query(database, text, values);
  try {
    for (const name of names) hosts.push(await createHost(url, name));
    await countAgents(ask);
    const remotes = new Map<string, string>();
    for (const host of hosts) remotes.set(host.project, await addRepo(host));
    const plans = await startPlans(hosts, { ledger, random, plansOfHost: round.plansOfHost });
    const acknowledged = await throughTrouble({
      ...ground,
      hosts,
      ask,
      ledger,
      random,
      plans,
      moves: round.movesOfHost,
    });
    await prove({ hosts, ask, ledger, plans, remotes, acknowledged });
  } catch (thrown) {
    const folder = await keep({ hosts, ask, ledger });
    const said = thrown instanceof Error ? thrown.message : String(thrown);
    throw new Error(`STATOR_CRASH_SEED=${seed}, logs in ${folder}: ${said}`, { cause: thrown });
  }
}

/** Stores everything that a person needs to find the fault. */
async function keep({
  hosts,
  ask,
  ledger,
}: {
  hosts: readonly ChaosHost[];
  ask: Ask;
  ledger: string;
}): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'stator-chaos-failed-'));
  copyFileSync(ledger, join(folder, 'ledger'));
  for (const { name, home, daemon } of hosts) {
    copyFileSync(join(home, 'daemon.log'), join(folder, `${name}.log`));
    writeFileSync(join(folder, `${name}.err`), daemon.stderr());
  }
  for (const table of [
    'plans',
    'runs',
    'effects',
    'signals',
    'journal',
    'trees',
    'hosts',
    'repo_hosts',
    'dbos.workflow_status',
  ]) {
    const rows = await ask(`SELECT * FROM ${table}`).catch(() => []); // the database may be away
    writeFileSync(join(folder, table), rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  }
  return folder;
}

async function createHost(url: string, name: string): Promise<ChaosHost> {
  const link = await linkTo(url);
  const own = hostAt(link.url, name, { host: [clonesFolder().line], maxAgents, attempts });
  return { ...own, link, daemon: await startDaemonProcess(own) };
}

/** Waits until the host's newest daemon works; fails if it has ended by itself. */
async function untilReady(host: ChaosHost): Promise<void> {
  await until(
    async () => {
      const { child, stderr } = host.daemon;
      if (child.exitCode !== null) throw new Error(`the daemon of ${host.name} ended: ${stderr()}`);
      return host.owner()?.pid === child.pid && (await isReady(host));
    },
    () => host.daemon.stderr(),
  );
}

async function addRepo(host: ChaosHost): Promise<string> {
  const remote = remoteOf(host);
  await host.client().addRepo(host.path, { trust: true });
  return remote;
}

/** An agent that records its start, its work and its end in the common order of all agents; its run is in the file that it writes. */
function taskOf({ ledger, file, ticks }: { ledger: string; file: string; ticks: number }): string {
  return [
    `say() { echo "$1 $STATOR_HOME $STATOR_RUN" >> '${ledger}'; }`,
    'say begin',
    `n=0; while [ $n -lt ${ticks} ]; do n=$((n+1)); sleep 0.2; say tick; done`,
    `echo "$STATOR_RUN" > ${file}`,
    'say end',
  ].join('\n');
}

/** Most agents take a second, and some outlive their host's failures. */
function planText(ledger: string, random: () => number): string {
  const ticks = () => Math.ceil(random() < 0.8 ? random() * 10 : 20 + random() * 60);
  const waves = tasksOfWaves.map((count, wave) =>
    Array.from({ length: count }, (_, task) => taskOf({ ledger, file: `t${wave}-${task}.txt`, ticks: ticks() })),
  );
  return planOf(...waves);
}

async function startPlans(
  hosts: readonly ChaosHost[],
  { ledger, random, plansOfHost }: { ledger: string; random: () => number; plansOfHost: number },
): Promise<PlanName[]> {
  const plans: PlanName[] = [];
  for (let number = 1; number <= plansOfHost; number += 1)
    for (const host of hosts) {
      const plan = { project: host.project, plan: `p${number}` };
      await host.client().registerPlan({ ...plan, content: planText(ledger, random) });
      await host.client().send({ ...plan, type: 'implement_start' });
      plans.push(plan);
    }
  return plans;
}

interface Course {
  readonly hosts: readonly ChaosHost[];
  readonly server: Parameters<typeof makeTrouble>[0]['server'];
  readonly ask: Ask;
  readonly ledger: string;
  readonly random: () => number;
  readonly plans: readonly PlanName[];
  readonly moves: number;
}

/** Waits until all failures have happened, and then until all plans are done. Returns people's requests in the meantime. */
async function throughTrouble({ hosts, server, ask, ledger, random, plans, moves }: Course): Promise<Acknowledged[]> {
  const over = new AbortController();
  const note = (...words: readonly string[]) => appendFileSync(ledger, `${words.join(' ')}\n`);
  const noteHost = (word: string, name: string, ...more: readonly string[]) => {
    const home = hosts.find((host) => host.name === name)?.home;
    note(word, word === 'down' || word === 'up' ? (home ?? name) : name, ...more);
  };
  const open = async () =>
    (await ask(`SELECT project, plan, status, blocked FROM plans WHERE status <> 'done'`)) as unknown as (PlanName & {
      status: string;
      blocked: string | null;
    })[]; // columns of that table
  const people = pauseAndResume({ hosts, random, over: over.signal }, plans);
  const watched = untilDone(open, over);
  try {
    await Promise.race([
      makeTrouble({ hosts, server, random, moves, note: noteHost, over: over.signal }),
      people.then(() => {}),
    ]);
  } finally {
    over.abort();
    await watched;
  }
  const acknowledged = await people;
  note('well');
  for (const host of hosts) await untilReady(host);
  for (const plan of plans)
    acknowledged.push(
      await askAnyHost({ hosts, random }, { ...plan, type: 'resume', key: `last-${plan.project}-${plan.plan}` }),
    );
  await untilAllDone(open, { hosts, ask });
  return acknowledged;
}

/** Ends the failures if the plans are done before. */
async function untilDone(open: () => Promise<readonly unknown[]>, over: AbortController): Promise<void> {
  while (!over.signal.aborted) {
    const left = await open().catch(() => null); // the database may be away
    if (left?.length === 0) over.abort();
    await delay(500, null, { signal: over.signal }).catch(() => {}); // it is over
  }
}

/** Waits as long as the journal grows: a busy machine may take long. */
async function untilAllDone(
  open: () => Promise<readonly (PlanName & { readonly blocked: string | null })[]>,
  { hosts, ask }: Pick<Course, 'hosts' | 'ask'>,
): Promise<void> {
  const lines = async () => Number((await ask('SELECT count(*) AS lines FROM journal'))[0]?.lines);
  for (let left = await open(); left.length > 0; left = await open()) {
    const blocked = left.filter((plan) => plan.blocked !== null);
    if (blocked.length > 0) throw new Error(`these wait for a person: ${JSON.stringify(blocked)}`);
    const [known, count] = [await lines(), left.length];
    await until(
      async () => (await lines()) > known || (await open()).length < count,
      () => explain(hosts, open),
    );
  }
}

async function explain([host]: readonly ChaosHost[], open: () => Promise<readonly PlanName[]>): Promise<string> {
  const texts = (await open()).map(({ project, plan }) => host?.ask('plan', 'explain', plan, '--project', project));
  return (await Promise.all(texts)).map((said) => `${said?.stdout}${said?.stderr}`).join('\n');
}

interface Proof {
  readonly hosts: readonly ChaosHost[];
  readonly ask: Ask;
  readonly ledger: string;
  readonly plans: readonly PlanName[];
  /** By project. */
  readonly remotes: ReadonlyMap<string, string>;
  readonly acknowledged: readonly Acknowledged[];
}

async function prove({ hosts, ask, ledger, plans, remotes, acknowledged }: Proof): Promise<void> {
  const [first] = hosts;
  const openEffects = () => ask(`SELECT key, kind, error FROM effects WHERE status IN ('queued', 'running')`);
  await until(
    async () => (await openEffects()).length === 0,
    async () => JSON.stringify(await openEffects()),
  );
  expectRunsAlone(readLines(readFileSync(ledger, 'utf8')));
  await expectLimitKept(ask, maxAgents);
  await expectSignalsOnce(ask, acknowledged);
  await expectNothingOpen(ask);
  const repos = (await first?.client().repos()) ?? [];
  for (const plan of plans) {
    const path = repos.find(({ project }) => project === plan.project)?.path ?? '';
    await expectTasksOnce(ask, { path, plan, files });
    const shared = `refs/stator/shared/${plan.project}/${plan.plan}/heads/plan/${plan.plan}`;
    const there = git(remotes.get(plan.project) ?? '', 'for-each-ref', '--format=%(objectname)', shared);
    expect(there, `${plan.project}/${plan.plan} at the remote`).toBe(git(path, 'rev-parse', `plan/${plan.plan}`));
  }
  for (const host of hosts)
    expect(JSON.parse(await must(host.ask('plan', 'verify', '--all', '--json')))).toMatchObject({ ok: true });
}
