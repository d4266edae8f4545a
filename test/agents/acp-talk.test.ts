/** What a relay says to an agent of the Agent Client Protocol, message by message, whatever the agent answers. */
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { messageId } from '../../runtime/work/agents/message-input.ts';
import { optionFor, permissionText } from '../../runtime/work/agents/relay/acp-permission.ts';
import { type AcpSettings, idleCode } from '../../runtime/work/agents/relay/acp-settings.ts';
import { createAcpTalk } from '../../runtime/work/agents/relay/acp-talk.ts';
import type { AskPerson } from '../../runtime/work/agents/relay/ask-person.ts';
import { cancelLine, isCancelLine, readMessageLine } from '../../runtime/work/agents/relay/message-line.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

interface Message {
  readonly id?: number | string;
  readonly method?: string;
  readonly params?: Readonly<Record<string, unknown>>;
  readonly result?: unknown;
  readonly error?: { readonly code: number };
}

const settings: AcpSettings = {
  ...{ role: 'coder', version: '1', cwd: '/w', conversation: null, model: null, permissions: 'skip', mcpServers: [] },
  mode: { names: [], isChosen: false },
  options: {},
};

function talking(given: Partial<AcpSettings> = {}, ask: AskPerson = () => new Promise(() => {})) {
  const sent: Message[] = [];
  const notes: Readonly<Record<string, unknown>>[] = [];
  const ends = { count: 0 };
  const talk = createAcpTalk(
    {
      send: (line) => void sent.push(JSON.parse(line)),
      isFull: () => false,
      end() {
        ends.count += 1;
      },
      note: (words) => void notes.push(words),
    },
    { settings: { ...settings, ...given }, ask, wholePrompt: () => 'the whole prompt' },
  );
  const said = async (message: object) => {
    talk.line(JSON.stringify({ jsonrpc: '2.0', ...message }));
    await vi.advanceTimersByTimeAsync(0);
  };
  /** Answers the last request. */
  const answer = (result: object) => said({ id: sent.findLast(({ id }) => id !== undefined)?.id, result });
  const refuse = (code: number) =>
    said({ id: sent.findLast(({ id }) => id !== undefined)?.id, error: { code, message: 'no' } });
  const update = (one: object) => said({ method: 'session/update', params: { sessionId: 's', update: one } });
  const methods = () => sent.map(({ method }) => method);
  const problem = () => notes.find((words) => words.problem !== undefined)?.problem;
  async function begin(capabilities: object = {}, opened: object = {}) {
    talk.begin('the prompt');
    await vi.advanceTimersByTimeAsync(0);
    await answer({ protocolVersion: 1, agentCapabilities: capabilities });
    await answer({ sessionId: 's', ...opened });
  }
  return { talk, sent, notes, ends, said, answer, refuse, update, methods, problem, begin };
}

const tool = { sessionUpdate: 'tool_call', toolCallId: 't' };
const endTurn = { stopReason: 'end_turn' };

it('asks for version 1, offers nothing, and ends its input a moment after the turn', async () => {
  const { begin, sent, answer, update, ends, talk } = talking();
  await begin();
  expect(sent.map(({ method, params }) => [method, params])).toEqual([
    ['initialize', { protocolVersion: 1, clientInfo: { name: 'stator', version: '1' }, clientCapabilities: {} }],
    ['session/new', { cwd: '/w', mcpServers: [] }],
    ['session/prompt', { sessionId: 's', prompt: [{ type: 'text', text: 'the prompt' }] }],
  ]);
  await update(tool);
  await answer(endTurn);
  expect(ends.count).toBe(0);
  await vi.advanceTimersByTimeAsync(300);
  expect(ends.count).toBe(1);
  expect(talk.ended?.(7)).toBe(0);
});

it('a turn without a tool ends with a code of its own, and one that ended badly with 1', async () => {
  const idle = talking();
  await idle.begin();
  await idle.answer(endTurn);
  await vi.advanceTimersByTimeAsync(300);
  expect(idle.talk.ended?.(0)).toBe(idleCode);
  const bad = talking();
  await bad.begin();
  await bad.update(tool);
  await bad.answer({ stopReason: 'refusal' });
  expect(bad.talk.ended?.(0)).toBe(1);
  expect(bad.problem()).toContain('refusal');
  const silent = talking();
  await silent.begin();
  await silent.answer({});
  expect(silent.problem()).toBe('the agent ended its turn with an answer that has no `stopReason`');
});

