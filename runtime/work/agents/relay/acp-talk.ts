/**
 * The Agent Client Protocol, version 1: one conversation, one prompt at a time. A person's message meanwhile is sent as steering if the agent supports that,
 * otherwise as the next prompt. The log has the messages to the agent and the decisions of this process, beside the agent's own lines: reports are read from
 * there.
 *
 * The agent is offered no files and no terminals: it has its worktree inside the walls, and this process is outside.
 */
import { randomUUID } from 'node:crypto';
import { type JsonObject, listAt, objectAt, textAt, textsAt } from '../reports/json-line.ts';
import { optionFor, type PermissionText, permissionText } from './acp-permission.ts';
import { type AcpSettings, idleCode } from './acp-settings.ts';
import type { AskPerson, PersonAnswer } from './ask-person.ts';
import { createRpc, jsonText, methodNotFound, RpcError, unknownMethod } from './json-rpc.ts';
import type { TypedMessage } from './message-line.ts';
import type { Talk, TalkPorts } from './talk.ts';

export interface AcpParts {
  readonly settings: AcpSettings;
  readonly ask: AskPerson;
  /** The prompt for a failed resumption. */
  readonly wholePrompt: () => string;
}

/** An agent without a login, or without a network, may never answer. */
const initializeMs = 30_000;
/** The agent starts its servers, and repeats a whole conversation. */
const sessionMs = 120_000;
/** Some agents report their final usage after the answer. */
const drainMs = 300;
/** After a cancel the turn must end by itself within this time. */
const cancelMs = 5_000;
/** The most requests of one turn; an agent that asks in a loop is ended. */
const permissionLimit = 10_000;
const loginNeeded = -32_000;

/** `isLasting`: another attempt would fail in the same way. */
class TalkProblem extends Error {
  override readonly name = 'TalkProblem';
  readonly isLasting: boolean;
  constructor(message: string, { isLasting = false } = {}) {
    super(message);
    this.isLasting = isLasting;
  }
}

