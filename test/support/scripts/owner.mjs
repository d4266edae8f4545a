/**
 * A process that wants to own a home. `hold <home> <waitMs>`: prints the result as a line of JSON, and keeps it until it is killed or its input ends.
 * `cycle <home>`: owns and leaves again, over and over, printing every epoch; exits 1 when it was not alone.
 */
import { closeSync, openSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { acquireOwner } from '../../../dist/runtime/core/store/sqlite/owner.js';

const [mode, home, waitMs] = process.argv.slice(2);
const say = (fact) => process.stdout.write(`${JSON.stringify(fact)}\n`);

async function hold() {
  try {
    const owner = await acquireOwner(home, { waitMs: Number(waitMs), nowMs: () => Date.now() });
    say({ epoch: owner.epoch, pid: process.pid });
    process.stdin.on('end', () => owner.release());
    process.stdin.resume();
  } catch (thrown) {
    say(thrown.toJSON());
  }
}

async function cycle() {
  const room = join(home, 'room');
  for (;;) {
    const owner = await acquireOwner(home, { waitMs: 60_000, nowMs: () => Date.now() });
    closeSync(openSync(room, 'wx'));
    say({ epoch: owner.epoch });
    await new Promise((resolve) => setTimeout(resolve, 2));
    rmSync(room);
    owner.release();
  }
}

await (mode === 'cycle' ? cycle() : hold());
