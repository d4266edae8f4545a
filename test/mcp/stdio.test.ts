/** What is on the standard input of `stator mcp` and is no message. */
import { expect, it } from 'vitest';
import { terminal } from '../support/cli.ts';

it('is answered with an error without an id, and what comes after it is read', async () => {
  const { start } = terminal();
  const ping = { jsonrpc: '2.0', id: 7, method: 'ping' };
  const call = (id: number, given: unknown) =>
    JSON.stringify({ jsonrpc: '2.0', id, method: 'tools/call', params: { name: 'repo_list', arguments: given } });
  const lines = [
    '{"half',
    JSON.stringify([ping]),
    JSON.stringify({ id: 8, method: 'ping' }),
    JSON.stringify(ping),
    call(9, '{}'),
    call(10, null),
  ];
  const { code, stdout } = await start(['mcp'], { input: lines.map((line) => `${line}\n`).join('') }).ended;
  const answers = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
    .sort((one, other) => one.id - other.id);
  expect(code).toBe(0);
  expect(answers.map(({ id, error }) => [id, error?.code])).toEqual([
    [null, -32_700],
    [null, -32_600],
    [null, -32_600],
    [7, undefined],
    [9, -32_602],
    [10, undefined],
  ]);
});
