/** What is read from the log of an agent of the Agent Client Protocol: whose messages count, its usage, and which ends are limits and refusals. */
import { expect, it } from 'vitest';
import { createAcpReader } from '../../runtime/work/agents/reports/acp.ts';
import { readableLog } from '../../runtime/work/agents/reports/readable-log.ts';

const at = { writtenAtMs: 1_000_000, code: 1 };
const sent = (id: number, method = 'session/prompt') => ({ stator: { sent: method, id } });
const update = (one: object) => ({ jsonrpc: '2.0', method: 'session/update', params: { sessionId: 's', update: one } });
const says = (text: string, messageId?: string) =>
  update({ sessionUpdate: 'agent_message_chunk', content: { type: 'text', text }, messageId });
const tool = update({ sessionUpdate: 'tool_call', toolCallId: 't', title: 'cat a.txt' });
const ends = (id: number, more: object = {}) => ({ id, result: { stopReason: 'end_turn', ...more } });
const fails = (id: number, error: object) => ({ id, error: { code: -32_603, message: 'Internal error', ...error } });

function reportOf(...events: readonly object[]) {
  const reader = createAcpReader();
  for (const event of events) reader.event(event as Readonly<Record<string, unknown>>);
  return reader.report(at);
}

it('its last message is that after its last tool, without what its program said in its place', () => {
  const { finalMessages, lastMessage, isOver } = reportOf(
    ...[sent(1), says('Warning: the model is new'), says('I look '), says('first.'), tool],
    ...[says('**Warning:** we change'), says('Done.\n'), says('stator verdict: approved'), ends(1)],
  );
  expect(finalMessages).toEqual(['Done.\nstator verdict: approved']);
  expect([lastMessage, isOver]).toEqual(['Done.\nstator verdict: approved', true]);
});

it('verdicts that contradict each other, and a verdict before a tool, count for nothing', () => {
  const differing = reportOf(
    sent(1),
    says('stator verdict: changes requested'),
    tool,
    says('stator verdict: approved'),
    ends(1),
  );
  expect(differing.finalMessages).toEqual([]);
  expect(reportOf(sent(1), says('stator verdict: approved'), tool, ends(1)).finalMessages).toEqual(['']);
});

it('an answer to nothing that was asked ends no turn', () => {
  expect(reportOf(sent(1), tool, ends(7)).isOver).toBe(false);
  expect(reportOf(ends(1)).isOver).toBe(false);
});

const login = { code: -32_000, message: 'rate limit of guests: log in' };

it.each([
  [
    'a turn that its tokens ended',
    [sent(1), tool, ends(1, { stopReason: 'max_tokens' })],
    { isOver: false, finalMessages: [''] },
  ],
  ['a further turn', [sent(1), says('Done.'), ends(1), sent(2)], { isOver: false }],
  [
    'a login that the conversation needs',
    [sent(1, 'session/load'), fails(1, login)],
    { denied: true, rateLimit: null },
  ],
  ['a conversation that is gone', [sent(1, 'session/load'), fails(1, {})], { denied: false, problem: null }],
  [
    'what every attempt would meet',
    [{ stator: { problem: 'no mode', isLasting: true } }],
    { lastingProblem: 'no mode' },
  ],
  [
    'what the next attempt may not meet',
    [{ stator: { problem: 'it ended' } }],
    { lastingProblem: null, problem: 'it ended' },
  ],
])('%s', (_what, events, meant) => {
  expect(reportOf(...events)).toMatchObject(meant);
});

it('counts each turn, with what was cached and thought', () => {
  const usage = { totalTokens: 180, inputTokens: 100, outputTokens: 20, cachedReadTokens: 30, thoughtTokens: 30 };
  const { inputTokens, outputTokens } = reportOf(sent(1), ends(1, { usage }), sent(2), ends(2, { usage }));
  expect([inputTokens, outputTokens]).toEqual([260, 100]);
  const quota = { _meta: { quota: { token_count: { input_tokens: 7, output_tokens: 3 } } } };
  expect(reportOf(sent(1), ends(1, quota))).toMatchObject({ inputTokens: 7, outputTokens: 3 });
  expect(reportOf(sent(1), ends(1))).toMatchObject({ inputTokens: null, outputTokens: null, costUsd: null });
});

