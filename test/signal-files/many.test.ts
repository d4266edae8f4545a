/** A folder of signals in which an agent leaves any number of files takes neither the memory of the engine nor the turn of the others. */
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { createArrivals } from '../../runtime/work/signal-files/arrivals.ts';
import { entryLimit, namesOfFile, seenAt } from '../../runtime/work/signal-files/files.ts';
import { drop, fromFiles, signalsOf, withPlan } from '../support/gateway.ts';
import { until } from '../support/ground.ts';
import { removeFolder } from '../support/remove-folder.ts';

function folderOf(count: number): string {
  const folder = mkdtempSync(join(tmpdir(), 'stator-many-'));
  onTestFinished(() => removeFolder(folder));
  for (let number = 0; number < count; number += 1) writeFileSync(join(folder, `junk-${number}`), '');
  return folder;
}

it('one check reads as many entries as one may, and says that there are more', async () => {
  const arrivals = createArrivals(folderOf(entryLimit + 500));
  expect(await arrivals.list()).toBe(false);
  expect(arrivals.size).toBe(entryLimit);
  const few = createArrivals(folderOf(10));
  expect(await few.list()).toBe(true);
  expect(few.size).toBe(10);
});

it('the other name of a file is searched among as many drafts as a writer leaves', async () => {
  const folder = folderOf(3_000);
  const seen = await seenAt(Buffer.from(join(folder, 'junk-0')));
  if (seen === null) throw new Error('the file is gone');
  expect(await namesOfFile(folder, seen)).toBeLessThanOrEqual(1);
  expect(await namesOfFile(join(folder, 'nowhere'), seen)).toBe(0);
});

it('a signal counts beside more entries than one check reads, in the folder of the files under way as well', async () => {
  const engine = await withPlan();
  const folder = signalsOf(engine.repo);
  const own = join(folder, 'processing');
  mkdirSync(own, { recursive: true });
  for (let number = 0; number < entryLimit + 200; number += 1) writeFileSync(join(own, `.hidden-${number}`), '');
  drop(folder, 'needs-decision-login', 'which?');
  await until(async () => (await fromFiles(engine)).length === 1);
  expect((await fromFiles(engine)).map(({ type }) => type)).toEqual(['needs_decision']);
});
