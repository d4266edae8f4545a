/** Plays one of the releases beside it in an engine that kills itself the `nth` time that it comes to `point`, and prints what play-release.mjs answers. The argument of the process is JSON: `{of, home, ledger, point, nth}`; `ledger` is the file of what it notes. */
import { appendFileSync } from 'node:fs';
import * as stator from '../../../dist/bin/engine.js';
import { playRelease } from './play-release.mjs';

const { of, home, ledger, point = null, nth = 1 } = JSON.parse(process.argv[2]);
const { release, input } = await import(`./${of}-release.mjs`);
let seen = 0;
const faults = (at) => {
  if (at !== point) return;
  seen += 1;
  if (seen === nth) process.kill(process.pid, 'SIGKILL');
};
const machines = [release(stator, (line) => appendFileSync(ledger, `${line}\n`))];
const engine = await stator.createEngine({ home, env: process.env, machines, faults, waitForHomeMs: 5_000 });
process.stdout.write(`${JSON.stringify(await playRelease(engine, input))}\n`);
await engine.stop();
