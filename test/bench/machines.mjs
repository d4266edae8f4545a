/**
 * What a signal to a user-defined machine with four states costs, beside one to a plan, over the same pump and store in one run; and what it takes to load the
 * package. Machines are shared and noisy, so the ratios are what counts. `--json` prints one object.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { assign, setup } from 'xstate';
import { machineTree } from '../../dist/machines/vocabulary/ids.js';
import { defineMachine } from '../../dist/runtime/engine/engine.js';
import { layGround, makeRepo, median, openBenchCore, print, round } from './ground.mjs';

const trees = 200;
const signals = 15;
const rounds = 5;
const root = mkdtempSync(join(tmpdir(), 'stator-bench-'));

const machine = setup({
  actions: { count: assign({ steps: ({ context }) => context.steps + 1 }), ask: () => {} },
}).createMachine({
  id: 'lamp',
  context: { steps: 0 },
  initial: 'a',
  states: {
    a: { on: { next: { target: 'b', actions: 'count' } } },
    b: { on: { next: { target: 'c', actions: 'count' } } },
    c: { on: { next: { target: 'd', actions: ['count', 'ask'] } } },
    d: { on: { next: { target: 'a', actions: 'count' } } },
  },
});
const lamp = defineMachine({
  name: 'lamp',
  machine,
  version: 1,
  effects: { ask: { afterMs: 3_600_000, event: 'next' } },
});

let copies = 0;
function copyOf(home) {
  copies += 1;
  const copy = join(root, `home-${copies}`);
  cpSync(home, copy, { recursive: true });
  return copy;
}

/** Signals of that inbox a second. */
async function rateOf(home, wake) {
  const core = await openBenchCore(home, [lamp]);
  for (let index = 0; index < trees; index += 1) await core.cache.get(wake(index));
  const before = await core.store.lastLine();
  const begun = performance.now();
  await core.pump.drain();
  const took = performance.now() - begun;
  const lines = (await core.store.lastLine()) - before;
  core.close();
  return { took, lines };
}

async function layLamps(home) {
  const core = await openBenchCore(home, [lamp]);
  const at = Date.now();
  const ids = Array.from({ length: trees }, (_, index) => machineTree('lamp', `t${index}`));
  const insert = (tree, type) => ({ do: 'signal.insert', tree, type, payload: {}, origin: 'person', at });
  await core.store.commit(ids.map((tree) => insert(tree, 'machine_started')));
  await core.pump.drain();
  for (let nth = 0; nth < signals; nth += 1) await core.store.commit(ids.map((tree) => insert(tree, 'next')));
  core.close();
}

/** Milliseconds and bytes of heap that loading a package takes a process of its own. */
function loading(name) {
  const script = `const begun = performance.now(); await import('${name}'); globalThis.gc();
    console.log(JSON.stringify([performance.now() - begun, process.memoryUsage().heapUsed]))`;
  const run = () =>
    JSON.parse(
      execFileSync(process.execPath, ['--expose-gc', '--input-type=module', '-e', script], {
        cwd: join(import.meta.dirname, '../..'),
        encoding: 'utf8',
      }),
    );
  const all = Array.from({ length: rounds }, run);
  return { ms: median(all.map(([ms]) => ms)), bytes: median(all.map(([, bytes]) => bytes)) };
}

try {
  const plans = join(root, 'plans');
  const lamps = join(root, 'lamps');
  for (const home of [plans, lamps]) {
    mkdirSync(home, { mode: 0o700 });
    writeFileSync(join(home, 'daemon.toml'), '');
  }
  await layGround({ home: plans, repo: makeRepo(root, 'demo'), plans: trees, tasks: 3 });
  await layLamps(lamps);
  const ofPlans = [];
  const ofLamps = [];
  const inbox = trees * 3 * 5;
  for (let nth = 0; nth < rounds; nth += 1) {
    ofPlans.push(inbox / ((await rateOf(copyOf(plans), (index) => `plan:demo/plan-${index}`)).took / 1_000));
    const { took } = await rateOf(copyOf(lamps), (index) => machineTree('lamp', `t${index}`));
    ofLamps.push((trees * signals) / (took / 1_000));
  }
  const { ms, bytes } = loading('stator');
  const beside = loading('xstate');
  print('machines', {
    plan_signals_per_s: Math.round(median(ofPlans)),
    own_signals_per_s: Math.round(median(ofLamps)),
    own_to_plan: round(median(ofLamps.map((rate, index) => rate / ofPlans[index]))),
    import_ms: Math.round(ms),
    import_heap_bytes: bytes,
    import_to_xstate: round(ms / beside.ms),
    import_heap_to_xstate: round(bytes / beside.bytes),
  });
} finally {
  rmSync(root, { recursive: true, force: true });
}