it('an agent that ends in its turn ends the run with its code, and one that ends just after it has done its work', async () => {
  const early = talking();
  await early.begin();
  expect(early.talk.ended?.(0)).toBe(1);
  expect(early.problem()).toBe('the agent ended with 0 before its turn did');
  const signalled = talking();
  await signalled.begin();
  expect(signalled.talk.ended?.(137)).toBe(137);
  const late = talking();
  await late.begin();
  await late.update(tool);
  await late.answer(endTurn);
  expect(late.talk.ended?.(3)).toBe(0);
});

it('gives up an agent that never answers, with what it was asked', async () => {
  const { talk, problem, ends } = talking();
  talk.begin('the prompt');
  await vi.advanceTimersByTimeAsync(30_000);
  expect(problem()).toBe('the agent does not answer `initialize` within 30 s');
  expect(ends.count).toBe(1);
  const other = talking();
  other.talk.begin('the prompt');
  await vi.advanceTimersByTimeAsync(0);
  await other.answer({ protocolVersion: 1 });
  await vi.advanceTimersByTimeAsync(120_000);
  expect(other.problem()).toContain('`session/new` within 120 s');
});

it('takes a conversation up where the agent says how, drops what it repeats, and else begins anew with the whole prompt', async () => {
  const resumed = talking({ conversation: 'old' });
  await resumed.begin({ loadSession: true, sessionCapabilities: { resume: {} } }, {});
  expect(resumed.methods()).toEqual(['initialize', 'session/resume', 'session/prompt']);
  expect(resumed.sent.at(-1)?.params).toMatchObject({ sessionId: 'old', prompt: [{ text: 'the prompt' }] });
  const loaded = talking({ conversation: 'old' });
  loaded.talk.begin('the prompt');
  await vi.advanceTimersByTimeAsync(0);
  await loaded.answer({
    protocolVersion: 1,
    agentCapabilities: { loadSession: true, sessionCapabilities: { resume: {} } },
  });
  await loaded.refuse(-32_601);
  expect(loaded.talk.isRepeating?.()).toBe(true);
  await loaded.update(tool);
  await loaded.answer({});
  expect(loaded.talk.isRepeating?.()).toBe(false);
  await loaded.answer(endTurn);
  await vi.advanceTimersByTimeAsync(300);
  expect([loaded.methods().at(2), loaded.talk.ended?.(0)]).toEqual(['session/load', idleCode]);
  const late = talking({ conversation: 'old', mode: { names: ['free'], isChosen: true } });
  await late.begin({ loadSession: true }, { modes: { availableModes: [{ id: 'free' }] } });
  expect(late.talk.isRepeating?.()).toBe(true);
  await late.update(tool);
  await late.answer({});
  await late.answer(endTurn);
  await vi.advanceTimersByTimeAsync(300);
  expect(late.talk.ended?.(0)).toBe(idleCode);
  const lost = talking({ conversation: 'old' });
  lost.talk.begin('the prompt');
  await vi.advanceTimersByTimeAsync(0);
  await lost.answer({ protocolVersion: 1, agentCapabilities: { loadSession: true } });
  await lost.refuse(-32_603);
  await lost.answer({ sessionId: 's' });
  expect(lost.sent.at(-1)?.params).toMatchObject({ sessionId: 's', prompt: [{ text: 'the whole prompt' }] });
});

it('sets a mode by its name, by the end of its address, or by the option for it; the first that the agent has', async () => {
  const addressed = talking({
    mode: { names: ['yolo', 'agent'], isChosen: false },
    options: { allow_all: 'on', other: 'x' },
  });
  await addressed.begin(
    {},
    {
      modes: { availableModes: [{ id: 'https://x/modes#agent' }] },
      configOptions: [{ id: 'allow_all', options: [{ value: 'on' }] }],
    },
  );
  expect(addressed.sent.at(-1)).toMatchObject({
    method: 'session/set_mode',
    params: { modeId: 'https://x/modes#agent' },
  });
  await addressed.answer({});
  expect(addressed.sent.at(-1)?.params).toEqual({ sessionId: 's', configId: 'allow_all', value: 'on' });
  await addressed.answer({});
  expect(addressed.methods().at(-1)).toBe('session/prompt');
  const option = { id: 'm', category: 'mode', options: [{ value: 'plan' }, { value: 'yolo' }] };
  const chosen = talking({ mode: { names: ['yolo'], isChosen: true }, model: 'big' });
  await chosen.begin({}, { configOptions: [option, { id: 'mo', category: 'model', options: [{ value: 'big' }] }] });
  expect(chosen.sent.at(-1)?.params).toEqual({ sessionId: 's', configId: 'm', value: 'yolo' });
  await chosen.answer({});
  expect(chosen.sent.at(-1)?.params).toEqual({ sessionId: 's', configId: 'mo', value: 'big' });
});

