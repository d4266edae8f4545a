/** Which issues of a tracker a plan is about: kept in its document, shown, in every prompt, and a person's to change. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { terminal } from '../support/cli.ts';
import { ground, planText, register, say, script, startEngine, untilStatus } from '../support/engine.ts';
import { expectRefusal } from '../support/prose.ts';

const link = 'https://tracker.example/SHOP-12';

it('a planner’s document keeps the issue links, and other links in it are refused; the agents receive the issue links', async () => {
  const on = ground();
  const planned = planText(['echo a > a.txt']);
  writeFileSync(join(on.root, 'plan.md'), planned);
  writeFileSync(
    join(on.root, 'other.md'),
    planned.replace('# A plan\n', '# A plan\n\n**Issue:** https://evil.example/1\n'),
  );
  const hand = (file: string) => `stator plan update-content "$STATOR_PLAN" --file '${join(on.root, file)}'`;
  const program = script(
    join(on.root, 'planner'),
    `cat > '${join(on.root, 'prompt')}'\n${hand('other.md')} 2> '${join(on.root, 'refused')}'; echo $? >> '${join(on.root, 'refused')}'\n${hand('plan.md')} && stator signal emit planner_finished`,
  );
  const agents = { default: { preset: 'sh', attempts: 1 }, planner: { preset: 'command', program } } as const;
  const engine = await startEngine({ on, agents });
  await register(engine, 'shop', `# Shop\n\n**Issue:** ${link}\n`);
  expect((await engine.client.plan('demo', 'shop')).issues).toEqual([link]);
  expect((await engine.client.prompt('demo', 'shop')).prompt).toContain(`- Issues in the tracker: ${link}\n`);
  await say(engine, 'shop', 'plan_start');
  const shown = await untilStatus(engine, 'shop', 'done');
  expect(shown).toMatchObject({ issues: [link], content: expect.stringContaining(`# A plan\n\n**Issue:** ${link}\n`) });
  expect(readFileSync(join(on.root, 'prompt'), 'utf8')).toContain(link);
  const refused = readFileSync(join(on.root, 'refused'), 'utf8');
  expect(refused).toMatch(/1\n$/);
  expect(refused).toContain('only a person changes them');
});

it('a person says a link with a draft or in the file, sees it, and takes it away in the document', async () => {
  const made = terminal();
  expect((await made.stator(['repo', 'add', '.', '--trust'])).code).toBe(0);
  const draft = (...more: string[]) =>
    made.stator(['plan', 'register', '--draft', 'Shop', '--content', '# Shop', ...more]);
  for (const wrong of ['SHOP-12', 'javascript:alert(1)']) {
    const ended = await draft('--issue', wrong);
    expect(ended.code).toBe(64);
    expectRefusal(ended.stderr, wrong, '**Issue:**');
  }
  expect((await draft('--issue', link)).code).toBe(0);
  expect((await made.stator(['plan', 'show', 'shop'])).stdout).toMatch(new RegExp(`issue +${link}`));
  expect(JSON.parse((await made.stator(['plan', 'show', 'shop', '--json'])).stdout)).toMatchObject({ issues: [link] });
  const without = await made.stator(['plan', 'update-content', 'shop'], { input: planText(['true']) });
  expect(without.code).toBe(0);
  expect(JSON.parse((await made.stator(['plan', 'show', 'shop', '--json'])).stdout)).toMatchObject({ issues: [] });
  made.write('other.md', `# Other\n\n**Issue:** ${link}\n\n## Wave 1\n\n### Task 1: it\n`);
  const inFile = await made.stator(['plan', 'register', 'other.md', '--issue', link]);
  expect(inFile.code).toBe(64);
  expectRefusal(inFile.stderr, `**Issue:** ${link}`);
  const checked = JSON.parse((await made.stator(['plan', 'check', 'other.md', '--json'])).stdout);
  expect(checked).toMatchObject({ ok: true, issues: [link] });
});
