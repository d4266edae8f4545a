/**
 * A bot of Slack (https://docs.slack.dev/apis/web-api/): people answer in the thread of a message. The answers are polled, which needs no open port
 * and only the bot's token: one request lists the threads with new messages. Slack's socket mode would need a second token and a WebSocket.
 */
import { z } from 'zod';
import { EngineError } from '../../../../machines/vocabulary/errors.ts';
import type { ChatMessageRow } from '../../../core/store/rows.ts';
import { callChat, type ServiceParts } from '../chat-call.ts';
import type { ChatService, Incoming } from '../service.ts';

const message = z.object({
  ts: z.string(),
  user: z.string().optional(),
  bot_id: z.string().optional(),
  subtype: z.string().optional(),
  text: z.string().default(''),
  latest_reply: z.string().optional(),
});
type Message = z.infer<typeof message>;
const page = z.object({
  messages: z.array(message),
  response_metadata: z.object({ next_cursor: z.string().default('') }).optional(),
});
const posted = z.object({ ts: z.string() });

const callMs = 20_000;
/** Slack allows 50 calls of this kind a minute. */
const callEveryMs = 1_500;
const everyMs = 3_000;
const textLimit = 3_500;
const pageSize = 200;
/** The most pages of a busy channel that are searched for stator's threads. */
const mostPages = 10;
/** How many of the threads that were not reached by that are read one by one in each round. */
const oneByOne = 10;

export function createSlack(parts: ServiceParts): ChatService {
  const { config, token } = parts;
  const base = config.url ?? 'https://slack.com/api';
  const { chat: channel } = config;
  let calls = 0;

  async function call<Result>(
    method: string,
    fields: Readonly<Record<string, string>>,
    result: z.ZodType<Result>,
  ): Promise<Result> {
    const headers = { 'content-type': 'application/x-www-form-urlencoded', authorization: `Bearer ${token}` };
    const body = new URLSearchParams({ channel, ...fields }).toString();
    calls += 1;
    const { json } = await callChat(parts, { base, path: method, headers, body, timeoutMs: callMs });
    const refused = z.object({ ok: z.literal(false), error: z.string() }).safeParse(json);
    const answer = result.safeParse(json);
    if (!refused.success && answer.success) return answer.data;
    const why = refused.success ? refused.data.error : 'an answer of another form';
    throw new EngineError('unavailable', `Slack refuses ${method}: ${why.slice(0, 300)}`, hintOf(why));
  }

  /** The messages of all pages. `isCut`: there are more pages. */
  async function messagesOf(
    method: string,
    fields: Readonly<Record<string, string>>,
  ): Promise<{ readonly found: readonly Message[]; readonly isCut: boolean }> {
    const found: Message[] = [];
    let cursor = '';
    for (let number = 0; number < mostPages; number += 1) {
      const more = cursor === '' ? {} : { cursor };
      const { messages, response_metadata: next } = await call(
        method,
        { ...fields, ...more, limit: String(pageSize) },
        page,
      );
      found.push(...messages);
      cursor = next?.next_cursor ?? '';
      if (cursor === '') break;
    }
    return { found, isCut: cursor !== '' };
  }

  async function post(text: string, thread: Readonly<Record<string, string>>): Promise<string> {
    const plain = {
      text: escaped(text.slice(0, textLimit)),
      mrkdwn: 'false',
      unfurl_links: 'false',
      unfurl_media: 'false',
    };
    return (await call('chat.postMessage', { ...plain, ...thread }, posted)).ts;
  }

  function incoming(thread: string, { ts, user, bot_id: bot, subtype, text }: Message): Incoming {
    const isOfPerson =
      user !== undefined && bot === undefined && (subtype === undefined || subtype === 'thread_broadcast');
    return {
      ...{ id: ts, reach: { message: thread, reached: ts }, message: thread, isDirect: true },
      author: isOfPerson ? user : null,
      text: unescaped(text),
      reply: async (answer) => void (await post(answer, { thread_ts: thread })),
    };
  }

  async function repliesTo({ message: thread, reached }: ChatMessageRow): Promise<Incoming[]> {
    const oldest = reached === '' ? thread : reached;
    const { found } = await messagesOf('conversations.replies', { ts: thread, oldest });
    // Slack always returns the thread's first message too.
    const fresh = found.filter(({ ts }) => ts !== thread && isAfter(ts, oldest));
    return fresh.sort((one, other) => (isAfter(one.ts, other.ts) ? 1 : -1)).map((each) => incoming(thread, each));
  }

  return {
    key: `slack:${channel}`,
    /** A busy channel takes several requests. */
    get everyMs() {
      return Math.max(everyMs, calls * callEveryMs);
    },
    send: (text) => post(text, {}),
    async read({ sent }) {
      const first = sent.map(({ message: ts }) => ts).sort()[0];
      if (first === undefined) return [];
      const known = new Map(sent.map((row) => [row.message, row]));
      const { found: threads, isCut } = await messagesOf('conversations.history', { oldest: first, inclusive: 'true' });
      const found: Incoming[] = [];
      for (const { ts, latest_reply: latest } of threads) {
        const row = known.get(ts);
        if (row !== undefined && latest !== undefined && isAfter(latest, row.reached))
          found.push(...(await repliesTo(row)));
      }
      const seen = new Set(threads.map(({ ts }) => ts));
      const unseen = isCut ? sent.filter(({ message: ts }) => !seen.has(ts)) : [];
      // Any of them may be the first, so that none waits for ever.
      const from = Math.floor(Math.random() * unseen.length);
      for (const row of [...unseen.slice(from), ...unseen.slice(0, from)].slice(0, oneByOne))
        found.push(...(await repliesTo(row).catch(noneIfDeleted)));
      return found;
    },
  };
}

function noneIfDeleted(thrown: unknown): [] {
  if (thrown instanceof EngineError && thrown.message.endsWith(': thread_not_found')) return [];
  throw thrown;
}

/** Slack's times are texts: seconds with six digits after the point. */
function isAfter(ts: string, other: string): boolean {
  const [seconds = '', micros = ''] = ts.split('.');
  const [otherSeconds = '', otherMicros = ''] = other.split('.');
  const by = Number(seconds) - Number(otherSeconds);
  return by === 0 ? Number(micros) > Number(otherMicros) : by > 0;
}

/** Escapes the text, so that it contains no link and mentions nobody. */
function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

/** The text as the person typed it. */
function unescaped(text: string): string {
  return text
    .replace(/<(?:[^<>|]*\|)?([^<>|]*)>/g, '$1')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&');
}

function hintOf(why: string): string {
  if (/auth|token|account_inactive/.test(why)) return 'see that the token is that of the bot (xoxb-…)';
  if (/channel/.test(why)) return 'see `chat`, and invite the bot into the channel';
  if (/missing_scope/.test(why))
    return 'give the bot chat:write, and channels:history or groups:history, and install it again';
  return 'it is tried again by itself';
}
