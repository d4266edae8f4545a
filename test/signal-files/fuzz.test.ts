/**
 * Signal files of any name and any content: each is handled, or refused with a reason. Nothing is written outside of its folder, and the engine
 * continues.
 */
import { existsSync, lstatSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { seedOf } from '../support/crash.ts';
import { isWhole } from '../support/drawn.ts';
import { left, places, signalsOf, withPlan } from '../support/gateway.ts';
import { until } from '../support/ground.ts';
import { randomOf } from '../support/random.ts';

const count = isWhole ? 20_000 : 1_000;
/** The number of files that are written at once. */
const batch = 2_000;

const stems = [
  'planner-finished-',
  'implement-finished-',
  'review-approved-',
  'review-changes-',
  'review-changes-requested-',
  'needs-decision-',
  'elaborator-finished-',
  'implement-wave-',
  'implement-task-finished-w',
  '',
];
const pieces = [
  'login',
  '1',
  '-t2-',
  '-w',
  '999999999999',
  '..',
  '%2e',
  '\n',
  '\u001b[2J',
  '\u202e',
  "'$(id)'",
  '.md',
  'ö',
  ' ',
  '*',
  '\\',
  '.reason',
  '~',
];

it('handles whatever lies in its folders, and writes nowhere else', async () => {
  const random = randomOf(seedOf('signal files of any kind'));
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T; // never of an empty list
  const engine = await withPlan();
  const outside = join(engine.root, 'outside');
  mkdirSync(outside);
  const before = readdirSync(engine.root).sort();
  const inRepo = readdirSync(engine.repo).concat('.stator', '.kasmos');
  const folders = places.map((place) => signalsOf(engine.repo, place));
  let slowestMs = 0;
  for (let dropped = 0; dropped < count; dropped += batch) {
    for (let each = 0; each < Math.min(batch, count - dropped); each += 1) {
      const words = Array.from({ length: Math.floor(random() * 5) }, () => pick(pieces)).join('');
      const name = Buffer.from(`${pick(stems)}${words}${random() < 0.3 ? `-${each}` : ''}`).subarray(0, 200);
      const place = Buffer.concat([Buffer.from(`${pick(folders)}/`), name]);
      if (name.length === 0 || name[0] === 0x2e || name.includes('/') || existsSync(place)) continue;
      const kind = random();
      if (kind < 0.05) symlinkSync(outside, place);
      else if (kind < 0.1) mkdirSync(place);
      else writeFileSync(place, contentOf(random));
    }
    await until(
      async () => {
        const askedMs = performance.now();
        const { blocked } = await engine.client.plan('demo', 'login');
        slowestMs = Math.max(slowestMs, performance.now() - askedMs);
        // Some files ask a question, and until a person has answered it, the signals of files are held.
        if (blocked !== null)
          await engine.client.send({ project: 'demo', plan: 'login', type: 'resolve', payload: 'yes' });
        return folders.every((folder) => left(folder).length === 0 && left(join(folder, 'processing')).length === 0);
      },
      () => folders.map((folder) => `${left(folder)}; in processing: ${left(join(folder, 'processing'))}`).join('\n'),
    );
  }
  for (const folder of folders) {
    expect(readdirSync(folder).filter((name) => !['failed', 'processing', 'staging'].includes(name))).toEqual([]);
    const failed = new Set(readdirSync(join(folder, 'failed'), 'latin1'));
    for (const name of failed) if (!failed.has(`${name}.reason`)) expect(name).toMatch(/\.reason$/);
  }
  expect(readdirSync(outside)).toEqual([]);
  expect(readdirSync(engine.root).sort()).toEqual(before);
  for (const name of readdirSync(engine.repo)) expect([...inRepo, '.worktrees']).toContain(name);
  expect(engine.log.filter((line) => /TypeError|RangeError|unexpected/.test(line))).toEqual([]);
  expect(lstatSync(join(engine.repo, 'README.md')).isFile()).toBe(true);
  process.stdout.write(`the slowest answer meanwhile: ${Math.round(slowestMs)} ms\n`);
});

/** A text, a text over the limit, bytes that are no text, or nothing. */
function contentOf(random: () => number): string | Buffer {
  const kind = random();
  if (kind < 0.1) return '';
  if (kind < 0.2) return Buffer.from(Array.from({ length: 64 }, () => Math.floor(random() * 256)));
  if (kind < 0.23) return '`'.repeat(70_000);
  return `${'word '.repeat(Math.floor(random() * 50))}\u0000\u001b]52;c;x\u0007`;
}
