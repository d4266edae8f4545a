import { expect, test } from 'vitest';
import { openPty } from './pty.ts';

const options = { cwd: import.meta.dirname, env: process.env };

test('a command sees a terminal of the size that was asked for, and its exit code comes back', async () => {
  const pty = openPty('sh', ['-c', 'stty size; exit 3'], options);
  expect(await pty.ended).toBe(3);
  expect(pty.screen()).toBe('24 80');
});

test('typed text is read, and overwritten text is no longer on the screen', async () => {
  const pty = openPty('sh', ['-c', 'printf "Name? "; read -r name; printf "wait\\rhello %s\\n" "$name"'], options);
  await pty.until('Name?');
  pty.type('Ada\r');
  await pty.until('hello Ada');
  expect(await pty.ended).toBe(0);
  expect(pty.screen()).toBe('Name? Ada\nhello Ada');
});

test('Ctrl-C interrupts', async () => {
  const pty = openPty(
    'sh',
    ['-c', 'trap "echo caught; exit 130" INT; echo ready; while :; do sleep 0.1; done'],
    options,
  );
  await pty.until('ready');
  pty.type('\x03');
  expect(await pty.ended).toBe(130);
  expect(pty.text()).toContain('caught');
});

test('a text that never comes is reported with the screen', async () => {
  const pty = openPty('sh', ['-c', 'echo this'], options);
  await expect(pty.until('that')).rejects.toThrow('ended with 0 without that; the terminal shows:\nthis');
});
