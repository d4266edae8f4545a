/** An agent gets a copy of a file that it could write to, or that contains more than it should see. */
import { chmodSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parsePlan } from '../../machines/document/plan-document.ts';
import { claudeState } from '../../runtime/work/agents/presets/claude-state.ts';
import { readExit } from '../../runtime/work/agents/run-folder.ts';
import { launch } from '../../runtime/work/agents/wrapper.ts';
import { takeLfsObjects } from '../../runtime/work/git/lfs-objects.ts';
import { daemonOf, repoOf } from '../support/config.ts';
import { begin, ground, planText, startEngine } from '../support/engine.ts';
import { until } from '../support/ground.ts';
import { createRun } from '../support/run.ts';

test('an agent does not write into its prompt through its standard input', async () => {
  const run = createRun('cat >said; echo other >/proc/self/fd/0');
  writeFileSync(run.folder.prompt, 'the prompt');
  await launch({ ...run.request, stdinFile: run.folder.prompt });
  await until(() => readExit(run.folder) !== null);
  expect([run.read('said'), readFileSync(run.folder.prompt, 'utf8')]).toEqual(['the prompt', 'the prompt']);
});

test('claude’s state comes without other folders, and without the tokens of other services', () => {
  const server = { command: 'tool', env: { TOKEN: 'a secret' }, headers: { Authorization: 'a secret' } };
  const state = {
    userID: 'me',
    mcpServers: { tool: server },
    projects: { '/a': { allowedTools: [], mcpServers: { tool: server } }, '/b': { history: ['a secret'] } },
  };
  const copy = claudeState(JSON.stringify(state), ['/a']);
  expect(JSON.parse(copy)).toEqual({
    userID: 'me',
    mcpServers: { tool: { command: 'tool' } },
    projects: { '/a': { allowedTools: [], mcpServers: { tool: { command: 'tool' } } } },
  });
  expect(claudeState('no state', [])).toBe('{"projects":{}}\n');
});

describe('a folder of signals that others may write', () => {
  test('is not read: a program that moves a file of ours there would send signals in our name', async () => {
    const engine = await startEngine();
    await begin(engine, 'idea', planText(['true']));
    const folder = join(engine.repo, '.stator', 'signals');
    mkdirSync(folder, { recursive: true });
    chmodSync(folder, 0o777);
    writeFileSync(join(folder, 'idea.cancel'), '');
    await until(() => engine.log.some((line) => line.includes(folder) && line.includes('chmod go-w')));
    expect(readFileSync(join(folder, 'idea.cancel'), 'utf8')).toBe('');
  });
});

test('a plan with more waves or tasks than anybody plans is refused, with what to do', () => {
  const waves = (count: number) =>
    Array.from({ length: count }, (_, at) => `## Wave ${at + 1}\n\n### Task 1: one\n\nwork\n`).join('\n');
  expect(parsePlan(`# Many\n\n${waves(1_000)}`).ok).toBe(true);
  const { problems } = parsePlan(`# Many\n\n${waves(1_001)}`);
  expect(problems.map(({ message }) => message)).toEqual([expect.stringContaining('more than 1000 waves')]);
  const tasks = Array.from({ length: 5_001 }, (_, at) => `### Task ${at + 1}: one\n\nwork\n`).join('\n');
  expect(parsePlan(`# Many\n\n## Wave 1\n\n${tasks}\n## Wave 2\n\n${tasks}`).problems).toEqual([
    expect.objectContaining({ message: expect.stringContaining('more than 10000 tasks') }),
  ]);
});

test.each([
  'url = "https://me:hidden@example.com/hook"',
  'url = "https://example.com/hook"\nheaders = { Authorization = "Bearer hidden" }',
  'url = "https://example.com/hook"\nheaders = { X-Api-Key = "hidden" }',
  'url = "https://example.com/hook"\nheaders = { X-Signing-Key = "hidden" }',
])('a hook with a password in its settings is off, and says how to keep it out of them: %s', (lines) => {
  const { hooks, hooksOff } = repoOf(`[[hooks]]\ntype = "webhook"\n${lines}\n`, daemonOf(''));
  expect(hooks).toEqual([]);
  expect(hooksOff.join()).toContain('env:NAME');
  expect(hooksOff.join()).not.toContain('hidden');
});

test('large files are never taken over through a link', async () => {
  const { root } = ground();
  const digest = 'ab'.repeat(32);
  mkdirSync(join(root, 'agent/lfs/objects/ab/ab'), { recursive: true });
  writeFileSync(join(root, 'agent/lfs/objects/ab/ab', digest), 'x');
  mkdirSync(join(root, 'shared'));
  mkdirSync(join(root, 'elsewhere'));
  symlinkSync(join(root, 'elsewhere'), join(root, 'shared/lfs'));
  expect(await takeLfsObjects(join(root, 'agent'), join(root, 'shared'))).toContain(join(root, 'shared/lfs'));
});
