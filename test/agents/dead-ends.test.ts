/** What the end of a program means: a full conversation, a refused model or login, a limit, a success; the same text by an agent counts for nothing. */
import { expect, it } from 'vitest';
import { createLogReader } from '../../runtime/work/agents/reports/read-log.ts';

const at = { code: 1, writtenAtMs: 0 };
const claude = (result: string) => ({ type: 'result', subtype: 'success', is_error: true, result });
const codex = (message: string) => ({ type: 'turn.failed', error: { message } });
const gemini = (message: string) => ({ type: 'result', status: 'error', error: { type: 'Error', message } });
const opencode = (message: string, name = 'APIError') => ({ type: 'error', error: { name, data: { message } } });
const overflow = (message: string) => opencode(message, 'ContextOverflowError');

it.each([
  ['claude', claude('Prompt is too long'), 'full'],
  [
    'claude',
    claude('API Error: 400 {"type":"error","error":{"message":"prompt is too long: 2 tokens > 1 maximum"}}'),
    'full',
  ],
  [
    'codex',
    codex(
      "Codex ran out of room in the model's context window. Start a new thread or clear earlier history before retrying.",
    ),
    'full',
  ],
  [
    'codex',
    codex(
      '{"error":{"message":"Your input exceeds the context window of this model.","code":"context_length_exceeded"}}',
    ),
    'full',
  ],
  [
    'gemini',
    gemini('[API Error: The input token count (2) exceeds the maximum number of tokens allowed (1).]'),
    'full',
  ],
  [
    'gemini',
    gemini('Sending this message (2 tokens) might exceed the remaining context window limit (1 tokens).'),
    'full',
  ],
  ['opencode', overflow('prompt is too long: 2 tokens > 1 maximum'), 'full'],
  ['opencode', overflow('Please reduce the length of the messages or completion.'), 'full'],
  [
    'claude',
    claude("There's an issue with the selected model (x). It may not exist or you may not have access to it."),
    'model',
  ],
  [
    'codex',
    codex(
      `unexpected status 400 Bad Request: {"detail":"The 'x' model is not supported when using Codex with a ChatGPT account."}`,
    ),
    'model',
  ],
  [
    'codex',
    codex(
      '{"type":"error","status":400,"error":{"message":"The \'x\' model is not supported when using Codex with a ChatGPT account."}}',
    ),
    'model',
  ],
  [
    'codex',
    codex('unexpected status 404 Not Found: The model `x` does not exist or you do not have access to it.'),
    'model',
  ],
  [
    'gemini',
    gemini('[API Error: {"error":{"message":"models/x is not found for API version v1beta","code":404}}]'),
    'model',
  ],
  [
    'gemini',
    gemini('[API Error: {"error":{"code":404,"message":"Requested entity was not found.","status":"NOT_FOUND"}}]'),
    'model',
  ],
  ['opencode', opencode('Model not found: a/x. Did you mean: a/y?', 'UnknownError'), 'model'],
  ['opencode', opencode('model: claude-x'), 'model'],
  ['opencode', opencode('The model `x` does not exist or you do not have access to it.'), 'model'],
  ['claude', claude('API Error: 500 something broke'), 'neither'],
  ['claude', claude('I looked why a prompt is too long'), 'neither'],
  ['codex', codex('unexpected status 500 Internal Server Error'), 'neither'],
  ['opencode', opencode('Please reduce the length of your name.'), 'neither'],
] as const)('%s: %j is %s', (preset, event, meant) => {
  const log = createLogReader(preset);
  log.read(Buffer.from(`${JSON.stringify(event)}\n`));
  expect(log.report(at)).toMatchObject({ isContextFull: meant === 'full', isModelRefused: meant === 'model' });
  // A program that ended well met nothing; gemini and opencode may exit with 0 after an error.
  if (preset === 'gemini' || preset === 'opencode') expect(log.report({ ...at, code: 0 })).toMatchObject({ code: 1 });
  else expect(log.report({ ...at, code: 0 })).toMatchObject({ isContextFull: false, isModelRefused: false });
});

it.each(['Prompt is too long', 'API Error: model not found'])(
  'says nothing about it if the agent writes %j',
  (text) => {
    const log = createLogReader('claude');
    const said = { type: 'assistant', message: { id: 'm', content: [{ type: 'text', text }] } };
    log.read(Buffer.from(`${JSON.stringify(said)}\n`));
    expect(log.report(at)).toMatchObject({ isContextFull: false, isModelRefused: false });
  },
);

