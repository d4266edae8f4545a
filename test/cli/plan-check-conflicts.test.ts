/** `stator plan check` of a plan whose tasks may conflict as those of an earlier plan did. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { pastConflicts } from '../../cli/plan/past-conflicts.ts';
import { readPlan } from '../../machines/document/read-plan.ts';
import { localDay } from '../../machines/vocabulary/time-text.ts';
import { terminal } from '../support/cli.ts';
import { gate } from '../support/engine.ts';
import { git } from '../support/ground.ts';

/** One wave of tasks with these lines. */
const planOf = (...tasks: readonly string[]) =>
  `# P\n\n## Wave 1\n\n${tasks.map((text, at) => `### Task ${at + 1}: t${at + 1}\n\n${text}\n`).join('\n')}`;

it('names the tasks that conflicted when the plan ran, and others that declare such a file, without an engine', async () => {
  const made = terminal();
  const { stator, write, repo, home } = made;
  mkdirSync(home, { recursive: true });
  writeFileSync(join(home, 'daemon.toml'), 'blueprint_skip_threshold = 0\n');
  const off = '[agents.reviewer]\nenabled = false\n';
  write('.stator/config.toml', `[agents.default]\npreset = "sh"\nattempts = 2\n${off}`);
  git(repo, 'add', '-A');
  git(repo, 'commit', '-qm', 'agents');
  // Each begins before the other has ended, at its first try.
  const meet = (own: string, other: string) =>
    `\`\`\`sh\ntouch ${repo}/../${own}\n${gate(`${repo}/../${other}`)}\necho ${own} > same.txt\n\`\`\``;
  write('p.md', planOf(meet('one', 'two'), meet('two', 'one')));
  const clean = await stator(['plan', 'check', 'p.md']);
  expect([clean.code, clean.stdout.includes('conflicted')]).toEqual([0, false]);
  expect((await stator(['run', 'p.md', '--trust'])).code).toBe(0);

  const checked = await stator(['plan', 'check', 'p.md', '--json']);
  const found = JSON.parse((await stator(['signal', 'list', 'p', '--json'])).stdout);
  const { created_at: at } = found.find(({ type }: { type: string }) => type === 'work_conflicted');
  const { remarks } = JSON.parse(checked.stdout);
  expect([checked.code, remarks.length]).toEqual([0, 1]);
  for (const part of ['same.txt', 'plan p', localDay(new Date(Date.parse(at)))])
    expect(remarks[0].message).toContain(part);
  expect((await stator(['plan', 'check', 'p.md'])).stdout).toContain(`p.md:${remarks[0].line}: note: wave 1`);

  write('q.md', planOf('**Files:** same.txt', 'text'));
  expect((await stator(['plan', 'check', 'q.md'])).stdout).toContain(
    'q.md:5: note: wave 1: its task 1 declares same.txt',
  );
  // Nobody says that one of them writes that file.
  write('q.md', planOf('text', 'text'));
  expect((await stator(['plan', 'check', 'q.md'])).stdout).not.toContain('conflicted');
});

it.each([
  ['the same task of the same plan', 'p', ['a', 'b'], [2]],
  ['a task that has a wave of its own', 'p', ['a'], []],
  ['tasks that declare the file, which run one after the other', 'p', ['**Files:** src/', '**Files:** src/a.ts'], []],
  ['a task that declares a folder of the file, beside one that declares nothing', 'q', ['**Files:** src/', 'b'], [1]],
  ['a task that declares the file, beside one that declares others', 'q', ['**Files:** src/', '**Files:** docs/'], []],
  ['tasks of another plan that declare nothing', 'q', ['a', 'b'], []],
] as const)('%s', (_, name, tasks, expected) => {
  const { document } = readPlan({ text: planOf(...tasks), path: 'p.md', beside: [] });
  const conflict = { plan: 'p', wave: 1, task: 2, files: ['src/a.ts'], at: '2026-01-02T03:04:00.000Z' };
  // The same file once more says nothing new.
  const conflicts = [conflict, { ...conflict, at: '2026-01-01T03:04:00.000Z' }];
  expect(pastConflicts(name, { document, conflicts }).map(({ task }) => task)).toEqual(expected);
});
