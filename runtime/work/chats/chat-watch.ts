/**
 * Reads people's answers in chats, and acts on them in their name. An answer becomes a signal with a key of its own, and the read position is stored
 * after that. An engine that is killed in between reads the answer again, finds its signal, and sends the same reply once more.
 */
import { EngineError, withHint } from '../../../machines/vocabulary/errors.ts';
import { personName } from '../../../machines/vocabulary/ids.ts';
import type { Origin } from '../../../machines/vocabulary/signal.ts';
import { localTime } from '../../../machines/vocabulary/time-text.ts';
import type { ChatHookConfig } from '../../base/config/config.ts';
import type { Faults } from '../../base/platform/faults.ts';
import type { Log } from '../../base/platform/log.ts';
import { type Person, readPerson } from '../../base/platform/people.ts';
import { createServiceLoop, type PollLoop, type Trouble, type Troubles } from '../../base/platform/poll-loop.ts';
import { oneLine } from '../../base/platform/terminal-text.ts';
import type { Store } from '../../core/store/port.ts';
import type { ChatMessageRow, SignalRow } from '../../core/store/rows.ts';
import type { SecretParts } from '../agents/secret.ts';
import { type About, meaningOf, whyOver } from './about.ts';
import { tokenOf } from './chat-call.ts';
import type { ChatService, Incoming } from './service.ts';
import { openChat } from './services/services.ts';

export interface ChatAnswer {
  readonly project: string;
  readonly plan: string;
  readonly type: string;
  readonly payload: Readonly<Record<string, unknown>>;
  readonly origin: Origin;
  readonly dedupeKey: string;
}

export interface ChatWatchParts {
  readonly store: Pick<Store, 'plan' | 'signals' | 'chatMessage' | 'chatMessages' | 'chatMark' | 'commit'>;
  readonly home: string;
  readonly env: NodeJS.ProcessEnv;
  readonly projects: NonNullable<SecretParts['projects']>;
  readonly faults: Faults | undefined;
  readonly log: Log;
  readonly troubles: Troubles;
  chats(): readonly ChatHookConfig[];
  nowMs(): number;
  /** Whether this process still owns the home. */
  mayWork(): boolean;
  /** Throws `forbidden` if that person's role does not permit such a signal. */
  mustMay(person: Person, type: string): void;
  /** Returns why it was refused; null: it was accepted. Sending a signal with the same key again has the same result. Throws an `EngineError`. */
  send(answer: ChatAnswer): Promise<string | null>;
  /** Milliseconds between two readings, and after a failure. Default: the service's limit, and half a minute. */
  readonly everyMs?: number;
}

const retryMs = 30_000;
/** The most messages of a channel that are searched for answers, the newest first. */
const mostSent = 200;
/** An account that is not permitted to answer gets that reply again only after this time. */
const strangerMs = 60_000;
const mostStrangers = 1_000;
/** Failures of the engine, after which the answer is read again. */
const passing: ReadonlySet<string> = new Set(['unavailable', 'stopped', 'interrupted', 'busy', 'timed_out']);

export function createChatWatch(parts: ChatWatchParts) {
  const { log, troubles } = parts;
  const running = new Map<
    string,
    { readonly config: ChatHookConfig; readonly loop: PollLoop; readonly end: AbortController }
  >();
  let isOpen = false;

  function begin(config: ChatHookConfig): void {
    const end = new AbortController();
    const trouble = troubleOf(config.name);
    const waitMs = parts.everyMs ?? retryMs;
    const strangers: Strangers = new Map();
    const loop = createServiceLoop({
      ...{ trouble, troubles, everyMs: waitMs },
      async work() {
        if (!parts.mayWork()) return waitMs;
        try {
          const service = openChat({ config, token: tokenOf(config, parts), abort: end.signal });
          await readAnswers(parts, { config, service, strangers });
          return parts.everyMs ?? service.everyMs;
        } catch (thrown) {
          if (end.signal.aborted) return waitMs;
          if (!(thrown instanceof EngineError) || thrown.retryAfterMs === undefined) throw thrown;
          log.debug(`${config.name}: ${withHint(thrown)}`);
          return thrown.retryAfterMs;
        }
      },
    });
    running.set(config.name, { config, loop, end });
    loop.start();
  }

  async function end(name: string): Promise<void> {
    const found = running.get(name);
    running.delete(name);
    found?.end.abort();
    await found?.loop.stop();
    // If a new loop of that name exists, it reports its own state.
    if (!running.has(name)) troubles.worked(troubleOf(name));
  }

  /** Starts and stops loops as configured. */
  function configured(): void {
    if (!isOpen) return;
    const wanted = new Map(parts.chats().flatMap((config) => (config.enabled ? [[config.name, config]] : [])));
    for (const [name, { config }] of running)
      if (JSON.stringify(wanted.get(name)) !== JSON.stringify(config)) void end(name);
    for (const [name, config] of wanted) if (!running.has(name)) begin(config);
  }

  return {
    start() {
      isOpen = true;
      configured();
    },
    configured,
    /** May be called twice. */
    async stop() {
      isOpen = false;
      await Promise.all([...running.keys()].map(end));
    },
  };
}

function troubleOf(name: string): Trouble {
  return { what: `answers in the chat ${name} are not read`, isRare: true, hint: `try it: stator hook test ${name}` };
}

