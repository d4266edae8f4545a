/** What codex writes of its limits into the file of a thread: the lines are as version 0.169.0 wrote them. */
import { appendFileSync, mkdirSync, mkdtempSync, renameSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { codexQuotas } from '../../runtime/work/agents/reports/codex-session.ts';
import { tempFolder } from '../support/temp-folder.ts';

const thread = '01a21c51-c2c6-70f2-a1a8-4e41e24497b7';
const begunMs = Date.parse('2026-11-27T09:24:10.054Z');
const saidAt = '2026-11-27T09:24:10.194Z';
const primary = { used_percent: 37.5, window_minutes: 300, resets_at: 1_795_775_050 };
const secondary = { used_percent: 12, window_minutes: 10_080, resets_at: 1_796_030_650 };
const fiveHours = { span: 'five_hour', used: 0.375, untilMs: 1_795_775_050_000, isUnproven: true };
const week = { span: 'seven_day', used: 0.12, untilMs: 1_796_030_650_000, isUnproven: true };

function lineOf(limits: object | null, timestamp = saidAt): string {
  const info = { total_token_usage: { input_tokens: 11, output_tokens: 2 }, model_context_window: 258_400 };
  const payload = { type: 'token_count', info, rate_limits: limits };
  return `${JSON.stringify({ timestamp, ordinal: 12, type: 'event_msg', payload })}\n`;
}

const usual = { limit_id: 'codex', limit_name: null, primary, secondary, credits: null, plan_type: 'plus' };

function threadIn(day = '2026/11/27', text = lineOf(usual), id = thread): { sessions: string; file: string } {
  const sessions = join(mkdtempSync(join(tempFolder(), 'stator-')), 'sessions');
  const file = join(sessions, day, `rollout-2026-11-27T09-24-10-${id}.jsonl`);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  return { sessions, file };
}

const read = (sessions: string, sinceMs = begunMs, conversation = thread) =>
  codexQuotas(sessions, { conversation, sinceMs });

describe('the file of a thread of codex', () => {
  it.each(['2026/11/26', '2026/11/27', '2026/11/28'])('says both spans, whatever the time zone: %s', (day) => {
    expect(read(threadIn(day).sessions)).toEqual([fiveHours, week]);
  });

  it.each<[string, string, readonly object[]]>([
    [
      'says the last of it',
      lineOf(usual) + lineOf({ ...usual, primary: { ...primary, used_percent: 98 } }),
      [{ ...fiveHours, used: 0.98 }, week],
    ],
    [
      'has a line without spans after a limit was reached',
      lineOf(usual) + lineOf({ ...usual, limit_id: 'premium', primary: null, secondary: null }),
      [fiveHours, week],
    ],
    ['has the limits of one model', lineOf({ ...usual, limit_id: 'codex_other' }), []],
    ['has no limits, because a key is used', lineOf(null), []],
    ['names no limit', lineOf({ primary, secondary: null }), [fiveHours]],
    [
      'has a span of another length',
      lineOf({ primary: { ...primary, window_minutes: 1440 } }),
      [{ ...fiveHours, span: 'limit' }],
    ],
    ['says more than all', lineOf({ primary: { ...primary, used_percent: 300 } }), [{ ...fiveHours, used: 1 }]],
    [
      'names an end after the span',
      lineOf({ primary: { ...primary, resets_at: 4e9 } }),
      [{ ...fiveHours, untilMs: Date.parse(saidAt) + 300 * 60_000 }],
    ],
    ['names no end', lineOf({ primary: { used_percent: 1, window_minutes: 300 } }), []],
    ['is about an earlier run', lineOf(usual, '2026-11-27T09:24:09.000Z'), []],
    ['names no time', lineOf(usual, 'now'), []],
    ['has numbers that are none', lineOf({ primary: { ...primary, used_percent: '5' }, secondary: 7 }), []],
    ['is cut within a line', lineOf(usual).slice(0, -20), []],
    ['is empty', '', []],
  ])('%s', (_what, text, quotas) => {
    expect(read(threadIn('2026/11/27', text).sessions)).toEqual(quotas);
  });

  it('is read at its end only, however long it is', () => {
    const { sessions, file } = threadIn();
    truncateSync(file, 8 * 1024 ** 3);
    expect(read(sessions)).toEqual([]);
    appendFileSync(file, `\n${lineOf(usual)}`);
    expect(read(sessions)).toEqual([fiveHours, week]);
  });

  it('is that of the thread alone', () => {
    const other = '01a21c51-c2c6-70f2-a1a8-4e41e24497b8';
    expect(read(threadIn('2026/11/27', lineOf(usual), other).sessions)).toEqual([]);
    for (const id of ['../../etc/passwd', 'x', '', `${thread}\n`, '11111111-1111-4111-8111-111111111111'])
      expect(read(threadIn().sessions, 0, id)).toEqual([]);
    expect(read(join(tempFolder(), 'stator-none'))).toEqual([]);
  });

  it.each(['the file', 'the day', 'the year'])('is never read through a link: %s', (what) => {
    const { sessions, file } = threadIn();
    const place = { 'the file': file, 'the day': dirname(file), 'the year': join(sessions, '2026') }[what] ?? '';
    renameSync(place, join(dirname(sessions), 'elsewhere'));
    symlinkSync(join(dirname(sessions), 'elsewhere'), place);
    expect(read(sessions)).toEqual([]);
  });

  it('may be a folder or a pipe: then it says nothing', () => {
    const { sessions, file } = threadIn('2026/11/27', lineOf(usual), '01a21c51-c2c6-70f2-a1a8-4e41e24497b9');
    mkdirSync(join(dirname(file), `rollout-x-${thread}.jsonl`));
    expect(read(sessions)).toEqual([]);
  });
});
