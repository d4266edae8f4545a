/**
 * An engine over a home with intakes. Its argument is JSON: `{home, fault, at}`; `fault` is `{point, nth}`: this process kills itself there, at the nth time;
 * `at` is the time that its clock begins with. Prints `up`; stops when its input ends.
 */
import { createEngine } from '../../../dist/bin/engine.js';

const { home, fault, at } = JSON.parse(process.argv[2]);
let seen = 0;
function faults(point) {
  if (point !== fault?.point) return;
  seen += 1;
  if (seen === fault.nth) process.kill(process.pid, 'SIGKILL');
}
const agents = { default: { preset: 'sh', attempts: 1 } };
const ahead = at === undefined ? 0 : Date.parse(at) - Date.now();
const clock = { nowMs: () => Date.now() + ahead };
const engine = await createEngine({
  home,
  clock,
  env: process.env,
  agents,
  faults,
  waitForHomeMs: 5_000,
  intakeLookMs: 20,
});
process.stdout.write('up\n');
process.stdin.on('end', () => void engine.stop());
process.stdin.resume();
