/** The words that start a process of stator's own before a program, outside of the walls. */
import { inPackage } from '../../base/platform/package-files.ts';
import type { MessageProtocol } from './command-line.ts';
import { isLoader } from './loader-variables.ts';

type Environment = Readonly<Record<string, string>>;

/** By these Node itself loads something. */
const ofNode = /^(?:NODE|OPENSSL)_/;

/** What stands before the walls and the program: who reads what the program says. */
export function relayWords(protocol: MessageProtocol | 'none', env: Environment): readonly string[] {
  return wordsOutside('relay.js', [protocol], env);
}

/**
 * A script of `dist/bin` that starts the words after it. It is not inside of the walls: what runs in there finds neither its process nor its output. So nothing that
 * the program's environment has Node load is loaded by it; the program gets it all the same.
 */
export function wordsOutside(script: string, args: readonly string[], env: Environment): readonly string[] {
  const loaded = Object.entries(env).filter(([name]) => ofNode.test(name) && isLoader(name));
  const without = loaded.flatMap(([name]) => ['-u', name]);
  const again = loaded.map(([name, value]) => `${name}=${value}`);
  const around = (words: readonly string[]) => (words.length === 0 ? [] : ['/usr/bin/env', ...words]);
  return [...around(without), process.execPath, inPackage('dist', 'bin', script), ...args, ...around(again)];
}
