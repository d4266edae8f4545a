/** Where what outlives a daemon is kept. Apart, so that a daemon that nobody watches loads nothing else of this room. */
import { join } from 'node:path';

export function inspectorFile(home: string): string {
  return join(home, 'inspector.json');
}
