/** Runs another program to its end and returns its output. */
import type { Call } from './command.ts';

/** A program that takes longer counts as hanging. */
const limitMs = 60_000;

export function runProgram({ env, cwd }: Pick<Call, 'env' | 'cwd'>, [program = '', ...words]: readonly string[]) {
  const { spawnSync } = process.getBuiltinModule('node:child_process');
  return spawnSync(program, words, { cwd, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], timeout: limitMs });
}
