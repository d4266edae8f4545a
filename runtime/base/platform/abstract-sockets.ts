/** Unix sockets without a file (unix(7)): every process in the network of their server reaches them, whichever folders are closed. */
import { readFileSync } from 'node:fs';

/** Names that a program generates at each start: they do not help a reader. */
const isRandom = /[0-9a-f]{8,}|[A-Za-z0-9]{20,}/;

/** Names of the sockets on which a program listens, with `@` before them, the meaningful ones first; empty where the system has none. */
export function abstractSockets(): string[] {
  let text: string;
  try {
    text = readFileSync('/proc/net/unix', 'utf8');
  } catch {
    return [];
  }
  const names = text.split('\n').flatMap((line) => {
    // Num RefCount Protocol Flags Type St Inode Path: a server that listens has the flag of `__SO_ACCEPTCON`.
    const [, , , flags = '0', , , , path = ''] = line.split(/\s+/);
    return path.startsWith('@') && (Number.parseInt(flags, 16) & 0x10000) !== 0 ? [path] : [];
  });
  const unique = [...new Set(names)];
  return [...unique.filter((name) => !isRandom.test(name)), ...unique.filter((name) => isRandom.test(name))];
}
