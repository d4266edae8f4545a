/** `stator plan prompt` in a terminal: with no engine, as text and as JSON, and what it says if there is nothing to show. */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { planOf, working } from '../support/cli.ts';
import { expectProse, expectRefusal } from '../support/prose.ts';

test('shows the prompt that an agent would receive, with no engine running', async () => {
  const made = working();
  made.write('p.md', planOf(['true', 'true', 'true']));
  expect((await made.stator(['plan', 'register', 'p.md', '--trust'])).code).toBe(0);
  const shown = await made.stator(['plan', 'prompt', 'p', '--task', 'w1-t2']);
  expectProse(shown.stderr, 'coder of w1-t2');
  expect(shown.stdout).toMatch(/^# Wave 1, task 2: piece 1\.2\n/);
  expect(shown.code).toBe(0);
  made.write('.stator/prompts/reviewer.md', 'Look at {{plan}}.\n');
  const trusted = await made.stator(['repo', 'trust', 'demo']);
  expectProse(trusted.stdout, '  prompt reviewer:\n      + Look at {{plan}}.\n');
  const { stdout } = await made.stator(['plan', 'prompt', 'p', '--role', 'reviewer', '--json']);
  expect(JSON.parse(stdout)).toEqual({
    project: 'demo',
    plan: 'p',
    role: 'reviewer',
    task: null,
    prompt: expect.stringMatching(/^Look at p\.\n\n## How to end\n/),
    source: join(made.repo, '.stator/prompts/reviewer.md'),
  });
});

test('says which file is wrong, where, and what to do', async () => {
  const made = working();
  made.write('p.md', planOf(['true']));
  await made.stator(['plan', 'register', 'p.md', '--trust']);
  made.write('.stator/prompts/coder.md', 'Do\n{{tsk}}\n');
  await made.stator(['repo', 'trust', 'demo']);
  const { code, stdout, stderr } = await made.stator(['plan', 'prompt', 'p']);
  expect({ code, stdout }).toEqual({ code: 78, stdout: '' });
  expectRefusal(stderr, '.stator/prompts/coder.md, line 2: ', '{{tsk}}', '{{task}}?', 'title, role, project');
  const unknown = await made.stator(['plan', 'prompt', 'p', '--role', 'codr']);
  expect(unknown.code).toBe(64);
  expectRefusal(unknown.stderr, '"codr"', 'coder?');
});
