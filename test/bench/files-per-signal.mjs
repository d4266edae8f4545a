/**
 * How many of our files one signal goes through, from its claim to its commit: every file that ran a function, as V8 counts them. And how many a person's `plan
 * cancel` goes through, from the command line over the socket to the printed verdict: those of the verb with its client, and those of the engine. `--json`
 * prints one object; `STATOR_BENCH_FILES=run_exited` (or `plan_cancel`) names the files of one.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { Session } from 'node:inspector/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { runProgram } from '../../dist/cli/program.js';
import { handleBatch } from '../../dist/runtime/core/inbox/transaction.js';
import { createEngine } from '../../dist/runtime/engine/engine.js';
import { layGround, makeRepo, openBenchCore, planText, print } from './ground.mjs';

const plans = 20;
const quietMs = 250;
const root = mkdtempSync(join(tmpdir(), 'stator-bench-'));

/** Our files that ran a function since the last call. */
async function filesRun(session) {
  const { result } = await session.post('Profiler.takePreciseCoverage');
  const hasRun = ({ functions }) => functions.some(({ ranges }) => ranges.some(({ count }) => count > 0));
  return result
    .filter((script) => /\/dist\/(machines|actors|runtime|cli)\//.test(script.url) && hasRun(script))
    .map(({ url }) => url.split('/dist/')[1]);
}

function newHome(name) {
  const home = join(root, name);
  mkdirSync(home, { mode: 0o700 });
  writeFileSync(join(home, 'daemon.toml'), '');
  return home;
}

/** The files that each cancel of another plan runs. The engine and the verb share this process: the files' folders show which of the two a file belongs to. */
async function cancels(session) {
  const env = { ...process.env, STATOR_HOME: newHome('person'), XDG_RUNTIME_DIR: root };
  const engine = await createEngine({
    home: env.STATOR_HOME,
    env,
    serve: true,
    log: { debug() {}, info() {}, warn() {}, error() {} },
  });
  const cwd = makeRepo(root, 'shop');
  const stream = { isTTY: false, write: () => true };
  const stator = (...argv) =>
    runProgram({ argv, env, cwd, stdin: process.stdin, stdout: stream, stderr: process.stderr });
  await stator('repo', 'add', '.', '--trust', '--quiet');
  const walks = [];
  for (let plan = 0; plan < 6; plan += 1) {
    const file = join(root, `cancelled-${plan}.md`);
    writeFileSync(file, planText(2));
    await stator('plan', 'register', file, '--quiet');
    await setTimeout(quietMs); // the rounds of the engine that follow a registration
    await filesRun(session);
    const code = await stator('plan', 'cancel', `cancelled-${plan}`);
    if (code !== 0) throw new Error(`plan cancel exited with ${code}`);
    walks.push(await filesRun(session));
  }
  await engine.stop();
  // The first one also loads what it needs. What only some of the others ran belongs to the engine's rounds beside them.
  const [second, ...others] = walks.slice(1);
  return second.filter((file) => others.every((walk) => walk.includes(file)));
}

/** The files that most of the walks ran: what few of them ran belongs to the rounds of the engine beside them. */
function usual(walks) {
  const counts = new Map();
  for (const file of walks.flat()) counts.set(file, (counts.get(file) ?? 0) + 1);
  return [...counts].flatMap(([file, count]) => (count > walks.length / 2 ? [file] : []));
}

const isOfVerb = (file) => /^cli\/|^runtime\/(api\/client\/|engine\/(attach|connect))/.test(file);

try {
  const home = newHome('home');
  await layGround({ home, repo: makeRepo(root, 'demo'), plans, tasks: 3 });
  const core = await openBenchCore(home);
  const { trees, cache, faults, projects, timeline, store } = core;
  const { policyOf, hooksOf } = projects;
  const parts = { store, trees, cache, faults, timeline, policyOf, hooksOf };
  const session = new Session();
  session.connect();
  await session.post('Profiler.enable');
  await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: false });
  const byType = new Map();
  for (;;) {
    await filesRun(session);
    const rows = await store.claim({ keptMs: timeline.nowMs(), wallMs: Date.now() }, { limit: 1 });
    if (rows.length === 0) break;
    await handleBatch(parts, rows, Date.now());
    const { type } = rows[0];
    byType.set(type, [...(byType.get(type) ?? []), await filesRun(session)]);
  }
  core.close();
  for (const [type, walks] of byType) byType.set(type, [usual(walks)]);
  const figures = Object.fromEntries([...byType].map(([type, [files]]) => [`${type}_files`, files.length]));
  const person = await cancels(session);
  byType.set('plan_cancel', [person]);
  const counted = (isMeant) => person.filter(isMeant).length;
  Object.assign(figures, {
    plan_cancel_files: counted(() => true),
    plan_cancel_files_of_the_verb: counted(isOfVerb),
    plan_cancel_files_of_the_engine: counted((file) => !isOfVerb(file)),
  });
  print('files-per-signal', figures);
  const named = byType.get(process.env.STATOR_BENCH_FILES)?.at(-1);
  if (named !== undefined) console.error(named.sort().join('\n'));
} finally {
  rmSync(root, { recursive: true, force: true });
}
