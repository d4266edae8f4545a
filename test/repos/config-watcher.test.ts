/** The files of a repo are compared at each look, because a watch can lose events. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { createConfigWatcher } from '../../runtime/work/repos/config-watcher.ts';
import { until } from '../support/ground.ts';

it('a prompt that comes, is written again or goes is noticed where nothing can be watched', async () => {
  const root = mkdtempSync(join(tmpdir(), 'stator-configured-'));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  // No watch reports anything below a name with a backslash.
  const main = join(root, 'a\\b');
  const prompts = join(main, '.stator', 'prompts');
  mkdirSync(join(main, '.stator'), { recursive: true });
  let changes = 0;
  const watcher = createConfigWatcher({
    trustedFiles: () => [],
    onChange() {
      changes += 1;
    },
  });
  onTestFinished(() => watcher.close());
  const noticed = async (change: () => void) => {
    const before = changes;
    change();
    await until(() => {
      watcher.keep(main);
      return changes > before;
    });
  };
  await noticed(() => {});
  await noticed(() => mkdirSync(prompts));
  await noticed(() => writeFileSync(join(prompts, 'coder.md'), 'Be quick: {{task}}\n'));
  await noticed(() => writeFileSync(join(prompts, 'coder.md'), 'Be slow and sure: {{task}}\n'));
  await noticed(() => rmSync(prompts, { recursive: true }));
  expect(changes).toBe(5);
});
