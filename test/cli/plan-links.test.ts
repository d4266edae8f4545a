/** A plan's file that is a link out of its repository is neither read into prompts nor written through. */
import { mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { planText, startEngine } from '../support/engine.ts';
import { callHere } from '../support/in-process.ts';

const secret = 'the secret of this test\n';

async function placed() {
  const on = await startEngine();
  const stator = (...args: string[]) => callHere({ args, cwd: on.repo, env: on.env, input: '' });
  const outside = join(on.root, 'outside');
  mkdirSync(outside);
  writeFileSync(join(outside, 'plan.md'), secret);
  mkdirSync(join(on.repo, 'docs'));
  return { on, stator, outside, inside: join(on.repo, 'docs') };
}

it.each([
  ['the file', (outside: string, inside: string) => symlinkSync(join(outside, 'plan.md'), join(inside, 'plan.md'))],
  [
    'its folder',
    (outside: string, inside: string) => {
      rmSync(inside, { recursive: true });
      symlinkSync(outside, inside);
    },
  ],
  [
    'a link to a link',
    (outside: string, inside: string) => {
      symlinkSync(join(outside, 'plan.md'), join(inside, 'way'));
      symlinkSync('way', join(inside, 'plan.md'));
    },
  ],
])('where %s is a link out of the repository, no verb reads it', async (_what, link) => {
  const { on, stator, outside, inside } = await placed();
  await on.client.registerPlan({ project: 'demo', plan: 'p', content: planText(['true']) });
  link(outside, inside);
  for (const words of [
    ['run'],
    ['plan', 'register'],
    ['plan', 'check'],
    ['plan', 'simulate'],
    ['plan', 'update-content', 'p', '--file'],
  ]) {
    const refused = await stator(...words, 'docs/plan.md');
    const text = `${refused.stdout}${refused.stderr}`;
    expect([words.join(' '), refused.code === 0, text.includes('leads out of the repository')]).toEqual([
      words.join(' '),
      false,
      true,
    ]);
    expect(text).not.toContain(secret.trim());
  }
  expect((await on.client.plans('demo')).map(({ plan }) => plan)).toEqual(['p']);
});

it('a link within the repository, and a file that lies in none, are read', async () => {
  const { on, stator, outside, inside } = await placed();
  writeFileSync(join(inside, 'own.md'), planText(['true']));
  symlinkSync('own.md', join(inside, 'plan.md'));
  expect(await stator('plan', 'check', 'docs/plan.md')).toMatchObject({ code: 0 });
  writeFileSync(join(outside, 'far.md'), planText(['true']));
  expect(await stator('plan', 'register', join(outside, 'far.md'))).toMatchObject({ code: 0 });
  expect((await on.client.plans('demo')).map(({ plan }) => plan)).toEqual(['far']);
});

it('plan export --write writes through no link that came later', async () => {
  const { on, stator, outside, inside } = await placed();
  writeFileSync(join(inside, 'plan.md'), planText(['true']));
  expect(await stator('plan', 'register', 'docs/plan.md')).toMatchObject({ code: 0 });
  renameSync(inside, join(on.repo, 'before'));
  symlinkSync(outside, inside);
  const refused = await stator('plan', 'export', 'plan', '--write', '--force');
  expect([refused.code === 0, `${refused.stdout}${refused.stderr}`]).toEqual([
    false,
    expect.stringContaining('leads out of the repository'),
  ]);
  expect(readFileSync(join(outside, 'plan.md'), 'utf8')).toBe(secret);
});
