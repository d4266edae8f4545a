/**
 * What ten watchers of the page cost the daemon: how many signals it handles in a second with them and without, by turns, and how much of a processor each
 * signal takes. A watcher reads the facts as they come and the fleet as often as the page does; all are in a process of their own. `--json` prints one object.
 */
import { execFileSync, fork } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRefresher } from '../../dist/page/refresh.js';
import { median, print, round } from './ground.mjs';
import { thousandPlans } from './thousand.mjs';

const plans = Number(process.env.STATOR_BENCH_PLANS ?? 1_000);
const turns = Number(process.env.STATOR_BENCH_TURNS ?? 12);
const watchers = 10;
const signals = Number(process.env.STATOR_BENCH_SIGNALS ?? 1_500);
const atOnce = 32;
const tickMs = 1_000 / Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));

/** In the other process: as page/main.ts does. */
async function watch(url, count) {
  const { origin, hash } = new URL(url);
  const headers = { authorization: `Bearer ${new URLSearchParams(hash.slice(1)).get('token')}` };
  const paths = ['/v1/plans', '/v1/instances?live=1', '/v1/queue/stats', '/v1/repos', '/v1/notifications'];
  let live = 0;
  for (let watcher = 0; watcher < count; watcher += 1) {
    const work = async () => {
      const fresh = await Promise.all(
        paths.map(async (path) => {
          const answer = await fetch(`${origin}${path}`, { headers });
          await answer.arrayBuffer();
          return Number(answer.headers.get('x-fresh-in-ms') ?? 0);
        }),
      );
      return Math.max(...fresh);
    };
    const refresher = createRefresher({ work, leastMs: 500, mostMs: 10_000 });
    const answer = await fetch(`${origin}/v1/events?calm=1`, { headers });
    await work();
    live += 1;
    refresher.wake();
    void (async () => {
      for await (const _ of answer.body) refresher.wake();
    })();
  }
  process.send({ live });
}

/** What a process took of all processors since it began. */
function processorMs(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
  return (Number(fields[11]) + Number(fields[12])) * tickMs;
}

if (process.argv[2] === 'watch') {
  await watch(process.argv[3], watchers);
} else {
  const bench = await thousandPlans(plans);
  try {
    const url = await bench.url();
    let sent = 0;
    const rate = async () => {
      const begun = performance.now();
      const spent = processorMs(bench.pid);
      let left = signals;
      const lane = async () => {
        while (left > 0) {
          left -= 1;
          const type = Math.floor(sent / plans) % 2 === 0 ? 'pause' : 'resume';
          const plan = bench.plans[sent % plans];
          sent += 1;
          await bench.client.send({ project: 'demo', plan, type });
        }
      };
      await Promise.all(Array.from({ length: atOnce }, lane));
      return {
        rate: signals / ((performance.now() - begun) / 1_000),
        cost: (processorMs(bench.pid) - spent) / signals,
      };
    };
    const watched = async () => {
      const child = fork(import.meta.filename, ['watch', url]);
      await new Promise((resolve) => child.once('message', resolve));
      const found = await rate();
      child.kill();
      await new Promise((resolve) => child.once('exit', resolve));
      return found;
    };
    await rate(); // the trees are awake after it
    const [alone, together] = [[], []];
    for (let turn = 0; turn < turns; turn += 1) {
      const [first, second] = turn % 2 === 0 ? [rate, watched] : [watched, rate];
      const found = [await first(), await second()];
      alone.push(found[turn % 2]);
      together.push(found[1 - (turn % 2)]);
    }
    const rates = (values) => values.map((each) => each.rate);
    const cost = (values) => median(values.map((each) => each.cost));
    // A turn is both, one right after the other: the machine is another a minute later.
    const pairs = (of) => median(alone.map((each, turn) => of(together[turn]) / of(each)));
    const noise = (values) => (Math.max(...values) - Math.min(...values)) / median(values);
    print('watchers', {
      plans,
      turns,
      'signals a second, alone': round(median(rates(alone))),
      [`signals a second, ${watchers} watchers`]: round(median(rates(together))),
      'falls by, %': round((1 - pairs((each) => each.rate)) * 100),
      'spread of the turns alone, %': round(noise(rates(alone)) * 100),
      'processor a signal, ms, alone': round(cost(alone)),
      [`processor a signal, ms, ${watchers} watchers`]: round(cost(together)),
      'processor rises by, %': round((pairs((each) => each.cost) - 1) * 100),
    });
  } finally {
    await bench.close();
  }
}
