/**
 * Runs the scripts `check:*` of package.json in their order, one for each processor at a time: `npm run check`. All of them run to their end, and what a
 * failed one printed is printed. The exit code is 1 if one failed.
 */
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { execa, parseCommandString } from 'execa';
import pMap from 'p-map';

const { scripts } = JSON.parse(readFileSync('package.json', 'utf8'));
const checks = Object.entries(scripts).filter(([name]) => name.startsWith('check:'));

/** The compiler computes the same types again in each of its checkers, which is why the scripts give it one; and it keeps most of what it allocates. */
const env = { GOGC: '400' };

async function passes([name, command]) {
  const [program, ...args] = parseCommandString(command);
  const { failed, all, durationMs } = await execa(program, args, { preferLocal: true, all: true, reject: false, env });
  process.stdout.write(`${failed ? 'failed' : 'passed'}  ${name}  ${(durationMs / 1000).toFixed(1)} s\n`);
  if (failed) process.stdout.write(`${all}\n\n`);
  return !failed;
}

const passed = await pMap(checks, passes, { concurrency: availableParallelism() });
process.exitCode = passed.every(Boolean) ? 0 : 1;
