/** The command line parts that start stator's own process before a program, outside the walls. */
import { ownScript } from '../../base/platform/package-files.ts';
import { isLoader } from './loader-variables.ts';
import type { MessageProtocol } from './run-brief.ts';

type Environment = Readonly<Record<string, string>>;

/** Variables that make Node load code. */
const ofNode = /^(?:NODE|OPENSSL)_/;

/** The part of the command before the walls and the program: the process that reads the program's output. */
export function relayWords(protocol: MessageProtocol | 'none', env: Environment): readonly string[] {
  return wordsOutside('relay.js', [protocol], env);
}

/**
 * A script of `dist/bin` that starts the following command. It is outside the walls: processes inside find neither its process nor its output. So it must not
 * load code that the program's environment names for Node; the program still gets those variables.
 */
export function wordsOutside(script: string, args: readonly string[], env: Environment): readonly string[] {
  const loaded = Object.entries(env).filter(([name]) => ofNode.test(name) && isLoader(name));
  const without = loaded.flatMap(([name]) => ['-u', name]);
  const again = loaded.map(([name, value]) => `${name}=${value}`);
  const around = (words: readonly string[]) => (words.length === 0 ? [] : ['/usr/bin/env', ...words]);
  return [...around(without), process.execPath, ownScript(script), ...args, ...around(again)];
}
