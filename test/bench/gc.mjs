/**
 * A thousand plans that ended long ago, half of them deleted: store, runs folder and refs before and after `gc`; and what a signal takes beside it, from
 * its sending to its verdict, with an engine that handles signals all the while. `STATOR_BENCH_PLANS` says another number.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import Database from 'better-sqlite3';
import { createEngine } from '../../dist/runtime/engine/engine.js';
import { makeRepo, percentile, print, round } from './ground.mjs';

const plans = Number(process.env.STATOR_BENCH_PLANS ?? 1_000);
const worktrees = Math.min(5, plans);
const baselineMs = 20_000;
const senders = 2;
/** Between two signals of one sender: an engine that does nothing but signals has no rest for anything. */
const pauseMs = 20;
const ageMs = 100 * 86_400_000;
const template = 'zzplanzz';
const root = mkdtempSync(join(tmpdir(), 'stator-bench-gc-'));
const home = join(root, 'home');
const repo = makeRepo(root, 'demo');
const git = (args, input) => execFileSync('git', args, { cwd: repo, input, encoding: 'utf8', maxBuffer: 1 << 28 });
const quiet = { debug() {}, info() {}, warn() {}, error: (text) => process.stderr.write(`${text}\n`) };
const log = process.env.STATOR_BENCH_LOG === undefined ? quiet : { ...quiet, info: console.error, warn: console.error };

function open() {
  const agents = { default: { preset: 'sh', attempts: 1 } };
  return createEngine({ home, log, agents, env: { ...process.env, STATOR_HOME: home, STATOR_SANDBOX: 'off' } });
}

async function until(isSo) {
  while (!(await isSo())) await new Promise((resolve) => setTimeout(resolve, 25));
}

const content = (sh) =>
  `# Bench\n\n**Goal:** measure\n\n## Wave 1\n### Task 1: one\n\`\`\`sh\n${sh}\n\`\`\`\n### Task 2: two\n\`\`\`sh\nexit 1\n\`\`\`\n`;

/** One plan that is worked on for real, with a task that failed; and one that takes signals later. */
async function layTemplate() {
  mkdirSync(home, { mode: 0o700 });
  writeFileSync(join(home, 'daemon.toml'), 'blueprint_skip_threshold = 0\n');
  const engine = await open();
  const { client } = engine;
  await client.addRepo(repo, { trust: true, way: 'api' });
  for (const plan of [template, 'busy'])
    await client.registerPlan({ project: 'demo', plan, content: content('echo one >one') });
  await client.send({ project: 'demo', plan: template, type: 'implement_start' });
  const planIs = (test) => until(async () => test(await client.plan('demo', template)));
  await planIs(({ phase }) => phase === 'wave_waiting');
  await client.send({ project: 'demo', plan: template, type: 'advance_wave' });
  await planIs(({ status }) => status === 'done');
  await until(() => !git(['for-each-ref', 'refs/stator/owned']).includes('w1-t1'));
  await engine.stop();
}

const names = Array.from({ length: plans }, (_, index) => `plan-${String(index).padStart(5, '0')}`);

/** The rows of the template under each name, and all of them so old that they may go. */
function multiplyRows() {
  const db = new Database(join(home, 'taskstore.db'));
  db.pragma('foreign_keys = OFF');
  db.pragma('synchronous = OFF');
  const tables = { plans: 0, trees: 0, signals: 1, journal: 1, effects: 1, runs: 0, launches: 0, notifications: 1 };
  db.transaction(() => {
    for (const [table, isNumbered] of Object.entries(tables)) {
      const columns = db.prepare('SELECT name, type FROM pragma_table_info(?)').all(table).slice(isNumbered);
      const has = columns
        .filter(({ type }) => type === 'TEXT')
        .map(({ name }) => `${name} LIKE '%${template}%'`)
        .join(' OR ');
      const values = columns.map(({ name, type }) =>
        type === 'TEXT' ? `replace(${name}, '${template}', :plan)` : name,
      );
      const copy = db.prepare(
        `INSERT OR IGNORE INTO ${table} (${columns.map(({ name }) => name).join(', ')}) SELECT ${values.join(', ')} FROM ${table} WHERE ${has}`,
      );
      for (const plan of names) copy.run({ plan });
    }
    for (const table of Object.keys(tables))
      for (const { name } of db.prepare("SELECT name FROM pragma_table_info(?) WHERE type = 'INTEGER'").all(table))
        if (name === 'at' || name.endsWith('_at'))
          db.exec(`UPDATE ${table} SET ${name} = ${name} - ${ageMs} WHERE ${name} > ${ageMs}`);
    const half = names.slice(0, plans / 2);
    for (const plan of half) {
      db.prepare('UPDATE plans SET deleted_at = updated_at WHERE plan = ?').run(plan);
      db.prepare('DELETE FROM trees WHERE address = ?').run(`plan:demo/${plan}`);
    }
  })();
  db.close();
}

