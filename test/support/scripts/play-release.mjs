/**
 * Plays the tree `1.2` of a machine `release` to its end in an engine that kills itself the `nth` time that it comes to `point`. It begins the tree, says
 * `approve` once, and prints where it ended, what it knows, and its history. The argument of the process is JSON: `{home, ledger, point, nth}`.
 */
import { createEngine } from '../../../dist/bin/engine.js';

export const { home, ledger, point = null, nth = 1 } = JSON.parse(process.argv[2]);

export async function playRelease(definition, input) {
  let seen = 0;
  const faults = (at) => {
    if (at !== point) return;
    seen += 1;
    if (seen === nth) process.kill(process.pid, 'SIGKILL');
  };
  const engine = await createEngine({ home, env: process.env, machines: [definition], faults, waitForHomeMs: 5_000 });
  const tree = engine.machines.release;
  await tree.start('1.2', input);
  if ((await tree.get('1.2')).value === 'asking')
    await tree.send('1.2', { type: 'approve' }, { dedupeKey: 'approve 1.2' });
  while ((await tree.get('1.2')).status === 'active') await new Promise((resolve) => setTimeout(resolve, 10));
  const { value, context } = await tree.get('1.2');
  process.stdout.write(`${JSON.stringify({ value, context, lines: await tree.history('1.2') })}\n`);
  await engine.stop();
}
