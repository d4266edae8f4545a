/** What a relay makes of the lines of a program and of people, whatever these lines contain. */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, expect, it, onTestFinished, vi } from 'vitest';
import { inPackage } from '../../runtime/base/platform/package-files.ts';
import { createLineReader } from '../../runtime/work/agents/line-reader.ts';
import { messageId } from '../../runtime/work/agents/message-input.ts';
import { createClaudeTalk } from '../../runtime/work/agents/relay/claude-talk.ts';
import { isTypedId, messageLine, readMessageLine } from '../../runtime/work/agents/relay/message-line.ts';
import { until } from '../support/ground.ts';

afterEach(() => {
  vi.useRealTimers();
});

function talking(isFull = () => false) {
  const sent: { uuid: string; message: { content: { text: string }[] } }[] = [];
  const ends = { count: 0 };
  const talk = createClaudeTalk({
    send: (line) => {
      sent.push(JSON.parse(line));
    },
    isFull,
    end: () => {
      ends.count += 1;
    },
    note: () => {},
  });
  talk.begin('the prompt');
  const said = (event: object) => talk.line(JSON.stringify(event));
  return { talk, sent, ends, said };
}
const result = { type: 'result', subtype: 'success' };
const message = { id: messageId('a'), text: 'hello' };

it('all that a program has printed is passed on, however slowly it is read', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'stator-relay-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const script = 'yes | head -c 400000; echo the end; touch printed';
  const args = [inPackage('dist', 'bin', 'relay.js'), 'none', 'sh', '-c', script];
  const relay = spawn(process.execPath, args, { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] });
  await until(() => existsSync(join(folder, 'printed')));
  // A relay that ends with its program ends now.
  await delay(300);
  expect((await text(relay.stdout)).slice(400_000)).toBe('the end\n');
});

it('the prompt is the first message, under an id that is no typed one; the input ends at the result', () => {
  const { sent, ends, said } = talking();
  expect(sent.map(({ message: { content } }) => content[0]?.text)).toEqual(['the prompt']);
  expect(isTypedId(sent[0]?.uuid ?? null)).toBe(false);
  said({ type: 'assistant', message: { content: [] } });
  expect(ends.count).toBe(0);
  said(result);
  expect(ends.count).toBe(1);
});

it('a result while a typed message is unread ends nothing; the one after the message was read does', () => {
  const { talk, sent, ends, said } = talking();
  talk.type(message);
  expect(sent[1]).toMatchObject({ type: 'user', uuid: message.id, message: { role: 'user' } });
  said(result);
  expect(ends.count).toBe(0);
  said({ type: 'user', isReplay: true, uuid: message.id });
  said(result);
  expect(ends.count).toBe(1);
});

it('a program that repeats no message has its input ended after a result and silence', () => {
  vi.useFakeTimers();
  const { talk, ends, said } = talking();
  talk.type(message);
  vi.advanceTimersByTime(60_000);
  said(result);
  vi.advanceTimersByTime(4_000);
  said({ type: 'system' });
  vi.advanceTimersByTime(4_000);
  expect(ends.count).toBe(0);
  vi.advanceTimersByTime(2_000);
  expect(ends.count).toBe(1);
});

it('a line that is not an event of the program is ignored, and a program whose input is full is sent nothing more', () => {
  const { talk, sent, ends, said } = talking(() => true);
  talk.type(message);
  expect(sent).toHaveLength(1);
  for (const line of ['', '{', '[]', 'null', '{"type":"result"', ' {"type":"result"}', '{"type":["result"]}', '\ud800'])
    talk.line(line);
  said({ type: 'user', message: { content: [{ type: 'text', text: JSON.stringify(result) }] } });
  said({ type: 'user', isReplay: 'true', uuid: 7 });
  expect(ends.count).toBe(0);
});

it('lines come whole however they are cut, and one over the limit is left out', () => {
  const lines: string[] = [];
  const read = createLineReader(10, (line) => lines.push(line));
  for (const byte of Buffer.from('ünder\n\nx')) read(Buffer.from([byte]));
  read(Buffer.from(`${'y'.repeat(9)}\n${'z'.repeat(1_000)}`));
  read(Buffer.from(`${'z'.repeat(1_000)}\nlast\nno end`));
  expect(lines).toEqual(['ünder', '', `x${'y'.repeat(9)}`, 'last']);
});

it('a typed line is read as it was written, and nothing else is one', () => {
  const odd = { id: messageId('b'), text: 'two\nlines \u2028 "quoted" \\ ünder \u0000' };
  expect(readMessageLine(messageLine(odd).trimEnd())).toEqual(odd);
  expect(messageId('b')).toBe(odd.id);
  expect(messageId('a')).not.toBe(odd.id);
  for (const line of ['', '{}', '{"id":"x","text":"y"}', `{"id":"${odd.id}"}`, messageLine(odd).slice(0, -5)])
    expect(readMessageLine(line)).toBeNull();
});