export function createAcpTalk(ports: TalkPorts, { settings, ask, wholePrompt }: AcpParts): Talk {
  const cancel = new AbortController();
  const waiting: TypedMessage[] = [];
  /** Messages in a prompt that the agent has not begun to answer. */
  let unread: readonly TypedMessage[] = [];
  let session = '';
  let canSteer = false;
  let isPrompted = false;
  let wasPrompted = false;
  let isOver = false;
  let hasTurn = false;
  let toolCalls = 0;
  let code = 1;

  const note = (words: JsonObject) => ports.note(words);
  const permissions = createPermissions({ settings, ask, note, say, cancelled: cancel.signal });
  const rpc = createRpc((line) => ports.send(line), {
    async request(method, params, cancelled) {
      if (method !== 'session/request_permission') throw unknownMethod(method);
      // Between its turns, and after the last one, it does nothing that an answer could permit.
      if (hasTurn && !isPrompted) return { outcome: { outcome: 'cancelled' } };
      return { outcome: await permissions.decide(params, cancelled) };
    },
    notification(method, params) {
      if (method !== 'session/update' || isRepeating()) return;
      if (objectAt(params, 'update')?.sessionUpdate === 'tool_call') toolCalls += 1;
      noteRead();
    },
  });

  const request = (method: string, params: JsonObject) =>
    rpc.request(method, params, (id) => note({ sent: method, id }));
  const channel: Channel = { settings, note, request };

  /** Until the first prompt, an agent repeats a resumed conversation; gemini still does after its answer to `session/load`. */
  function isRepeating(): boolean {
    return settings.conversation !== null && !wasPrompted;
  }

  function noteRead(): void {
    if (unread.length > 0) note({ typed: unread.map(({ id, text }) => ({ id, text })) });
    unread = [];
  }

  function say(message: TypedMessage): void {
    if (canSteer && isPrompted) void steer(message);
    else waiting.push(message);
  }

  async function steer(message: TypedMessage): Promise<void> {
    const words = { sessionId: session, prompt: textBlocks(message.text), _meta: steeringMeta };
    const answer = await request('_session/steering', words).catch(() => ({}));
    if (textAt(answer, 'outcome') === 'injected') note({ typed: [{ id: message.id, text: message.text }] });
    else waiting.push(message);
  }

  /** Runs until there are no more messages. */
  async function converse(first: string): Promise<void> {
    let text = first;
    for (;;) {
      isPrompted = true;
      wasPrompted = true;
      const answer = await request('session/prompt', { sessionId: session, prompt: textBlocks(text) });
      isPrompted = false;
      const reason = textAt(answer, 'stopReason');
      if (cancel.signal.aborted) return;
      if (reason !== 'end_turn') throw new TalkProblem(`the agent ended its turn with ${stopText(reason)}`);
      if (permissions.areTooMany())
        throw new TalkProblem(`the agent asked for more than ${permissionLimit} permissions`);
      code = toolCalls > 0 ? 0 : idleCode;
      hasTurn = true;
      noteRead();
      await new Promise((resolve) => setTimeout(resolve, drainMs));
      if (waiting.length === 0 || cancel.signal.aborted) return;
      unread = waiting.splice(0);
      text = unread.map((message) => message.text).join('\n\n');
    }
  }

  async function talk(prompt: string): Promise<void> {
    const about = await initialize(channel);
    canSteer = supportsSteering(about);
    const found = await openSession(channel, about);
    session = found.id;
    note({ conversation: session });
    await setUp(channel, found);
    if (!cancel.signal.aborted) await converse(found.isNew && settings.conversation !== null ? wholePrompt() : prompt);
  }

  function fail(thrown: unknown): void {
    if (isOver || cancel.signal.aborted) return;
    code = 1;
    note({
      problem: thrown instanceof Error ? thrown.message : String(thrown),
      isLasting: thrown instanceof TalkProblem && thrown.isLasting,
    });
  }

  function end(): void {
    isOver = true;
    ports.end();
  }

  return {
    begin: (prompt) => void talk(prompt).catch(fail).finally(end),
    type(message) {
      if (!isOver && !ports.isFull()) say(message);
    },
    line: (text) => rpc.line(text),
    isRepeating,
    leftOut(beginning, sizeBytes) {
      note({ leftOut: sizeBytes });
      if (/"method"\s*:\s*"session\/update"/.test(beginning)) return;
      rpc.close(`the agent said a line of ${sizeBytes} bytes that is no update, and a line may have 1 MiB`);
    },
    cancel() {
      if (isOver || cancel.signal.aborted) return;
      cancel.abort();
      if (isPrompted) rpc.notify('session/cancel', { sessionId: session });
      else end();
      setTimeout(end, cancelMs).unref();
    },
    ended(exit) {
      if (isOver || (hasTurn && !isPrompted)) return code;
      fail(new TalkProblem(`the agent ended with ${exit} before its turn did`));
      isOver = true;
      rpc.close('the agent has ended');
      return exit === 0 ? 1 : exit;
    },
  };
}

const allowed: PersonAnswer = { isAllowed: true, message: '' };
const steeringMeta = { steering: { idleBehavior: 'promptRequired' } };

/** The conversation with the agent before its first prompt. */
interface Channel {
  readonly settings: AcpSettings;
  /** Each request is logged with its number, by which its answer is recognized. */
  request(method: string, params: JsonObject): Promise<JsonObject>;
  note(words: JsonObject): void;
}

/** The resumed or new conversation, with its modes. */
interface Session {
  readonly id: string;
  readonly opened: JsonObject;
  readonly isNew: boolean;
}

interface PermissionParts extends Pick<AcpParts, 'settings' | 'ask'> {
  readonly cancelled: AbortSignal;
  note(words: JsonObject): void;
  /** Sends a message to the agent. */
  say(message: TypedMessage): void;
}

