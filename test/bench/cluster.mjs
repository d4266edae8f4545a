/**
 * Several hosts on one PostgreSQL, beside SQLite in the same run: signals that wait in the inbox, handled by one, two and three hosts at once; what an idle
 * host asks of the database; how long after its commit an effect starts; how long after the death of a host its plan goes on. PostgreSQL waits for the disk
 * at each commit, as SQLite does. `--json` prints one object; `STATOR_BENCH_ROUNDS`: 3.
 */
import { execFile, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { createEngine } from '../../dist/runtime/engine/engine.js';
import { startPostgres } from '../../dist/scripts/postgres.js';
import { layGround, makeRepo, median, openBenchCore, print, round } from './ground.mjs';

const rounds = Number(process.env.STATOR_BENCH_ROUNDS ?? 3);
const plans = Number(process.env.STATOR_BENCH_PLANS ?? 60);
const tasks = 3;
const idleMs = 60_000;
const bin = join(import.meta.dirname, '../../dist/bin/stator.js');
const run = promisify(execFile);

/** One host, in a process of its own: lays what waits, says that it is ready, and handles it when it is told to. */
async function workAsHost(home, repo, project) {
  // Brings the schema up to date, and says which host this is.
  if (process.env.STATOR_STORE !== undefined) await (await createEngine({ home })).stop();
  await layGround({ home, repo, plans, tasks, project });
  const core = await openBenchCore(home);
  console.log('ready');
  for await (const _line of createInterface({ input: process.stdin })) break;
  const begun = performance.now();
  await core.pump.drain(project);
  const tookMs = performance.now() - begun;
  const count = (await core.store.signals({ project, limit: 1_000_000 })).length;
  core.close();
  console.log(JSON.stringify({ tookMs, count }));
}

function homeOf(root, name, settings) {
  const home = join(root, name);
  mkdirSync(home, { mode: 0o700, recursive: true });
  writeFileSync(join(home, 'daemon.toml'), settings.join('\n'));
  return home;
}

const shared = (name) => ['store = "env:STATOR_STORE"', '[host]', `name = "${name}"`];

/** Signals a second that these hosts handle, from the word that all of them get to the end of the last one. */
async function rateOf(hosts, env) {
  const workers = [];
  // One after the other: what one lays is not handled by another meanwhile.
  for (const { home, repo, project } of hosts) {
    const child = spawn(process.execPath, [import.meta.filename, 'host', home, repo, project], {
      env: { ...process.env, ...env },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    await lines.next();
    workers.push({ child, lines });
  }
  const begun = performance.now();
  for (const { child } of workers) child.stdin.end('go\n');
  let signals = 0;
  let lastMs = 0;
  for (const { lines } of workers) {
    const { value } = await lines.next();
    const { count, tookMs } = JSON.parse(value);
    signals += count;
    lastMs = Math.max(lastMs, tookMs);
  }
  await Promise.all(
    workers.map(({ child }) => child.exitCode ?? new Promise((resolve) => child.once('exit', resolve))),
  );
  return signals / (Math.min(lastMs, performance.now() - begun) / 1_000);
}

const percentile = (values, p) =>
  [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * p))] ?? 0;

function parentOf(pid) {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return Number(text.slice(text.lastIndexOf(')') + 2).split(' ')[1]);
}

const transactions = async (postgres, database) =>
  Number(
    (
      await postgres.query('postgres', 'SELECT xact_commit AS n FROM pg_stat_database WHERE datname = $1', [database])
    )[0].n,
  );

/** Two daemons: what they cost while idle, how fast effects start, and how long the plan of a lost one makes no progress. */
async function liveFigures(root, postgres) {
  await postgres.createDatabase('live');
  const store = postgres.urlOf('live');
  const bare = join(root, 'shop.git');
  execFileSync('git', ['init', '-q', '--bare', '-b', 'main', bare]);
  const agents = [
    'max_agents = 8',
    '[agents.default]',
    'preset = "sh"',
    'sandbox = "off"',
    '[agents.reviewer]',
    'enabled = false',
  ];
  const hosts = ['a', 'b'].map((name) => {
    const folder = join(root, `live-${name}`);
    mkdirSync(folder);
    const table = [...shared(name), `clones = "${join(folder, 'clones')}"`];
    const home = homeOf(folder, 'home', [table[0], agents[0], ...table.slice(1), ...agents.slice(1)]);
    writeFileSync(join(folder, '.gitconfig'), '[user]\nname = Ada\nemail = ada@example.com\n');
    return { folder, home, env: { ...process.env, HOME: folder, STATOR_HOME: home, STATOR_STORE: store } };
  });
  const stator = ({ env, folder }, ...words) => run(process.execPath, [bin, ...words], { env, cwd: folder });
  const [, b] = hosts;
  try {
    for (const host of hosts) await stator(host, 'daemon', 'start');
    const repo = makeRepo(b.folder, 'shop');
    execFileSync('git', ['remote', 'add', 'origin', bare], { cwd: repo });
    execFileSync('git', ['push', '-q', 'origin', 'main'], { cwd: repo });
    await stator(b, 'repo', 'add', repo, '--trust');
    await sleep(15_000);
    const before = await transactions(postgres, 'live');
    await sleep(idleMs);
    const idle = ((await transactions(postgres, 'live')) - before) / (idleMs / 60_000) / hosts.length;
    const pids = join(root, 'pids');
    const wait = `echo $$ >> '${pids}'; n=0; while [ ! -e '${root}/gate' ] && [ $n -lt 600 ]; do n=$((n+1)); sleep 0.1; done`;
    const task = (at, words) => `### Task ${at}: piece ${at}\n\n\`\`\`sh\n${words}\n\`\`\`\n`;
    const first = Array.from({ length: 24 }, (_, at) => task(at + 1, `echo ${at} > ${at}.txt`)).join('\n');
    writeFileSync(join(repo, 'p.md'), `# P\n\n## Wave 1\n\n${first}\n## Wave 2\n\n${task(1, wait)}`);
    await run(process.execPath, [bin, 'plan', 'register', 'p.md', '--trust', '--start'], { env: b.env, cwd: repo });
    const lines = () => (existsSync(pids) ? readFileSync(pids, 'utf8').trim().split('\n').length : 0);
    const until = async (holds) => {
      for (const untilMs = Date.now() + 120_000; !holds(); await sleep(20))
        if (Date.now() > untilMs) throw new Error('the plan does not go on');
    };
    await until(() => lines() === 1);
    const waits = (
      await postgres.query(
        'live',
        'SELECT started_at_epoch_ms - created_at AS ms FROM dbos.workflow_status WHERE started_at_epoch_ms IS NOT NULL',
      )
    ).map(({ ms }) => Number(ms));
    // Its refs are at the remote some moments after the merge.
    await sleep(3_000);
    // All that runs on it, as if the machine were off.
    const agent = Number(readFileSync(pids, 'utf8'));
    const daemon = JSON.parse(readFileSync(join(b.home, 'owner.json'), 'utf8')).pid;
    for (const pid of [daemon, parentOf(agent), agent]) process.kill(pid, 'SIGKILL');
    const diedMs = performance.now();
    await until(() => lines() === 2);
    return {
      idle_transactions_a_minute: Math.round(idle),
      commit_to_start_p50_ms: percentile(waits, 0.5),
      commit_to_start_p99_ms: percentile(waits, 0.99),
      death_to_going_on_s: round((performance.now() - diedMs) / 1_000),
    };
  } finally {
    writeFileSync(join(root, 'gate'), '');
    for (const host of hosts) await stator(host, 'daemon', 'stop', '--agents').catch(() => {});
  }
}

async function measure() {
  const root = mkdtempSync(join(tmpdir(), 'stator-bench-'));
  const postgres = await startPostgres({ isDurable: true });
  const rates = { sqlite: [], hosts_1: [], hosts_2: [], hosts_3: [] };
  try {
    for (let turn = 0; turn < rounds; turn += 1) {
      const folder = join(root, `turn-${turn}`);
      mkdirSync(folder);
      const host = (name, settings) => ({
        home: homeOf(folder, `home-${name}`, settings),
        repo: makeRepo(folder, name),
        project: name,
      });
      rates.sqlite.push(await rateOf([host('alone', [])], {}));
      for (const count of [1, 2, 3]) {
        const database = `turn${turn}_${count}`;
        await postgres.createDatabase(database);
        const hosts = Array.from({ length: count }, (_, at) => host(`h${count}${at}`, shared(`h${at}`)));
        rates[`hosts_${count}`].push(await rateOf(hosts, { STATOR_STORE: postgres.urlOf(database) }));
      }
    }
    const toSqlite = (name) => round(median(rates[name].map((rate, turn) => rate / rates.sqlite[turn])));
    print('cluster', {
      ...Object.fromEntries(
        Object.entries(rates).map(([name, values]) => [`${name}_signals_per_s`, Math.round(median(values))]),
      ),
      hosts_1_to_sqlite: toSqlite('hosts_1'),
      hosts_2_to_sqlite: toSqlite('hosts_2'),
      hosts_3_to_sqlite: toSqlite('hosts_3'),
      ...(await liveFigures(root, postgres)),
    });
  } finally {
    await postgres.stop();
    rmSync(root, { recursive: true, force: true, maxRetries: 5 });
  }
}

const [how, home, repo, project] = process.argv.slice(2);
await (how === 'host' ? workAsHost(home, repo, project) : measure());
