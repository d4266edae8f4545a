/** Lets a script be a program of its own as well as a function that a test calls. */
import { argv, env, exit, stdout } from 'node:process';
import { fileURLToPath } from 'node:url';

/** Where the script of that address is the program: carries what its argument says with a built engine, and exits with 3 unless it ends as `done`. */
export async function asProgram(url, carry) {
  if (argv[1] !== fileURLToPath(url)) return;
  const { createEngine } = await import('../../../dist/bin/engine.js');
  const end = await carry(createEngine, (word) => stdout.write(`${word}\n`), { ...JSON.parse(argv[2]), env });
  if (end !== 'done') exit(3);
}
