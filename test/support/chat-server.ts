/**
 * A Telegram and a Slack on loopback, with the calls that stator makes and answers in the forms of their public documentation:
 * https://core.telegram.org/bots/api and https://docs.slack.dev/reference/methods.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { lookAgain } from './ground.ts';

export const telegramToken = '123456:test-token-of-a-bot';
export const slackToken = 'xoxb-test-token-of-a-bot';
export const anna = { id: 42, is_bot: false, first_name: 'Anna', username: 'anna' };
export const stranger = { id: 666, is_bot: false, first_name: 'Anna', username: 'anna' };
const bot = { id: 123456, is_bot: true, first_name: 'stator', username: 'stator_bot' };
const group = { id: -100, type: 'supergroup', title: 'shop' };

export interface Said {
  readonly id: number;
  readonly text: string;
  readonly replyTo: number | null;
  readonly buttons: readonly string[];
}

/** The failure of a call; null: none. `lost`: it is carried out, and its answer does not arrive. */
export type ChatTrouble = 'lost' | 'reset' | { readonly status: number; readonly body: object } | null;

async function fieldsOf(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of request as AsyncIterable<Buffer>) parts.push(part);
  return Buffer.concat(parts).toString('utf8');
}

async function listen(answer: (path: string, body: string, request: IncomingMessage) => Promise<object>) {
  const served: {
    trouble(method: string): ChatTrouble;
    readonly calls: { readonly method: string; readonly headers: IncomingMessage['headers'] }[];
  } = { trouble: () => null, calls: [] };
  const handle = async (request: IncomingMessage, response: ServerResponse) => {
    const body = await fieldsOf(request);
    const path = request.url ?? '';
    const method = path.split('/').at(-1) ?? '';
    served.calls.push({ method, headers: request.headers });
    const trouble = served.trouble(method);
    if (trouble === 'reset') return void request.socket.destroy();
    const found = trouble === null || trouble === 'lost' ? await answer(path, body, request) : trouble.body;
    if (trouble === 'lost') return void request.socket.destroy();
    const status = trouble === null ? 200 : trouble.status;
    response.writeHead(status, {
      'content-type': 'application/json',
      ...(status === 429 ? { 'retry-after': '1' } : {}),
    });
    response.end(JSON.stringify(found));
    lookAgain();
  };
  const server: Server = createServer((request, response) => {
    handle(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo; // it listens on TCP
  const stop = async () => {
    server.closeAllConnections();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  };
  return { served, url: `http://127.0.0.1:${port}`, stop };
}

export type Telegram = Awaited<ReturnType<typeof startTelegram>>;

export async function startTelegram() {
  const said: Said[] = [];
  const updates: { readonly update_id: number; readonly [field: string]: unknown }[] = [];
  const notices: string[] = [];
  let ids = 1_000;
  const nextId = () => {
    ids += 1;
    return ids;
  };
  const answer = async (path: string, body: string): Promise<object> => {
    const given = JSON.parse(body);
    if (!path.startsWith(`/bot${telegramToken}/`)) return { ok: false, error_code: 401, description: 'Unauthorized' };
    if (path.endsWith('/sendMessage')) {
      const id = nextId();
      const buttons = (given.reply_markup?.inline_keyboard ?? []).flat().map((each: { text: string }) => each.text);
      said.push({ id, text: given.text, replyTo: given.reply_parameters?.message_id ?? null, buttons });
      return { ok: true, result: { message_id: id, from: bot, chat: group, date: 1_700_000_000, text: given.text } };
    }
    if (path.endsWith('/answerCallbackQuery')) {
      notices.push(given.text);
      return { ok: true, result: true };
    }
    // An offset confirms all updates before it, so they are never returned again.
    const from = given.offset ?? 0;
    return { ok: true, result: updates.filter(({ update_id: id }) => id >= from).slice(0, given.limit) };
  };
  const { served, url, stop } = await listen(answer);
  const about = (to: Said | null) =>
    to === null
      ? {}
      : { reply_to_message: { message_id: to.id, from: bot, chat: group, date: 1_700_000_000, text: to.text } };
  const update = (more: object) => {
    const id = 9_000_000 + updates.length;
    updates.push({ update_id: id, ...more });
    return id;
  };
  return {
    served,
    url,
    stop,
    said,
    notices,
    /** The messages that report something, without replies. */
    reports: () => said.filter(({ replyTo }) => replyTo === null),
    write(text: string, to: Said | null, from: object = anna, chat: object = group) {
      const id = nextId();
      update({ message: { message_id: id, from, chat, date: 1_700_000_000, text, ...about(to) } });
      return id;
    },
    press(word: string, of: Said, from: object = anna) {
      const message = { message_id: of.id, from: bot, chat: group, date: 1_700_000_000, text: of.text };
      update({ callback_query: { id: String(nextId()), from, message, chat_instance: '1', data: word } });
    },
    send: (more: object) => update(more),
  };
}

interface SlackMessage {
  readonly type: 'message';
  readonly ts: string;
  readonly text: string;
  readonly user?: string;
  readonly bot_id?: string;
  readonly thread_ts?: string;
}

export async function startSlack() {
  const messages: SlackMessage[] = [];
  let seconds = 1_700_000_000;
  const nextTs = () => {
    seconds += 1;
    return `${seconds}.000100`;
  };
  const answer = async (path: string, body: string, { headers }: IncomingMessage): Promise<object> => {
    const fields = Object.fromEntries(new URLSearchParams(body));
    if (headers.authorization !== `Bearer ${slackToken}`) return { ok: false, error: 'invalid_auth' };
    if (fields.channel !== 'C0123456789') return { ok: false, error: 'channel_not_found' };
    if (path === '/chat.postMessage') {
      const thread = fields.thread_ts === undefined ? {} : { thread_ts: fields.thread_ts };
      const message: SlackMessage = {
        type: 'message',
        ts: nextTs(),
        text: fields.text ?? '',
        user: 'U0BOT',
        bot_id: 'B0BOT',
        ...thread,
      };
      messages.push(message);
      return { ok: true, channel: fields.channel, ts: message.ts, message };
    }
    const oldest = fields.oldest ?? '0';
    const cursor = Number(fields.cursor ?? 0);
    const found =
      path === '/conversations.replies'
        ? messages.filter(({ ts, thread_ts: of }) => ts === fields.ts || (of === fields.ts && ts > oldest))
        : messages.filter(
            ({ ts, thread_ts: of }) =>
              of === undefined && (ts > oldest || (fields.inclusive === 'true' && ts === oldest)),
          );
    // In a channel the newest message comes first, in a thread the oldest.
    const sorted = path === '/conversations.replies' ? found : [...found].reverse();
    const withLatest = sorted.map((each) => {
      const latest = messages.findLast(({ thread_ts: of }) => of === each.ts);
      return latest === undefined ? each : { ...each, thread_ts: each.ts, reply_count: 1, latest_reply: latest.ts };
    });
    const page = withLatest.slice(cursor, cursor + 2);
    const next = cursor + 2 < withLatest.length ? String(cursor + 2) : '';
    return { ok: true, messages: page, has_more: next !== '', response_metadata: { next_cursor: next } };
  };
  const { served, url, stop } = await listen(answer);
  return {
    served,
    url,
    stop,
    reports: () => messages.filter(({ thread_ts: of, bot_id: by }) => of === undefined && by !== undefined),
    repliesTo: (thread: string) =>
      messages.filter(({ thread_ts: of, bot_id: by }) => of === thread && by !== undefined).map(({ text }) => text),
    write(text: string, thread?: string, user = 'U042') {
      const message: SlackMessage = {
        type: 'message',
        ts: nextTs(),
        text,
        user,
        ...(thread === undefined ? {} : { thread_ts: thread }),
      };
      messages.push(message);
      return message.ts;
    },
  };
}