it('works without a mode only where the agent has none and nobody named one', async () => {
  const none = talking({ mode: { names: ['yolo'], isChosen: false } });
  await none.begin();
  expect(none.methods().at(-1)).toBe('session/prompt');
  const named = talking({ mode: { names: ['yolo'], isChosen: true } });
  await named.begin();
  expect(named.problem()).toBe('the agent has no mode "yolo": it names no modes; correct `mode` under [agents.coder]');
  expect(named.notes.at(-1)).toMatchObject({ isLasting: true });
});

const permission = {
  id: 'q',
  method: 'session/request_permission',
  params: {
    toolCall: { title: 'rm -rf build', kind: 'execute', rawInput: { command: 'rm -rf build' } },
    options: [
      { optionId: 'ever', kind: 'allow_always', name: 'Always' },
      { optionId: 'yes', kind: 'allow_once', name: 'Yes' },
      { optionId: 'no', kind: 'reject_once', name: 'No' },
    ],
  },
};

it('without a person to ask, each use is allowed once, never always, and none after the turn', async () => {
  const { begin, said, sent } = talking();
  await begin();
  await said(permission);
  expect(sent.at(-1)).toMatchObject({ id: 'q', result: { outcome: { outcome: 'selected', optionId: 'yes' } } });
  await said({
    ...permission,
    id: 'r',
    params: { ...permission.params, options: permission.params.options.slice(0, 1) },
  });
  expect(sent.at(-1)).toMatchObject({ id: 'r', result: { outcome: { outcome: 'cancelled' } } });
  await said({ id: sent.find(({ method }) => method === 'session/prompt')?.id, result: endTurn });
  await said({ ...permission, id: 'late' });
  expect(sent.at(-1)).toMatchObject({ id: 'late', result: { outcome: { outcome: 'cancelled' } } });
});

it('a denial goes back at once, and its words as the next prompt', async () => {
  const { begin, said, sent, answer, update } = talking({ permissions: 'ask' }, async ({ tool: asked, detail }) => {
    expect([asked, detail]).toEqual([
      'execute: rm -rf build',
      'rm -rf build\nits own answers: Always (allow_always), Yes (allow_once), No (reject_once)',
    ]);
    return { isAllowed: false, message: 'use make clean' };
  });
  await begin();
  await said(permission);
  expect(sent.at(-1)).toMatchObject({ result: { outcome: { optionId: 'no' } } });
  await update(tool);
  await answer(endTurn).catch(() => undefined);
  expect(sent.filter(({ method }) => method === 'session/prompt')).toHaveLength(1);
  await said({ id: sent.find(({ method }) => method === 'session/prompt')?.id, result: endTurn });
  await vi.advanceTimersByTimeAsync(300);
  expect(sent.at(-1)?.params).toMatchObject({
    prompt: [{ text: '"execute: rm -rf build" was denied: use make clean' }],
  });
});

it('shows a diff line by line, and chooses by the kind of an option alone', () => {
  const diff = { type: 'diff', path: '/w/a.txt', oldText: 'a', newText: 'b\nc' };
  expect(permissionText({ toolCall: { title: 'Edit', kind: 'edit', content: [diff] } }).detail).toBe(
    '/w/a.txt\n- a\n+ b\n+ c',
  );
  expect(permissionText({ toolCall: { title: 'x', rawInput: { command: 'y'.repeat(20_000) } } }).detail).toContain(
    'more characters, which are not shown',
  );
  // What ends in half of a character would be refused, which counts as a denial.
  const cut = permissionText({
    toolCall: { title: `${'x'.repeat(255)}😀`, rawInput: { command: `${'y'.repeat(11_999)}😀` } },
  });
  expect([cut.tool.at(-1), cut.detail.slice(11_999, 12_001)]).toEqual(['\ufffd', '\ufffd\n']);
  expect(permissionText({})).toEqual({ tool: 'something', detail: '' });
  expect([optionFor(permission.params, true), optionFor(permission.params, false), optionFor({}, true)]).toEqual([
    ...['yes', 'no'],
    null,
  ]);
});

it('has one prompt under way at a time: what is typed is the next one, with all that waits', async () => {
  const { begin, talk, sent, answer, notes, update } = talking();
  await begin();
  const [one, two] = ['one', 'two'].map((text) => ({ id: messageId(text), text }));
  if (one === undefined || two === undefined) throw new Error('two were made');
  talk.type(one);
  talk.type(two);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(sent.filter(({ method }) => method === 'session/prompt')).toHaveLength(1);
  await answer(endTurn);
  await vi.advanceTimersByTimeAsync(300);
  expect(sent.at(-1)?.params).toMatchObject({ prompt: [{ text: 'one\n\ntwo' }] });
  expect(notes.some(({ typed }) => typed !== undefined)).toBe(false);
  await update(tool);
  expect(notes.at(-1)).toEqual({ typed: [one, two] });
});

