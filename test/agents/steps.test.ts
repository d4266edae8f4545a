/** One piece of work as each program reports it: people see the same. */
import { expect, it } from 'vitest';
import { readableLog, readLog } from '../../runtime/work/agents/reports/readable-log.ts';

const todos = [
  { content: 'read', status: 'completed' },
  { content: 'write', status: 'in_progress' },
];
const claude = (...content: readonly object[]) => ({ type: 'assistant', message: { content } });
const acp = (update: object) => ({ method: 'session/update', params: { update } });

/** A plan of two, a command that fails, an edit of `a.txt` from one line to two, and a command that is still at work. */
const told: Readonly<Record<'claude' | 'codex' | 'gemini' | 'opencode' | 'acp', readonly object[]>> = {
  claude: [
    claude({ type: 'tool_use', id: 't1', name: 'TodoWrite', input: { todos } }),
    claude({ type: 'tool_use', id: 't2', name: 'Bash', input: { command: 'npm test' } }),
    {
      type: 'user',
      message: { content: [{ type: 'tool_result', tool_use_id: 't2', is_error: true, content: 'exit 1' }] },
    },
    claude({
      type: 'tool_use',
      id: 't3',
      name: 'Edit',
      input: { file_path: 'a.txt', old_string: 'a', new_string: 'a\nb' },
    }),
    { type: 'user', message: { content: [{ type: 'tool_result', tool_use_id: 't3', content: 'done' }] } },
    {
      type: 'assistant',
      message: {
        content: [{ type: 'tool_use', id: 't4', name: 'Bash', input: { command: 'npm run build' } }],
        usage: {
          input_tokens: 1_000,
          cache_read_input_tokens: 48_000,
          cache_creation_input_tokens: 500,
          output_tokens: 500,
        },
      },
    },
    // Of an agent that it started itself.
    { type: 'assistant', parent_tool_use_id: 't4', message: { content: [], usage: { input_tokens: 7 } } },
  ],
  codex: [
    {
      type: 'item.updated',
      item: {
        id: 'i1',
        type: 'todo_list',
        items: [
          { text: 'read', completed: true },
          { text: 'write', completed: false },
        ],
      },
    },
    { type: 'item.started', item: { id: 'i2', type: 'command_execution', command: "bash -lc 'npm test'" } },
    { type: 'item.completed', item: { id: 'i2', type: 'command_execution', exit_code: 1 } },
    { type: 'item.completed', item: { id: 'i3', type: 'file_change', changes: [{ path: 'a.txt', kind: 'update' }] } },
    { type: 'item.started', item: { id: 'i4', type: 'command_execution', command: 'npm run build' } },
  ],
  gemini: [
    {
      type: 'tool_use',
      tool_id: 'g1',
      tool_name: 'write_todos',
      parameters: { todos: todos.map(({ content: description, status }) => ({ description, status })) },
    },
    { type: 'tool_use', tool_id: 'g2', tool_name: 'run_shell_command', parameters: { command: 'npm test' } },
    { type: 'tool_result', tool_id: 'g2', status: 'error', error: { message: 'exit 1' } },
    {
      type: 'tool_use',
      tool_id: 'g3',
      tool_name: 'replace',
      parameters: { file_path: 'a.txt', old_string: 'a', new_string: 'a\nb' },
    },
    { type: 'tool_result', tool_id: 'g3', status: 'success' },
    { type: 'tool_use', tool_id: 'g4', tool_name: 'run_shell_command', parameters: { command: 'npm run build' } },
  ],
  opencode: [
    { type: 'tool_use', part: { tool: 'todowrite', state: { status: 'completed', input: { todos } } } },
    { type: 'tool_use', part: { tool: 'bash', state: { error: 'exit 1', input: { command: 'npm test' } } } },
    {
      type: 'tool_use',
      part: { tool: 'edit', state: { input: { filePath: 'a.txt', oldString: 'a', newString: 'a\nb' } } },
    },
    {
      type: 'step_finish',
      part: {
        reason: 'tool-calls',
        tokens: { input: 1_000, output: 600, reasoning: 400, cache: { read: 48_000, write: 0 } },
      },
    },
  ],
  acp: [
    acp({ sessionUpdate: 'plan', entries: todos }),
    acp({ sessionUpdate: 'tool_call', toolCallId: 'a1', title: 'test', rawInput: { command: 'npm test' } }),
    acp({ sessionUpdate: 'tool_call_update', toolCallId: 'a1', title: 'test', status: 'failed' }),
    acp({
      sessionUpdate: 'tool_call',
      toolCallId: 'a2',
      title: 'Write',
      status: 'completed',
      content: [{ type: 'diff', path: 'a.txt', oldText: 'a', newText: 'a\nb' }],
    }),
    acp({ sessionUpdate: 'usage_update', used: 50_000, size: 200_000 }),
    acp({ sessionUpdate: 'tool_call', toolCallId: 'a3', title: 'build', rawInput: { command: 'npm run build' } }),
  ],
};
const presets = Object.keys(told) as (keyof typeof told)[]; // the keys of the table above
const logOf = (preset: keyof typeof told, ...more: readonly object[]) =>
  [...told[preset], ...more].map((event) => `${JSON.stringify(event)}\n`).join('');

it.each(presets)('%s: its plan, what it uses and how full its context is are read from its stream', (preset) => {
  const { work, lastLine } = readLog(preset, logOf(preset));
  expect(work).toEqual({
    // opencode tells of a tool when it has ended.
    tool: preset === 'opencode' ? null : '$ npm run build',
    plan: [
      { text: 'read', state: 'completed' },
      { text: 'write', state: preset === 'codex' ? 'pending' : 'in_progress' },
    ],
    // codex and gemini tell what a whole turn took, which is another number.
    context:
      preset === 'codex' || preset === 'gemini' ? null : { used: 50_000, size: preset === 'acp' ? 200_000 : null },
  });
  expect(lastLine).toBe(preset === 'opencode' ? 'edit a.txt: 1 lines before, 2 after' : '$ npm run build');
});

it.each(presets)('%s: its text has the same lines as that of all others', (preset) => {
  const lines = readableLog(preset, logOf(preset)).split('\n');
  expect(lines.slice(0, 3)).toEqual(['[x] read', preset === 'codex' ? '[ ] write' : '[>] write', '$ npm test']);
  expect(lines[3]).toMatch(/^! (?:exit 1|test failed)$/);
  expect(lines.filter((line) => line.startsWith('edit a.txt'))).toEqual([
    preset === 'codex' ? 'edit a.txt' : 'edit a.txt: 1 lines before, 2 after',
  ]);
});

it('a plan that it repeats is not its last line, and a tool is in use no longer than its turn', () => {
  const again = acp({ sessionUpdate: 'plan', entries: todos });
  expect(readLog('acp', logOf('acp', again)).lastLine).toBe('$ npm run build');
  const over = { id: 4, result: { stopReason: 'end_turn' } };
  expect(readLog('acp', logOf('acp', over)).work?.tool).toBeNull();
  const size = {
    type: 'result',
    num_turns: 2,
    modelUsage: { small: { contextWindow: 9 }, large: { contextWindow: 200_000 } },
  };
  expect(readLog('claude', logOf('claude', size)).work).toMatchObject({
    tool: null,
    context: { used: 50_000, size: 200_000 },
  });
});

it('whatever a log of a shell contains, nothing is known of its work', () => {
  expect(readLog('sh', 'one\n{"type":"result"}\n')).toEqual({
    text: 'one\n{"type":"result"}\n',
    work: null,
    lastLine: '{"type":"result"}',
  });
});