it.each([
  [true, { message: 'Insufficient credits.', statusCode: 402 }],
  [true, { message: 'Your credit balance is too low to access the API.', statusCode: 400 }],
  [false, { message: 'bad request', statusCode: 400 }],
])('opencode is refused until somebody pays, %j: %j', (denied, answer) => {
  const log = createLogReader('opencode');
  log.read(Buffer.from(`${JSON.stringify({ type: 'error', error: { name: 'APIError', data: answer } })}\n`));
  expect(log.report(at)).toMatchObject({ denied, rateLimit: null });
});

const begun = { type: 'system', subtype: 'init', session_id: 's' };
const retried = (status: number) => ({ type: 'system', subtype: 'api_retry', error_status: status });
const wrote = { type: 'assistant', message: { id: 'm', content: [{ type: 'text', text: 'on it' }] } };
const limited = { type: 'rate_limit_event', rate_limit_info: { status: 'rejected', resetsAt: 9 } };
const ended = { type: 'result', subtype: 'success', is_error: false, result: 'done' };
const allowed = { type: 'rate_limit_event', rate_limit_info: { status: 'allowed', resetsAt: 9 } };
const unknown = {
  type: 'result',
  is_error: true,
  session_id: 's',
  errors: ['No conversation found with session ID: s'],
};
const said = { type: 'item.completed', item: { type: 'agent_message', text: 'it is good' } };
const failed = { type: 'result', subtype: 'error_during_execution', is_error: true, errors: ['it broke'] };
const used = { type: 'tool_use', part: {} };
const stepEnds = (reason: string) => ({ type: 'step_finish', part: { reason } });

it.each([
  ['claude', 'three refusals in a row', [begun, retried(401), retried(403), retried(401)], { denied: true }],
  [
    'claude',
    'a refusal after one of another kind',
    [retried(401), retried(401), retried(529), retried(401)],
    { denied: false },
  ],
  ['claude', 'a refusal after an answer', [retried(401), retried(401), wrote, retried(401)], { denied: false }],
  ['claude', 'an error after a limit that is over', [limited, wrote, failed], { rateLimit: null, problem: 'it broke' }],
  ['claude', 'an error within a limit', [wrote, limited, failed], { rateLimit: { untilMs: 9000 } }],
  ['claude', 'an error where much is left', [wrote, allowed, failed], { rateLimit: null }],
  [
    'claude',
    'words of a subagent',
    [wrote, { ...wrote, parent_tool_use_id: 't', message: { content: [{ type: 'text', text: 'not mine' }] } }],
    { lastMessage: 'on it' },
  ],
  ['claude', 'a conversation that is gone', [unknown], { conversation: null }],
  ['claude', 'a result', [begun, wrote, ended], { isOver: true }],
  ['claude', 'a further turn', [begun, wrote, ended, begun], { isOver: false }],
  ['claude', 'a message after the result', [wrote, ended, { type: 'user' }], { isOver: false }],
  ['claude', 'a result of turns without end', [{ ...ended, subtype: 'error_max_turns' }], { isOver: false }],
  ['claude', 'a result that is an error', [{ ...ended, is_error: true }], { isOver: false, problem: 'done' }],
  [
    'codex',
    'a turn after a failed one',
    [codex('it broke'), { type: 'turn.completed' }],
    { isOver: true, problem: null },
  ],
  ['codex', 'a further turn', [{ type: 'turn.completed' }, { type: 'turn.started' }], { isOver: false }],
  [
    'codex',
    'a turn without a message',
    [said, { type: 'turn.completed' }, { type: 'turn.started' }, { type: 'turn.completed' }],
    { finalMessages: ['it is good', ''] },
  ],
  [
    'codex',
    'a turn that fails after a good one',
    [said, { type: 'turn.completed' }, codex('it broke')],
    { finalMessages: ['it is good', ''] },
  ],
  ['codex', 'an error that quotes a limit', [codex('it broke: rate limit exceeded: x')], { rateLimit: null }],
  ['codex', 'a warning', [{ type: 'item.completed', item: { type: 'error', message: 'old' } }], { hasSpoken: false }],
  [
    'gemini',
    'a daily quota',
    [
      gemini(
        '[API Error: You have exhausted your daily quota on this model.]\nPlease wait and try again later. To increase your limits, ask',
      ),
    ],
    { rateLimit: { untilMs: 3_600_000 } },
  ],
  ['gemini', 'a result', [{ type: 'result', status: 'success' }], { isOver: true }],
  ['gemini', 'a tool after a result', [{ type: 'result', status: 'success' }, { type: 'tool_use' }], { isOver: false }],
  [
    'gemini',
    'words after a result',
    [
      { type: 'result', status: 'success' },
      { type: 'message', role: 'assistant' },
    ],
    { isOver: false },
  ],
  ['gemini', 'no answer yet', [{ type: 'init', session_id: 's' }], { conversation: null }],
  ['gemini', 'an answer', [{ type: 'init', session_id: 's' }, { type: 'tool_use' }], { conversation: 's' }],
  ['opencode', 'a last step', [stepEnds('stop')], { isOver: true }],
  ['opencode', 'a step with a tool', [used, stepEnds('tool-calls')], { isOver: false }],
  ['opencode', 'a further step', [stepEnds('stop'), { type: 'step_start' }], { isOver: false }],
  [
    'opencode',
    'an error after a last step',
    [stepEnds('stop'), opencode('it broke')],
    { isOver: false, hasFailed: true, problem: 'it broke' },
  ],
  [
    'opencode',
    'a cut answer',
    [used, stepEnds('length')],
    { isOver: false, hasFailed: true, problem: 'length: its answer was longer than its model writes' },
  ],
  ['opencode', 'a step after a cut answer', [stepEnds('length'), { type: 'step_start' }], { hasFailed: false }],
  [
    'opencode',
    'a step after an error',
    [opencode('it broke'), { type: 'step_start' }],
    { hasFailed: false, problem: null },
  ],
] as const)('%s: %s', (preset, _what, events, meant) => {
  const log = createLogReader(preset);
  log.read(Buffer.from(events.map((event) => `${JSON.stringify(event)}\n`).join('')));
  expect(log.report(at)).toMatchObject(meant);
});

