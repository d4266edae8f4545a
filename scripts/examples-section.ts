/** A file of examples/, as a document shows it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** `file`: relative to examples/. */
export function exampleFile(file: string): (root: string) => string {
  return (root) => `\`\`\`js\n${readFileSync(join(root, 'examples', file), 'utf8').trim()}\n\`\`\``;
}
