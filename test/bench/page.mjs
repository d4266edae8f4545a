/**
 * The live page in a real Chromium, with a thousand plans under way that report a hundred facts a second: how soon its first row is shown, its memory, its
 * frames while it is scrolled, how soon a click is answered, and whether anything on it moves by itself. `--json` prints one object.
 */
import { existsSync } from 'node:fs';
import { chromium } from 'playwright-core';
import { median, percentile, print, round } from './ground.mjs';
import { thousandPlans } from './thousand.mjs';

const executablePath = process.env.STATOR_CHROMIUM ?? '/usr/bin/chromium';
const plans = Number(process.env.STATOR_BENCH_PLANS ?? 1_000);
const seconds = Number(process.env.STATOR_BENCH_SECONDS ?? 30);
const clicks = 20;
const framesMeasured = 300;
/** Two lines of the journal come of each. */
const signalsPerSecond = 50;
const atOnce = 32;

/** Pauses and resumes one plan after the other, at this pace where the daemon keeps up. */
function sendSteadily(client, names) {
  let sent = 0;
  const open = new Set();
  const begun = performance.now();
  const timer = setInterval(() => {
    const due = ((performance.now() - begun) / 1_000) * signalsPerSecond;
    while (sent < due && open.size < atOnce) {
      const round = Math.floor(sent / names.length);
      const one = client
        .send({ project: 'demo', plan: names[sent % names.length], type: round % 2 === 0 ? 'pause' : 'resume' })
        .finally(() => open.delete(one));
      open.add(one);
      sent += 1;
    }
  }, 20);
  return async () => {
    clearInterval(timer);
    await Promise.all(open);
  };
}

if (!existsSync(executablePath)) {
  console.error(`there is no Chromium at ${executablePath}: this part is left out`);
  if (process.argv.includes('--json')) console.log('{}');
  process.exit(0);
}
const bench = await thousandPlans(plans);
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-dev-shm-usage'] });
try {
  const page = await browser.newPage({ viewport: { width: 1_280, height: 800 } });
  await page.addInitScript(() => {
    window.shifts = [];
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries())
        window.shifts.push({
          value: entry.value,
          by: entry.hadRecentInput,
          at: entry.sources.map(({ node }) => node?.parentElement?.outerHTML.slice(0, 120) ?? ''),
        });
    }).observe({ type: 'layout-shift', buffered: true });
    window.facts = 0;
  });
  const url = await bench.url();
  const asked = performance.now();
  await page.goto(url);
  await page.locator('tbody tr').first().waitFor({ timeout: 60_000 });
  const firstMs = performance.now() - asked;
  const { client } = bench;
  const listening = new AbortController();
  let facts = 0;
  const counting = (async () => {
    for await (const _ of client.events({ signal: listening.signal })) facts += 1;
  })().catch(() => {}); // it is ended below
  const begun = performance.now();
  const stop = sendSteadily(client, bench.plans);
  await new Promise((resolve) => setTimeout(resolve, seconds * 1_000));

  const cdp = await page.context().newCDPSession(page);
  await cdp.send('Performance.enable');
  const heap = async () => {
    const { metrics } = await cdp.send('Performance.getMetrics');
    return metrics.find(({ name }) => name === 'JSHeapUsedSize').value / 1_000_000;
  };
  const used = await heap();
  const shifts = await page.evaluate(() => window.shifts);
  const frames = await page.evaluate(
    (count) =>
      new Promise((resolve) => {
        const times = [];
        let last = performance.now();
        const step = (now) => {
          times.push(now - last);
          last = now;
          // Down, and up again.
          scrollBy(0, times.length < count / 2 ? 40 : -40);
          if (times.length === count) resolve(times.slice(1));
          else requestAnimationFrame(step);
        };
        requestAnimationFrame(step);
      }),
    framesMeasured,
  );
  const times = [];
  for (let click = 0; click < clicks; click += 1)
    times.push(
      await page.evaluate(
        (name) =>
          new Promise((resolve) => {
            const button = [...document.querySelectorAll('.segments button')].find((each) =>
              each.textContent.startsWith(name),
            );
            const begun = performance.now();
            button.click();
            // Until the frame that shows it has been drawn.
            requestAnimationFrame(() => setTimeout(() => resolve(performance.now() - begun)));
          }),
        click % 2 === 0 ? 'waits' : 'all',
      ),
    );
  const factsPerSecond = facts / ((performance.now() - begun) / 1_000);
  await stop();
  listening.abort();
  await counting;
  await cdp.send('HeapProfiler.collectGarbage');
  const kept = await heap();
  const own = shifts.filter(({ by }) => !by);
  if (process.env.STATOR_BENCH_SHIFTS) console.error(JSON.stringify(own, null, 1));
  print('page', {
    plans,
    'facts a second': round(factsPerSecond),
    'to the first row, ms': round(firstMs),
    'frame, ms, median': round(percentile(frames, 0.5)),
    'frame, ms, p95': round(percentile(frames, 0.95)),
    'heap in use, MB': round(used),
    'heap after a collection, MB': round(kept),
    'click to drawn, ms, median': round(median(times)),
    'click to drawn, ms, slowest': round(Math.max(...times)),
    'layout shift (CLS)': round(own.reduce((sum, { value }) => sum + value, 0) * 1_000) / 1_000,
  });
} finally {
  await browser.close();
  await bench.close();
}
