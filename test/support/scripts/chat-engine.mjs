/**
 * An engine over a home with a chat. Its argument is JSON: `{home, fault}`; `fault` is `{point, nth}`: this process kills itself there, at the nth time.
 * Prints `up`; stops when its input ends.
 */
import { createEngine } from '../../../dist/bin/engine.js';

const { home, fault } = JSON.parse(process.argv[2]);
let seen = 0;
function faults(point) {
  if (point !== fault?.point) return;
  seen += 1;
  if (seen === fault.nth) process.kill(process.pid, 'SIGKILL');
}
const engine = await createEngine({
  home,
  env: process.env,
  agents: { default: { preset: 'sh', attempts: 1 } },
  faults,
  waitForHomeMs: 5_000,
  chatLookMs: 20,
  hookRetryMs: Array.from({ length: 60 }, () => 20),
});
process.stdout.write('up\n');
process.stdin.on('end', () => void engine.stop());
process.stdin.resume();
