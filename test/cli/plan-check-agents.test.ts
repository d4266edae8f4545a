/** `stator plan check` of a plan whose tasks name their agents: by the configuration of the folder's repo. */
import { expect, it } from 'vitest';
import { terminal } from '../support/cli.ts';

it('a task that names no table of [agents] is a problem, with its line and the nearest name', async () => {
  const { stator, write } = terminal();
  write('.stator/config.toml', '[agents.strong]\npreset = "sh"\n');
  write('good.md', '# P\n\n## Wave 1\n\n### Task 1: one\n\n**Agent:** strong\n');
  write('bad.md', '# P\n\n## Wave 1\n\n### Task 1: one\n\n**Agent:** storng\n');
  const good = await stator(['plan', 'check', 'good.md']);
  expect([good.code, good.stdout]).toEqual([0, expect.stringContaining('agent: strong')]);
  const bad = await stator(['plan', 'check', 'bad.md']);
  expect([bad.code, bad.stdout.trim()]).toEqual([
    1,
    'bad.md:5: task 1 names the agent "storng", and there is no table [agents.storng]; did you mean strong?',
  ]);
  // A role that is mistyped is no profile.
  write('.stator/config.toml', '[agents.codr]\npreset = "sh"\n');
  const wrong = await stator(['plan', 'check', 'good.md']);
  expect([wrong.code, wrong.stderr]).toEqual([78, expect.stringContaining('did you mean coder?')]);
});

it('says which tasks the agent for small ones gets, and why; a configuration that cannot be read is only a note', async () => {
  const { stator, write } = terminal();
  write('.stator/config.toml', '[agents.coder]\npreset = "sh"\nsmall = "fast"\n[agents.fast]\n');
  const large = 'Think about all of it. '.repeat(80);
  write(
    'p.md',
    `# P\n\n## Wave 1\n\n### Task 1: one\n\n**Files:** a.ts\n\n### Task 2: two\n\n**Files:** b.ts\n\n${large}\n`,
  );
  const { code, stdout } = await stator(['plan', 'check', 'p.md']);
  expect([code, stdout.split('because the task is small').length]).toEqual([0, 2]);
  expect(stdout).toContain('agent: fast, because the task is small; files: a.ts');
  const { stdout: json } = await stator(['plan', 'check', 'p.md', '--json']);
  const [one, two] = (JSON.parse(json) as { waves: [{ tasks: object[] }] }).waves[0].tasks;
  expect(one).toMatchObject({ agent: 'fast', agent_by: 'size' });
  expect(two).not.toHaveProperty('agent');
  write('.stator/config.toml', '[agents.codr]\npreset = "sh"\n');
  const wrong = await stator(['plan', 'check', 'p.md']);
  expect([wrong.code, wrong.stderr]).toEqual([0, expect.stringContaining('which agent gets each task is not known')]);
});

it('says of a task without a fenced sh block that preset sh could not run it, as the start of the plan does', async () => {
  const { stator, write } = terminal();
  write('.stator/config.toml', '[agents.coder]\npreset = "sh"\n[agents.other]\npreset = "command"\nprogram = "true"\n');
  const tasks = [
    '### Task 1: nothing to run\n\nThink.\n',
    '### Task 2: a block\n\n```sh\ntrue\n```\n',
    '### Task 3: another agent\n\n**Agent:** other\n',
    '### Task 4: done [x]\n\nThink.\n',
  ];
  write('p.md', `# P\n\n## Wave 1\n\n${tasks.join('\n')}`);
  const { code, stdout } = await stator(['plan', 'check', 'p.md']);
  expect(code).toBe(0);
  expect(stdout.split('\n').filter((line) => line.includes('note:'))).toEqual([
    'p.md:5: note: task 1 of wave 1 has no fenced sh block, and preset "sh" of its agent runs nothing else: the plan will not start',
  ]);
  // Notes on a document of another program give its own lines.
  write(
    'specs/001-cart/tasks.md',
    '# Tasks: Cart\n\n## Phase 1: Setup\n\n- [x] T001 Make a.ts\n- [ ] T002 Make b.ts\n',
  );
  const list = await stator(['plan', 'check', 'specs/001-cart']);
  expect([list.code, list.stdout]).toEqual([0, expect.stringMatching(/tasks\.md:6: note: task 2 of wave/)]);
});

it('says of a plan that names itself under **After:** that it will not start', async () => {
  const { stator, write } = terminal();
  const tasks = '## Wave 1\n\n### Task 1: one\n\nDo it.\n';
  write('p.md', `# P\n\n**After:** q, p\n\n${tasks}`);
  write('q.md', `# Q\n\n**After:** p\n\n${tasks}`);
  const own = await stator(['plan', 'check', 'p.md']);
  expect([own.code, own.stdout]).toEqual([
    0,
    expect.stringContaining(
      'p.md:1: note: **After:** names this plan itself, p: it will not start before that is taken out',
    ),
  ]);
  expect((await stator(['plan', 'check', 'q.md'])).stdout).not.toContain('itself');
});
