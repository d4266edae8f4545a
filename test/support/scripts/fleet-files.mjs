/**
 * A burst of signal files: `<folder> <count>`. Each is a signal for an unknown plan, which takes the longest way: into the inbox and back into
 * `failed/`.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

const [folder, count] = process.argv.slice(2);
for (let file = 0; file < Number(count); file += 1)
  writeFileSync(join(folder, `review-changes-nobody-${file}`), `file-${file}`);
