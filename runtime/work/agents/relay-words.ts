/** The words that start the relay before a program. */
import { inPackage } from '../../base/platform/package-files.ts';
import type { MessageProtocol } from './command-line.ts';
import { isLoader } from './loader-variables.ts';

/** By these Node itself loads something. */
const ofNode = /^(?:NODE|OPENSSL)_/;

/**
 * What stands before the walls and the program. It is not inside of the walls: what runs in there finds neither its process nor its output. So nothing that the
 * program's environment has Node load is loaded by the relay; the program gets it all the same.
 */
export function relayWords(
  protocol: MessageProtocol | 'none',
  env: Readonly<Record<string, string>>,
): readonly string[] {
  const loaded = Object.entries(env).filter(([name]) => ofNode.test(name) && isLoader(name));
  const without = loaded.flatMap(([name]) => ['-u', name]);
  const again = loaded.map(([name, value]) => `${name}=${value}`);
  const around = (words: readonly string[]) => (words.length === 0 ? [] : ['/usr/bin/env', ...words]);
  return [...around(without), process.execPath, inPackage('dist', 'bin', 'relay.js'), protocol, ...around(again)];
}
