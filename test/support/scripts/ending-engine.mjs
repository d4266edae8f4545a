/**
 * An engine with the machine of ending.mjs that kills itself where a tree ends it. The argument of the process is JSON: `{home, start, minutesPass}`;
 * `start`: the trees to begin; `minutesPass`: timers of a minute fire at once.
 */
import * as stator from '../../../dist/bin/engine.js';
import { endingBy, playToTheEnd } from './ending.mjs';

const { home, start = [], minutesPass = false } = JSON.parse(process.argv[2]);
const machines = [endingBy(stator, () => process.kill(process.pid, 'SIGKILL'))];
const after = (ms, act) => {
  const timer = setTimeout(act, ms === 60_000 ? 0 : ms);
  return () => clearTimeout(timer);
};
const clock = { nowMs: () => Date.now(), after };
const engine = await stator.createEngine({
  ...{ home, env: process.env, machines, waitForHomeMs: 5_000 },
  ...(minutesPass ? { clock } : {}),
});
await playToTheEnd(engine, start);
await engine.stop();