it('opencode that exits with 0 without an event has failed, with what it printed', () => {
  const log = createLogReader('opencode');
  log.read(Buffer.from('Error: Model not found: a/x. Did you mean: a/y?\n'));
  expect(log.report({ ...at, code: 0 })).toMatchObject({ code: 1, hasSpoken: false, isModelRefused: true });
});

const gaveUp = { type: 'error', severity: 'warning', message: 'Loop detected, stopping execution' };
const blocked = { type: 'error', severity: 'error', message: 'The model response was blocked due to safety settings.' };
const done = { type: 'result', status: 'success' };

it.each([
  ['its loop was stopped', [{ type: 'tool_use' }, gaveUp, done], { code: 1, isOver: false, problem: gaveUp.message }],
  [
    'an answer was blocked',
    [{ type: 'tool_use' }, blocked, { type: 'result', status: 'error' }],
    { code: 1, isOver: false, problem: blocked.message },
  ],
  ['it was warned and went on', [blocked, { type: 'tool_use' }, done], { code: 0, isOver: true, problem: null }],
])('gemini exits with 0 though %s', (_what, events, meant) => {
  const log = createLogReader('gemini');
  log.read(Buffer.from(events.map((event) => `${JSON.stringify(event)}\n`).join('')));
  expect(log.report({ ...at, code: 0 })).toMatchObject(meant);
});

it.each([
  [41, true],
  [1, false],
])('gemini that exits with %d has no login: %j', (code, denied) => {
  expect(createLogReader('gemini').report({ ...at, code })).toMatchObject({ denied });
});

it.each([
  ['goose', "error: unrecognized subcommand 'acp'", true],
  ['kimi', "Error: No such command 'acp'.", true],
  ['copilot', 'Error: No authentication information found.', false],
] as const)('%s that ends before it speaks the protocol says why: %s', (preset, words, isRefused) => {
  const log = createLogReader(preset);
  const relay = (problem: object) => JSON.stringify({ stator: problem });
  log.read(Buffer.from([relay({ sent: 'initialize', id: 1 }), words, relay({ problem: 'it ended' }), ''].join('\n')));
  const refusedArgument = isRefused ? words.replace(/^error: /i, '') : null;
  expect(log.report({ ...at, code: 1 })).toMatchObject({ problem: `it ended\n${words}`, refusedArgument });
});
