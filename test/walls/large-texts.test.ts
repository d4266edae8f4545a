/** The size and shape of a text alone can neither stop an engine nor cause an internal error. */
import { expect, it } from 'vitest';
import { cut } from '../../cli/text.ts';
import { readableLog } from '../../runtime/work/agents/reports/readable-log.ts';
import { terminal } from '../support/cli.ts';

it('400,000 runs of backticks in a document are registered, shown and told to an agent', async () => {
  const made = terminal();
  made.write('.stator/config.toml', '[agents.default]\npreset = "command"\nprogram = "/bin/true"\n');
  const document = `# An idea\n\n${'` '.repeat(400_000)}\n`;
  made.write('idea.md', document);
  const registered = await made.stator(['plan', 'register', 'idea.md', '--trust']);
  expect(registered, registered.stderr.slice(0, 400)).toMatchObject({ code: 0 });
  expect((await made.stator(['plan', 'show', 'idea', '--content'])).stdout).toBe(document);
  const told = await made.stator(['plan', 'prompt', 'idea', '--role', 'planner']);
  expect(told, told.stderr.slice(0, 400)).toMatchObject({ code: 0 });
  expect(told.stdout).toContain('` ` ` `');
});

it('one line of an agent with 200,000 parts is read', () => {
  const content = Array.from({ length: 200_000 }, () => ({ type: 'text', text: 'x' }));
  const log = readableLog('claude', JSON.stringify({ type: 'assistant', message: { content } }));
  expect(log.length).toBeGreaterThan(200_000);
});

it('an agent that says 300,000 line ends, and a word after them, is read, and so is a title of many rows', () => {
  const text = `${'\n'.repeat(300_000)}x!`;
  const log = readableLog(
    'claude',
    JSON.stringify({ type: 'assistant', message: { content: [{ type: 'text', text }] } }),
  );
  expect(log.trim()).toBe('x!');
  expect(cut('~~~\n'.repeat(100_000), 80)).toHaveLength(80 + 26);
});
