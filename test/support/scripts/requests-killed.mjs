/**
 * Ten requests to five plans at once, each answer printed as a line of JSON; kills itself at a point of that. Its argument is JSON: `{home, point, nth}`.
 */
import { createEngine } from '../../../dist/bin/engine.js';

const { home, point, nth } = JSON.parse(process.argv[2]);
const log = { debug() {}, info() {}, warn() {}, error() {} };
let left = Number.POSITIVE_INFINITY;
const engine = await createEngine({
  home,
  log,
  agents: { default: { preset: 'sh' } },
  faults(reached) {
    if (reached !== point) return;
    left -= 1;
    if (left === 0) process.kill(process.pid, 'SIGKILL');
  },
});
left = nth;
const plans = ['a', 'b', 'c', 'd', 'e'];
await Promise.all(
  ['pause', 'resume'].flatMap((type) =>
    plans.map(async (plan) => {
      const { signal } = await engine.client.send({ project: 'demo', plan, type });
      process.stdout.write(`${JSON.stringify({ id: signal.id, status: signal.status })}\n`);
    }),
  ),
);
// Kills itself even if the point was not reached that often.
process.kill(process.pid, 'SIGKILL');
