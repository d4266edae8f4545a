/** The agent of a task: a table of the plan's settings. */
import { expect, it } from 'vitest';
import { agentOfAll, taskAgent } from '../../machines/vocabulary/task-agent.ts';

const small = { files: ['src/a.ts'], length: 200 };

it.each([
  ['one declared file', small, 'size'],
  ['two', { ...small, files: ['a', 'b'] }, 'size'],
  ['three', { ...small, files: ['a', 'b', 'c'] }, null],
  ['none: where the change is, is not known', { ...small, files: [] }, null],
  ['a pattern', { ...small, files: ['src/*.ts'] }, null],
  ['alternatives', { ...small, files: ['src/{a,b}.ts'] }, null],
  ['a folder', { ...small, files: ['src/'] }, null],
  ['brackets, which are text', { ...small, files: ['app/[id].tsx'] }, 'size'],
  ['a text that is just short enough', { ...small, length: 1500 }, 'size'],
  ['a longer one', { ...small, length: 1501 }, null],
  ['a text of unknown length, of an earlier version', { files: ['a'] }, null],
  ['an agent that the plan names', { ...small, agent: 'strong' }, 'plan'],
  ['an agent that the plan names, for a large task', { files: [], length: 9000, agent: 'strong' }, 'plan'],
] as const)('%s', (_what, task, by) => {
  const agent = by === 'plan' ? 'strong' : 'fast';
  expect(taskAgent(task, 'fast')).toEqual(by === null ? null : { agent, by });
  for (const none of [null, undefined]) expect(taskAgent(task, none)).toEqual(by === 'plan' ? { agent, by } : null);
});

it.each([
  ['all are small', [small, small], 'fast'],
  ['one is not', [small, { ...small, files: [] }], undefined],
  ['one names its agent', [small, { ...small, agent: 'strong' }], 'strong'],
  [
    'one is not, and one names its agent',
    [
      { ...small, files: [] },
      { ...small, agent: 'strong' },
    ],
    'strong',
  ],
  ['there is none', [], undefined],
] as const)('one coder for all tasks: %s', (_what, tasks, agent) => {
  expect(agentOfAll(tasks, 'fast')).toBe(agent);
});