/** Decides what the agent may do, by the configuration or a person. */
function createPermissions({ settings, ask, cancelled, note, say }: PermissionParts) {
  let asked = 0;
  return {
    areTooMany: () => asked > permissionLimit,
    async decide(params: JsonObject, withdrawn: AbortSignal): Promise<JsonObject> {
      asked += 1;
      if (asked > permissionLimit || cancelled.aborted) return { outcome: 'cancelled' };
      const question = permissionText(params);
      const answer =
        settings.permissions === 'skip'
          ? allowed
          : await unlessAborted(ask, question, AbortSignal.any([withdrawn, cancelled]));
      if (answer === null) return { outcome: 'cancelled' };
      const optionId = optionFor(params, answer.isAllowed);
      const decision = answer.isAllowed ? 'allowed' : 'denied';
      note({
        answered: {
          tool: question.tool,
          answer: optionId === null ? `${decision}, which the agent does not offer` : decision,
        },
      });
      // The protocol has no text for a denial.
      if (!answer.isAllowed && answer.message !== '')
        say({ id: randomUUID(), text: `"${question.tool}" was denied: ${answer.message}` });
      return optionId === null ? { outcome: 'cancelled' } : { outcome: 'selected', optionId };
    },
  };
}

async function initialize({ settings, request }: Channel): Promise<JsonObject> {
  const about = await within(
    initializeMs,
    request('initialize', {
      protocolVersion: 1,
      clientInfo: { name: 'stator', version: settings.version },
      clientCapabilities: {},
    }),
    'the agent does not answer `initialize`',
  );
  if (about.protocolVersion !== 1)
    throw new TalkProblem(
      `the agent speaks version ${jsonText(about.protocolVersion ?? null)} of the Agent Client Protocol, and stator version 1; install a version of it that speaks that`,
      { isLasting: true },
    );
  return about;
}

function supportsSteering(about: JsonObject): boolean {
  return [objectAt(about, '_meta', 'steering'), objectAt(about, 'agentCapabilities', '_meta', 'steering')].some(
    (steering) => steering?.supported === true,
  );
}

async function openSession(channel: Channel, about: JsonObject): Promise<Session> {
  const { settings, request } = channel;
  const { conversation } = settings;
  const known = conversation === null ? null : await resume(channel, about, conversation);
  if (known !== null && conversation !== null) return { id: conversation, opened: known, isNew: false };
  const opened = await within(
    sessionMs,
    request('session/new', placeOf(settings)),
    'the agent does not answer `session/new`',
  );
  const id = textAt(opened, 'sessionId') ?? '';
  if (id === '') throw new TalkProblem('the agent began a conversation and named none');
  return { id, opened, isNew: true };
}

/** Continues a conversation. null: the agent cannot, and has used no tokens for the attempt. */
async function resume(
  { settings, request, note }: Channel,
  about: JsonObject,
  conversation: string,
): Promise<JsonObject | null> {
  const words = { ...placeOf(settings), sessionId: conversation };
  const capabilities = objectAt(about, 'agentCapabilities') ?? {};
  const ways = [
    ...(objectAt(capabilities, 'sessionCapabilities', 'resume') === null ? [] : ['session/resume']),
    ...(capabilities.loadSession === true ? ['session/load'] : []),
  ];
  for (const way of ways) {
    try {
      return await within(sessionMs, request(way, words), `the agent does not answer \`${way}\``);
    } catch (thrown) {
      if (thrown instanceof RpcError && thrown.code === loginNeeded) throw thrown;
      note({ notTakenUp: conversation, by: way });
    }
  }
  return null;
}