it('steers where the agent takes it, and keeps for the next prompt what it does not', async () => {
  const { begin, talk, sent, answer, refuse, said } = talking();
  talk.begin('the prompt');
  await vi.advanceTimersByTimeAsync(0);
  await answer({ protocolVersion: 1, _meta: { steering: { supported: true } } });
  await answer({ sessionId: 's' });
  const prompt = sent.at(-1)?.id;
  talk.type({ id: messageId('a'), text: 'use tabs' });
  expect(sent.at(-1)).toMatchObject({ method: '_session/steering', params: { prompt: [{ text: 'use tabs' }] } });
  await answer({ outcome: 'injected' });
  talk.type({ id: messageId('b'), text: 'and spaces' });
  await refuse(-32_601);
  await said({ id: prompt, result: endTurn });
  await vi.advanceTimersByTimeAsync(300);
  expect(sent.at(-1)?.params).toMatchObject({ prompt: [{ text: 'and spaces' }] });
  expect(begin).toBeDefined();
});

it('a cancel sends session/cancel, cancels an open permission request, and waits at most 5 s for the end of the turn', async () => {
  const { begin, talk, said, sent, ends, problem } = talking({ permissions: 'ask' });
  await begin();
  const prompt = sent.at(-1)?.id;
  await said(permission);
  talk.cancel?.();
  await vi.advanceTimersByTimeAsync(0);
  expect(sent.slice(-2)).toMatchObject([
    { method: 'session/cancel', params: { sessionId: 's' } },
    { id: 'q', result: { outcome: { outcome: 'cancelled' } } },
  ]);
  expect(ends.count).toBe(0);
  await said({ id: prompt, error: { code: -32_603, message: 'Request was aborted' } });
  expect([ends.count, problem()]).toEqual([1, undefined]);
  const deaf = talking();
  await deaf.begin();
  deaf.talk.cancel?.();
  await vi.advanceTimersByTimeAsync(5_000);
  expect(deaf.ends.count).toBe(1);
  expect([isCancelLine(cancelLine.trimEnd()), readMessageLine(cancelLine)]).toEqual([true, null]);
});

it('answers no line that is no message, and what is not offered with an error', async () => {
  const { begin, talk, sent, said, problem } = talking();
  await begin();
  const before = sent.length;
  const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
  for (const line of [
    'debug',
    'null',
    '42',
    '[1]',
    '{"half',
    '{}',
    '{"id":null,"error":{"code":-32700}}',
    '{"id":999,"result":{}}',
    `{"method":"$/cancel_request","params":{"requestId":${deep}}}`,
  ])
    talk.line(line);
  await said({ method: 'session/update', params: null });
  await said({ method: 'x/unknown' });
  expect(sent).toHaveLength(before);
  for (const method of ['fs/read_text_file', 'fs/write_text_file', 'terminal/create', 'x/unknown']) {
    await said({ id: method, method, params: { path: '/etc/passwd' } });
    expect(sent.at(-1)).toMatchObject({ id: method, error: { code: -32_601 } });
  }
  const prompt = sent.find(({ method }) => method === 'session/prompt')?.id;
  talk.line(`{"id":${prompt},"error":{"code":${deep},"message":"no","data":${deep}}}`);
  await vi.advanceTimersByTimeAsync(0);
  expect(problem()).toContain('no: data that nests too deeply to be shown');
});

it('answers a hundred requests at once, each by its id', async () => {
  const { begin, talk, sent } = talking();
  await begin();
  const ids = Array.from({ length: 100 }, (_, at) => `q${at}`);
  for (const id of ids) talk.line(JSON.stringify({ ...permission, id }));
  await vi.advanceTimersByTimeAsync(0);
  expect(sent.flatMap(({ id }) => (String(id).startsWith('q') ? [id] : []))).toEqual(ids);
});

it('an agent that asks without end is answered without an option, and its turn does not count', async () => {
  const { begin, talk, sent, said, answer, problem, update } = talking();
  await begin();
  const prompt = sent.at(-1)?.id;
  await update(tool);
  for (let at = 0; at < 10_050; at += 1) {
    talk.line(JSON.stringify({ ...permission, id: `q${at}` }));
    if (at % 32 === 0) await vi.advanceTimersByTimeAsync(0);
  }
  await vi.advanceTimersByTimeAsync(0);
  expect(sent.at(-1)).toMatchObject({ result: { outcome: { outcome: 'cancelled' } } });
  await said({ id: prompt, result: endTurn });
  expect(problem()).toContain('more than 10000 permissions');
  expect(answer).toBeDefined();
});
