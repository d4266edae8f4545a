/** The file that outlives a daemon. It has its own module, so that a daemon without watchers loads nothing else of this folder. */
import { join } from 'node:path';

export function inspectorFile(home: string): string {
  return join(home, 'inspector.json');
}
