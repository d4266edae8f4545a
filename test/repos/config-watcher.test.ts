/** The files of a repo are compared at each look, because a watch can lose events. */
import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';
import { createConfigWatcher } from '../../runtime/work/repos/config-watcher.ts';
import { until } from '../support/ground.ts';

/** A watcher, and how many changes it has reported. */
function watching() {
  let count = 0;
  const watcher = createConfigWatcher({
    trustedFiles: () => [],
    onChange() {
      count += 1;
    },
  });
  onTestFinished(() => watcher.close());
  return { watcher, changes: () => count };
}

it('a prompt that comes, is written again or goes is noticed where nothing can be watched', async () => {
  const root = mkdtempSync(join(tmpdir(), 'stator-configured-'));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  // No watch reports anything below a name with a backslash.
  const main = join(root, 'a\\b');
  const prompts = join(main, '.stator', 'prompts');
  mkdirSync(join(main, '.stator'), { recursive: true });
  const { watcher, changes } = watching();
  const noticed = async (change: () => void) => {
    const before = changes();
    change();
    await until(() => {
      watcher.keep(main);
      return changes() > before;
    });
  };
  await noticed(() => {});
  await noticed(() => mkdirSync(prompts));
  await noticed(() => writeFileSync(join(prompts, 'coder.md'), 'Be quick: {{task}}\n'));
  await noticed(() => writeFileSync(join(prompts, 'coder.md'), 'Be slow and sure: {{task}}\n'));
  await noticed(() => rmSync(prompts, { recursive: true }));
  expect(changes()).toBe(5);
});

it('what the watch reported is reported once more at the next look: it may have lost that it went again', async () => {
  const main = mkdtempSync(join(tmpdir(), 'stator-configured-'));
  onTestFinished(() => rmSync(main, { recursive: true, force: true }));
  const file = join(main, '.stator', 'config.toml');
  /** Only the watch notices this write: to a comparison the file is unchanged. */
  const write = () => {
    writeFileSync(file, 'max_active_plans = 4\n');
    utimesSync(file, 1_000, 1_000);
  };
  mkdirSync(join(main, '.stator'));
  write();
  const { watcher, changes } = watching();
  watcher.keep(main);
  const before = changes();
  // The watch does not say when it is open.
  await until(() => {
    write();
    return changes() > before;
  });
  let reported = 0;
  do {
    reported = changes();
    await delay(1_500);
  } while (changes() > reported); // it has reported all of that
  watcher.keep(main);
  expect(changes()).toBe(reported + 1);
  await delay(1_500);
  watcher.keep(main);
  expect(changes()).toBe(reported + 1);
});