/** The time of the last such reply, by account. */
type Strangers = Map<string, number>;

interface Chat {
  readonly config: ChatHookConfig;
  readonly service: ChatService;
  readonly strangers: Strangers;
}

async function readAnswers(parts: ChatWatchParts, chat: Chat): Promise<void> {
  const { config, service } = chat;
  const { store, faults, log } = parts;
  const [mark, sent] = await Promise.all([
    store.chatMark(service.key),
    store.chatMessages({ chat: service.key, limit: mostSent }),
  ]);
  for (const incoming of await service.read({ mark, sent })) {
    if (!parts.mayWork()) return;
    const reply = await replyTo(parts, chat, incoming);
    faults?.('chat.after-act');
    // The answer counts even if the reply cannot be sent.
    if (reply !== null)
      await incoming
        .reply(reply)
        .catch((thrown: unknown) => log.warn(`chat ${config.name}: a reply was not sent: ${textOf(thrown)}`));
    faults?.('chat.after-reply');
    await store.commit([{ do: 'chat.reach', chat: service.key, ...incoming.reach }]);
  }
}

function textOf(thrown: unknown): string {
  return oneLine(thrown instanceof EngineError ? withHint(thrown) : String(thrown));
}

/** The reply to the person; null: none. Throws temporary failures. */
async function replyTo(
  parts: ChatWatchParts,
  { config, service, strangers }: Chat,
  incoming: Incoming,
): Promise<string | null> {
  const { author, message, isDirect } = incoming;
  if (author === null || (message === null && !isDirect)) return null;
  const named = Object.hasOwn(config.people, author) ? config.people[author] : undefined;
  const person = named === undefined ? null : readPerson(parts.home, named);
  if (person === null) {
    const now = parts.nowMs();
    if (now - (strangers.get(author) ?? Number.NEGATIVE_INFINITY) < strangerMs || strangers.size >= mostStrangers)
      return null;
    strangers.set(author, now);
    return named === undefined
      ? `Sorry, you may not answer here: nothing was done. Your account is ${author}; the owner of this stator can list it in [chats.${config.name}] people.`
      : `Sorry, you may not answer here: nothing was done. There is no token with the name ${named}; the owner of this stator can add it with: stator token add ${named} --role answer`;
  }
  const row = message === null ? null : await parts.store.chatMessage(service.key, message);
  if (row === null) return 'Nothing was done: please reply to the message with the question.';
  try {
    return await act(parts, { config, row, person, incoming, dedupeKey: `chat:${service.key}:${incoming.id}` });
  } catch (thrown) {
    if (!(thrown instanceof EngineError) || passing.has(thrown.code) || thrown.code.startsWith('store_')) throw thrown;
    return `Nothing was done: ${withHint(thrown)}`;
  }
}

async function act(
  { store, nowMs, mustMay, send }: ChatWatchParts,
  {
    config,
    row: { project, plan: name, about: stored, at },
    person,
    incoming: { text },
    dedupeKey,
  }: {
    readonly config: ChatHookConfig;
    readonly row: ChatMessageRow;
    readonly person: Person;
    readonly incoming: Incoming;
    readonly dedupeKey: string;
  },
): Promise<string> {
  const about = JSON.parse(stored) as About | null; // as `sendToChat` wrote it
  if (about === null) return 'Nothing was done: that message asks nothing.';
  const origin: Origin = `person:${person.name}@${config.name}`;
  const answer = { project, plan: name, origin, dedupeKey };
  const signals = await store.signals({ project, plan: name });
  const before = signals.find((signal) => signal.dedupe_key === dedupeKey);
  if (before !== undefined) {
    const payload = JSON.parse(before.payload) as Record<string, unknown>; // the engine wrote it
    return verdict(await send({ ...answer, type: before.type, payload }), `${project}/${name}`);
  }
  const found = await store.plan(project, name);
  // A plan of that name that was created later has other questions.
  const plan = found !== null && found.createdAt > at ? null : found;
  const over = whyOver(about, plan);
  if (over !== null || plan === null)
    return `Nothing was done: ${over}${about.kind === 'question' ? answeredBy(signals, about.number, nowMs()) : ''}.`;
  const meaning = meaningOf(text, about, plan);
  if (meaning.kind === 'unclear') return `Nothing was done. ${meaning.reply}`;
  mustMay(person, meaning.act.type);
  return verdict(await send({ ...answer, type: meaning.act.type, payload: meaning.payload }), `${project}/${name}`);
}

function verdict(refusal: string | null, plan: string): string {
  return refusal === null ? `Thank you, ${plan} has it.` : `Nothing was done: ${refusal}.`;
}

/** Who answered that question first; empty: nobody, because it was withdrawn. */
function answeredBy(signals: readonly SignalRow[], number: number, nowMs: number): string {
  const found = signals.find(({ type, status, payload }) => {
    if (type !== 'answer' || status !== 'done') return false;
    const { questions } = JSON.parse(payload) as { questions?: unknown }; // the engine wrote it
    return Array.isArray(questions) && questions.includes(number);
  });
  if (found === undefined) return '';
  const at = localTime(new Date(found.processed_at ?? found.created_at).toISOString(), nowMs);
  return `: ${personName(found.origin) ?? 'somebody else'} answered it at ${at}`;
}
