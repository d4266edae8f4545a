/**
 * How many of our files one signal goes through, from its claim to its commit: every file of which a function ran, as V8 counts them. `--json` prints one
 * object; `STATOR_BENCH_FILES=run_exited` names the files of that type.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { Session } from 'node:inspector/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { handleBatch } from '../../dist/runtime/core/inbox/transaction.js';
import { layGround, makeRepo, median, openBenchCore, print } from './ground.mjs';

const plans = 20;
const root = mkdtempSync(join(tmpdir(), 'stator-bench-'));

/** Our files of which a function ran since the last call. */
async function filesRun(session) {
  const { result } = await session.post('Profiler.takePreciseCoverage');
  const hasRun = ({ functions }) => functions.some(({ ranges }) => ranges.some(({ count }) => count > 0));
  return result
    .filter((script) => /\/dist\/(machines|actors|runtime)\//.test(script.url) && hasRun(script))
    .map(({ url }) => url.split('/dist/')[1]);
}

try {
  const home = join(root, 'home');
  mkdirSync(home, { mode: 0o700 });
  writeFileSync(join(home, 'daemon.toml'), '');
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
  const figures = [...byType].map(([type, walks]) => [`${type}_files`, median(walks.map(({ length }) => length))]);
  print('files-per-signal', Object.fromEntries(figures));
  const named = byType.get(process.env.STATOR_BENCH_FILES)?.at(-1);
  if (named !== undefined) console.error(named.sort().join('\n'));
} finally {
  rmSync(root, { recursive: true, force: true });
}