/** Sets the mode, the model and the options that the configuration names. */
async function setUp(channel: Channel, session: Session): Promise<void> {
  const { settings } = channel;
  const { id: sessionId, opened, isNew } = session;
  const { role } = settings;
  const modes = listAt(opened, 'modes', 'availableModes').flatMap((mode) => textAt(mode, 'id') ?? []);
  const options = listAt(opened, 'configOptions');
  const set = (method: string, params: JsonObject) =>
    within(sessionMs, channel.request(method, { sessionId, ...params }), `the agent does not answer \`${method}\``);
  const setOption = (option: JsonObject | undefined, value: string | boolean) =>
    set('session/set_config_option', { configId: option?.id, value });
  const setMode = (modeId: string) => set('session/set_mode', { modeId });
  const optionOf = (category: string) => options.find((option) => option.category === category);
  const all = modes.length > 0 ? modes : valuesOf(optionOf('mode'));
  const { names, isChosen } = settings.mode;
  const mode = names.flatMap((name) => all.find((id) => isMode(id, name)) ?? [])[0];
  if (mode === undefined && (all.length > 0 || (isNew && isChosen))) throw unfit('mode', names, { role, all });
  if (mode !== undefined && modes.length === 0) await setOption(optionOf('mode'), mode);
  else if (mode !== undefined) await setMode(mode);
  // Not every agent sends its modes again for a resumed conversation.
  else if (!isNew && names[0] !== undefined) await setMode(names[0]).catch(unlessUnknown);
  if (settings.model !== null && (isNew || options.length > 0)) {
    const model = optionOf('model');
    const value = valuesOf(model).find((each) => each === settings.model);
    if (value === undefined) throw unfit('model', [settings.model], { role, all: valuesOf(model) });
    await setOption(model, value);
  }
  for (const [id, value] of Object.entries(settings.options)) {
    const option = options.find((each) => each.id === id);
    if (option !== undefined) await setOption(option, value);
  }
}

function placeOf({ cwd, mcpServers }: AcpSettings): JsonObject {
  return { cwd, mcpServers };
}

function textBlocks(text: string): JsonObject[] {
  return [{ type: 'text', text }];
}

/** null: the request was withdrawn. */
function unlessAborted(ask: AskPerson, question: PermissionText, abort: AbortSignal): Promise<PersonAnswer | null> {
  return new Promise((resolve, reject) => {
    abort.addEventListener('abort', () => resolve(null), { once: true });
    ask(question, abort).then((answer) => resolve(abort.aborted ? null : answer), reject);
  });
}

/** An agent without modes does not support the request. */
function unlessUnknown(thrown: unknown): void {
  if (!(thrown instanceof RpcError && thrown.code === methodNotFound)) throw thrown;
}

/** Some agents use addresses as mode names, which end in `#<name>`. */
function isMode(id: string, wanted: string): boolean {
  return id === wanted || id.endsWith(`#${wanted}`);
}

function valuesOf(option: JsonObject | undefined): string[] {
  if (option === undefined) return [];
  const grouped = listAt(option, 'options').flatMap((each) => [each, ...listAt(each, 'options')]);
  return [...grouped.flatMap((each) => textAt(each, 'value') ?? []), ...textsAt(option, 'options')];
}

function unfit(
  key: 'mode' | 'model',
  wanted: readonly string[],
  { role, all }: { readonly role: string; readonly all: readonly string[] },
): TalkProblem {
  const has = all.length === 0 ? `it names no ${key}s` : `it has ${all.slice(0, 50).join(', ')}`;
  const table = `\`${key}\` under [agents.${role}]`;
  const message =
    wanted.length === 0
      ? `the agent works in one of several modes, and none was named: ${has}; set ${table}`
      : `the agent has no ${key} "${wanted.join('" or "')}": ${has}; correct ${table}`;
  return new TalkProblem(message, { isLasting: true });
}

const stopTexts: Readonly<Record<string, string>> = {
  max_tokens: 'max_tokens: its answer was longer than its model writes',
  max_turn_requests: 'max_turn_requests: it asked its model as often as it may in one turn',
  refusal: 'refusal: it does not go on with this conversation',
  cancelled: 'cancelled, and nobody here cancelled it',
};

function stopText(reason: string | null): string {
  if (reason === null) return 'an answer that has no `stopReason`';
  return stopTexts[reason] ?? `${reason.slice(0, 100)}, which is no reason that is known`;
}

async function within<Value>(limitMs: number, work: Promise<Value>, what: string): Promise<Value> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new TalkProblem(`${what} within ${limitMs / 1_000} s`)), limitMs);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
