/**
 * How fast hooks are called: deliveries a second of an engine that finds a backlog of many plans, beside a bare loop of the same requests, as many at once,
 * from this process. The receiver is a process of its own and answers at once. `--json` prints one object.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from '../../dist/runtime/engine/connect.js';
import { createEngine } from '../../dist/runtime/engine/engine.js';
import { makeRepo, print, round } from './ground.mjs';

const plans = Number(process.env.STATOR_BENCH_PLANS ?? 100);
const rounds = Number(process.env.STATOR_BENCH_ROUNDS ?? 5);
const atOnce = 4;
const root = mkdtempSync(join(tmpdir(), 'stator-bench-'));
const say = () => {};
const log = { debug: say, info: say, warn: say, error: say };

const receiver = spawn(
  process.execPath,
  [
    '-e',
    `let count = 0;
    const server = require('node:http').createServer((ask, answer) => {
      if (ask.method === 'GET') return answer.end(String(count));
      ask.resume().on('end', () => { count += 1; answer.writeHead(204).end(); });
    });
    server.listen(0, '127.0.0.1', () => console.log(server.address().port));`,
  ],
  { stdio: ['ignore', 'pipe', 'inherit'] },
);
const port = Number(await new Promise((resolve) => receiver.stdout.once('data', (text) => resolve(String(text)))));
const url = `http://127.0.0.1:${port}/`;

function post(body) {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method: 'POST', agent: false, headers: { 'content-type': 'application/json' } });
    sent.on('response', (answer) => answer.resume().on('end', resolve)).on('error', reject);
    sent.end(body);
  });
}
const counted = async () => Number(await (await fetch(url)).text());

async function bare(count) {
  const body = JSON.stringify({ event: 'cancel', filler: 'x'.repeat(300) });
  const begun = performance.now();
  let left = count;
  const loop = async () => {
    while (left-- > 0) await post(body);
  };
  await Promise.all(Array.from({ length: atOnce }, loop));
  return (count / (performance.now() - begun)) * 1000;
}

async function stateOf(home, env) {
  const before = await counted();
  const all = plans * rounds * 2;
  const begun = performance.now();
  const engine = await createEngine({ home, env, log });
  while ((await counted()) - before < all) await new Promise((resolve) => setTimeout(resolve, 20));
  const rate = (all / (performance.now() - begun)) * 1000;
  await engine.stop();
  return rate;
}

try {
  const home = join(root, 'home');
  mkdirSync(home, { mode: 0o700 });
  const env = { ...process.env, STATOR_HOME: home };
  const repo = makeRepo(root, 'demo');
  mkdirSync(join(repo, '.stator'));
  const hook = `[[hooks]]\ntype = "webhook"\nname = "bench"\nurl = "${url}"\nallow_private = true\nevents = ["cancel", "reopen"]\n`;
  writeFileSync(join(repo, '.stator', 'config.toml'), `[agents.default]\npreset = "sh"\n${hook}`);
  // An engine of one verb writes rows and delivers nothing: that makes the backlog.
  const client = await connect({ env, mode: 'write' });
  await client.addRepo(repo, { trust: true });
  const content = '# A\n\n## Wave 1\n\n### Task 1: x\n\n```sh\ntrue\n```\n';
  for (let plan = 0; plan < plans; plan += 1) await client.registerPlan({ project: 'demo', plan: `p${plan}`, content });
  for (let turn = 0; turn < rounds; turn += 1) {
    for (const type of ['cancel', 'reopen']) {
      for (let plan = 0; plan < plans; plan += 1)
        await client.send({ project: 'demo', plan: `p${plan}`, type, waitMs: 1000 });
    }
  }
  await client.close();
  const loop = await bare(1000);
  const engine = await stateOf(home, env);
  print('hooks', {
    'a bare loop, requests/s': round(loop),
    'deliveries/s': round(engine),
    'delivered to bare': round(engine / loop),
  });
} finally {
  receiver.kill();
  rmSync(root, { recursive: true, force: true });
}
