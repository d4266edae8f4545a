/**
 * A change of 50,000 lines in 300 files on the live page, in a real Chromium: how soon its first line is drawn, the memory of the page at its start and after
 * all of it was scrolled through, and the frames while that is done. `--json` prints one object.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { callSocket } from '../../dist/runtime/api/client/call.js';
import { createClient } from '../../dist/runtime/api/client/client.js';
import { readOwner } from '../../dist/runtime/core/store/sqlite/owner.js';
import { makeRepo, percentile, print, round } from './ground.mjs';
import { patienceMs, until } from './thousand.mjs';

const executablePath = process.env.STATOR_CHROMIUM ?? '/usr/bin/chromium';
const lines = Number(process.env.STATOR_BENCH_LINES ?? 50_000);
const files = Number(process.env.STATOR_BENCH_FILES ?? 300);
/** How far the window moves at each frame: a fast wheel. */
const pixelsPerFrame = 400;
/** Far more than 50,000 lines take: a page that never ends is a failure. */
const scrollMsMost = 180_000;

if (!existsSync(executablePath)) {
  console.error(`there is no Chromium at ${executablePath}: this part is left out`);
  if (process.argv.includes('--json')) console.log('{}');
  process.exit(0);
}
const root = mkdtempSync(join(tmpdir(), 'stator-bench-'));
const home = join(root, 'home');
mkdirSync(home, { mode: 0o700 });
writeFileSync(join(home, 'daemon.toml'), '[agents.default]\npreset = "sh"\n');
const env = { ...process.env, HOME: root, STATOR_HOME: home, XDG_RUNTIME_DIR: root, STATOR_SANDBOX: 'off' };
const main = join(import.meta.dirname, '../../dist/bin/stator.js');
const child = spawn(process.execPath, [main, 'daemon', 'start', '--foreground'], { env, stdio: 'ignore' });
const ended = new Promise((resolve) => child.once('exit', resolve));
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-dev-shm-usage'] });
try {
  await until(() => (readOwner(home)?.socketPath ?? null) !== null);
  const ask = callSocket(readOwner(home).socketPath, undefined);
  const client = createClient(ask, { note: null, close: async () => {} });
  await until(async () => (await client.status().catch(() => null))?.waiting === null);
  await client.addRepo(makeRepo(root, 'demo'), { trust: true });
  const each = Math.ceil(lines / files);
  // An engine asks before it takes more than 200 new files in one folder.
  const sh = `for f in $(seq 1000 ${999 + files}); do mkdir -p many$((f % 10)); seq 1 ${each} > many$((f % 10))/$f.txt; done`;
  const content = `# Many\n\n## Wave 1\n\n### Task 1: many files\n\n\`\`\`sh\n${sh}\n\`\`\`\n`;
  await client.registerPlan({ project: 'demo', plan: 'many', content });
  await client.send({ project: 'demo', plan: 'many', type: 'implement_start' });
  await until(async () => (await client.plan('demo', 'many')).status === 'done');

  const page = await browser.newPage({ viewport: { width: 1_280, height: 800 } });
  const { url } = await (await ask('POST', '/v1/inspect', { body: {} })).json();
  await page.goto(url);
  await page.locator('.connection.live').waitFor({ timeout: patienceMs });
  const begun = performance.now();
  await page.evaluate(() => {
    location.hash = '#/plan/demo/many/changes';
  });
  await page.locator('.code.added').first().waitFor({ timeout: patienceMs });
  const firstMs = performance.now() - begun;
  const cdp = await page.context().newCDPSession(page);
  await cdp.send('Performance.enable');
  const heap = async () => {
    await cdp.send('HeapProfiler.collectGarbage');
    const { metrics } = await cdp.send('Performance.getMetrics');
    return metrics.find(({ name }) => name === 'JSHeapUsedSize').value / 1_000_000;
  };
  const before = await heap();
  const { frames, scrolledMs } = await page.evaluate(
    ([by, mostMs]) =>
      new Promise((resolve, reject) => {
        const times = [];
        const begun = performance.now();
        let last = begun;
        const step = (now) => {
          times.push(now - last);
          last = now;
          scrollBy(0, by);
          const isAtEnd = scrollY + innerHeight >= document.documentElement.scrollHeight - 1;
          if (isAtEnd) resolve({ frames: times.slice(1), scrolledMs: now - begun });
          else if (now - begun > mostMs) reject(new Error(`its end was not reached in ${mostMs} ms`));
          else requestAnimationFrame(step);
        };
        requestAnimationFrame(step);
      }),
    [pixelsPerFrame, scrollMsMost],
  );
  // Its last lines are read when the window has come near them.
  await page
    .getByRole('region', { name: `many${(999 + files) % 10}/${999 + files}.txt` })
    .locator('.code.added')
    .first()
    .waitFor({ timeout: patienceMs });
  const drawn = await page.locator('.code').count();
  print('diff', {
    lines: each * files,
    files,
    'to the first line, ms': round(firstMs),
    'heap at first, MB': round(before),
    'to its end, s': round(scrolledMs / 1_000),
    'heap at its end, MB': round(await heap()),
    'lines in the document at its end': drawn,
    'frame, ms, median': round(percentile(frames, 0.5)),
    'frame, ms, p95': round(percentile(frames, 0.95)),
  });
} finally {
  await browser.close();
  child.kill('SIGTERM');
  await ended;
  rmSync(root, { recursive: true, force: true, maxRetries: 5 });
}
