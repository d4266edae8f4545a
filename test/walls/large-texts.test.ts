/** The size and shape of a text alone can neither stop an engine nor cause an internal error. */
import { expect, it } from 'vitest';
import { brief, cut } from '../../cli/text.ts';
import { onOneLine } from '../../machines/vocabulary/errors.ts';
import { createLogReader } from '../../runtime/work/agents/reports/read-log.ts';
import { readableLog } from '../../runtime/work/agents/reports/readable-log.ts';
import { verdictIn } from '../../runtime/work/agents/reports/verdict.ts';
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

/** A pattern that looks for white space around a line end, or at the end of a line, takes minutes for it. */
const blanks = `a${' '.repeat(900_000)}b`;

it('900,000 blanks in a line of an agent are read at once, in a message, in a command and in an error', () => {
  const events = {
    claude: [
      { type: 'assistant', message: { content: [{ type: 'text', text: blanks }] } },
      { type: 'assistant', message: { content: [{ type: 'tool_use', name: 'Bash', input: { command: blanks } }] } },
      { type: 'result', subtype: 'success', is_error: false, result: blanks },
    ],
    codex: [
      { type: 'item.completed', item: { type: 'agent_message', text: blanks } },
      { type: 'item.started', item: { type: 'command_execution', command: blanks } },
      { type: 'turn.failed', error: { message: blanks } },
    ],
    opencode: [
      { type: 'text', part: { text: blanks } },
      { type: 'error', error: { name: blanks, data: { message: blanks } } },
    ],
  } as const;
  for (const preset of ['claude', 'codex', 'opencode'] as const) {
    const lines = events[preset].map((event) => `${JSON.stringify(event)}\n`);
    const log = createLogReader(preset);
    log.read(Buffer.from(lines.join('')));
    expect(verdictIn(log.report({ writtenAtMs: 0, code: 0 }).finalMessages)).toBeNull();
    expect(readableLog(preset, lines.join(''))).toContain('a  ');
  }
  expect(verdictIn([`${blanks}\nstator verdict: approved\n${' '.repeat(200_000)}\n`])).toMatchObject({
    kind: 'approved',
  });
});

it('the same blanks in a reason stay on their line', () => {
  expect(onOneLine(` first:${blanks}\n\n  ${blanks}:  \nlast `)).toBe(`first:${blanks}; ${blanks}: last`);
  expect(brief(`why?${blanks}!\n \nthen`)).toContain('why?a');
});