it.each([
  [fails(1, { data: { errorKind: 'rate_limit' } }), null],
  [fails(1, { data: { codexErrorInfo: 'usageLimitExceeded' } }), null],
  [fails(1, { data: { details: '429 rate limited, retry after 3600 s' } }), 4_600_000],
  [fails(1, { data: { details: '429 rate limited, try again in 1m30.5s.' } }), 1_090_500],
  [fails(1, { message: 'Rate limit reached; try again in 2 minutes' }), 1_120_000],
])('%j is a limit', (event, untilMs) => {
  expect(reportOf(sent(1), event)).toMatchObject({ rateLimit: { untilMs }, denied: false });
});

it('an error of its service that comes as words is a limit only where the agent itself said and did nothing', () => {
  expect(reportOf(sent(1), says('Error: 429 limit reached'), ends(1)).rateLimit).toEqual({ untilMs: null });
  expect(reportOf(sent(1), says('I read: 429 limit reached'), ends(1)).rateLimit).toBeNull();
  expect(reportOf(sent(1), tool, says('Error: 429 limit reached'), ends(1)).rateLimit).toBeNull();
});

it('a login that is missing is no limit, and is said with what the agent says of it', () => {
  const terminal = { id: 'x', _meta: { 'terminal-auth': { command: 'agent', args: ['login'] } } };
  const about = [sent(1, 'initialize'), { id: 1, result: { authMethods: [terminal] } }];
  const report = reportOf(
    ...about,
    sent(2, 'session/new'),
    fails(2, { code: -32_000, message: 'Authentication required' }),
  );
  expect(report).toMatchObject({ denied: true, rateLimit: null });
  expect(report.problem).toBe('Authentication required; the agent says how to log in: agent login');
  expect(reportOf(...about, sent(2, 'session/load'), fails(2, {})).denied).toBe(false);
  const unpaid = fails(2, { code: -32_603, message: 'Internal error', data: { details: '402 Insufficient balance' } });
  expect(reportOf(sent(2, 'session/prompt'), unpaid)).toMatchObject({ denied: true, rateLimit: null });
});

it('shows people its words, tools, edits, plan and what was decided, and no line of the protocol', () => {
  const plan = {
    sessionUpdate: 'plan',
    entries: [
      { content: 'read', status: 'completed' },
      { content: 'write', status: 'pending' },
    ],
  };
  const diff = { type: 'diff', path: 'a.txt', oldText: 'a\n', newText: 'b\nc\n' };
  const events = [
    ...[
      { id: 1, result: { agentInfo: { name: 'agent', version: '2' } } },
      sent(2),
      update(plan),
      says('I '),
      says('look.'),
    ],
    ...[update({ sessionUpdate: 'tool_call', title: 'Shell', rawInput: { command: 'npm test' } })],
    ...[update({ sessionUpdate: 'tool_call_update', status: 'failed', title: 'Shell', content: [diff] })],
    ...[{ stator: { leftOut: 5_000_000 } }, { stator: { typed: [{ id: 'x', text: 'use tabs' }] } }, ends(2)],
  ];
  expect(readableLog('acp', events.map((event) => `${JSON.stringify(event)}\n`).join(''))).toBe(
    [
      ...['agent 2 begins', '[x] read', '[ ] write', 'I look.', '$ npm test', '! Shell failed'],
      ...[
        'edit a.txt: 1 lines before, 2 after',
        '! a line of 5000000 bytes is left out here',
        '> use tabs',
        'ended',
        '',
      ],
    ].join('\n'),
  );
});