/** Folders, and refs with commits of their own: nine of ten plans were pushed. */
function multiplyFiles() {
  const runs = join(home, 'runs');
  for (const folder of readdirSync(runs))
    for (const plan of names)
      cpSync(join(runs, folder), join(runs, folder.replace(template, plan)), { recursive: true });
  const seconds = Math.floor((Date.now() - ageMs) / 1000);
  const lines = names.flatMap((plan, index) => {
    const refs = [
      `refs/heads/plan/${plan}`,
      `refs/stator/attempts/${plan}#wave-1.2#task-1.1#agent#1#demo`,
      `refs/stator/attempts/${plan}#wave-1.2#task-2.1#agent#1#demo`,
    ];
    const commits = refs.map(
      (ref) =>
        `commit ${ref}\ncommitter Ada <ada@example.com> ${seconds} +0000\ndata 4\nwork\nfrom refs/heads/main^0\nM 644 inline ${plan}\ndata ${ref.length}\n${ref}\n`,
    );
    const resets = [
      `refs/heads/plan/${plan}-w1-t2`,
      `refs/stator/owned/plan/${plan}`,
      `refs/stator/owned/plan/${plan}-w1-t2`,
    ]
      .concat(index % 10 === 0 ? [] : [`refs/remotes/origin/plan/${plan}`])
      .map(
        (ref) => `reset ${ref}\nfrom ${ref.includes('-w1-t2') ? 'refs/heads/main^0' : `refs/heads/plan/${plan}`}\n\n`,
      );
    return [...commits, ...resets];
  });
  git(['fast-import', '--quiet'], lines.join(''));
  for (const plan of names.slice(0, worktrees)) {
    const branch = `plan/${plan}-w1-t2`;
    git([
      'worktree',
      'add',
      '-q',
      '--lock',
      '--reason',
      `stator: ${branch}`,
      join('.worktrees', branch.replace('/', '-')),
      branch,
    ]);
  }
}

/** Signals one after the other, of some senders, until `work` has ended: milliseconds each, and the longest time that the engine's thread was blocked. */
async function latencies(client, work) {
  const times = [];
  const loop = monitorEventLoopDelay({ resolution: 1 });
  loop.enable();
  let isOver = false;
  const over = work().finally(() => {
    isOver = true;
  });
  const send = async () => {
    for (let turn = 0; !isOver; turn += 1) {
      const begun = performance.now();
      await client.send({ project: 'demo', plan: 'busy', type: turn % 2 === 0 ? 'pause' : 'resume' });
      times.push(performance.now() - begun);
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  };
  const begun = performance.now();
  await Promise.all(Array.from({ length: senders }, send));
  const answer = await over;
  loop.disable();
  return { times, stallMs: loop.max / 1e6, tookMs: performance.now() - begun, answer };
}

function refCount() {
  return git(['for-each-ref', '--format=x']).split('\n').length - 1;
}

try {
  await layTemplate();
  multiplyRows();
  multiplyFiles();
  const engine = await open();
  const { client } = engine;
  const refs = [refCount()];
  await latencies(client, () => new Promise((resolve) => setTimeout(resolve, 1_000)));
  const without = await latencies(client, () => new Promise((resolve) => setTimeout(resolve, baselineMs)));
  const beside = await latencies(client, () => client.gc({ dry: false, older_than_ms: 0, overrides: ['unmerged'] }));
  const again = await latencies(client, () => new Promise((resolve) => setTimeout(resolve, baselineMs)));
  refs.push(refCount());
  const { disk, items } = beside.answer;
  const gone = (kind) =>
    items.filter((item) => item.kind === kind && item.state === 'gone').reduce((sum, { count }) => sum + count, 0);
  const figures = (name, { times, stallMs }) => ({
    [`${name}: signals`]: times.length,
    [`${name}: p50 ms`]: round(percentile(times, 0.5)),
    [`${name}: p99 ms`]: round(percentile(times, 0.99)),
    [`${name}: max ms`]: round(Math.max(...times)),
    [`${name}: longest stall ms`]: round(stallMs),
  });
  print('gc', {
    plans,
    'store before, bytes': disk.before.store,
    'store after, bytes': disk.after.store,
    'runs before, bytes': disk.before.runs,
    'runs after, bytes': disk.after.runs,
    'refs before': refs[0],
    'refs after': refs[1],
    'run folders gone': gone('run_folder'),
    'worktrees gone': gone('worktree'),
    'branches gone': gone('branch'),
    'refs gone': gone('ref'),
    'rows gone': gone('rows'),
    'gc took, s': round(beside.tookMs / 1000),
    ...figures('without', without),
    ...figures('beside gc', beside),
    ...figures('after', again),
  });
  await engine.stop();
} finally {
  rmSync(root, { recursive: true, force: true });
}
