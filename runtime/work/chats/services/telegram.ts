/**
 * A bot of Telegram (https://core.telegram.org/bots/api): messages with buttons, and answers by long polling, which needs no open port. An update that was
 * read is confirmed by the offset of the next call.
 */
import { z } from 'zod';
import { EngineError } from '../../../../machines/vocabulary/errors.ts';
import { callChat, type ServiceParts } from '../chat-call.ts';
import type { ChatService, Incoming } from '../service.ts';

const from = z.object({ id: z.number(), is_bot: z.boolean().default(false) });
const message = z.object({
  message_id: z.number(),
  from: from.optional(),
  chat: z.object({ id: z.number(), type: z.string() }),
  text: z.string().optional(),
  reply_to_message: z.object({ message_id: z.number(), from: from.optional() }).optional(),
});
const update = z.object({
  update_id: z.number(),
  message: message.optional().catch(undefined),
  callback_query: z
    .object({ id: z.string(), from, message: message.optional(), data: z.string().optional() })
    .optional()
    .catch(undefined),
});
type Message = z.infer<typeof message>;
const sent = z.object({ message_id: z.number(), chat: z.object({ id: z.number() }) });

/** How long a call waits for an update. */
const pollSeconds = 25;
const callMs = 20_000;
const textLimit = 4_096;
const noticeLimit = 200;
/** The most bytes that a button may carry. */
const buttonLimitBytes = 64;

export function createTelegram(parts: ServiceParts): ChatService {
  const { config, token } = parts;
  const bot = Number(/^(\d{1,19}):/.exec(token)?.[1]);
  if (Number.isNaN(bot))
    throw new EngineError(
      'bad_config',
      `$${config.token} of [chats.${config.name}] is no token of a bot of Telegram`,
      'BotFather gives one of the form 123456789:…',
    );
  const base = config.url ?? 'https://api.telegram.org';

  async function call<Result>(
    method: string,
    body: Readonly<Record<string, unknown>>,
    result: z.ZodType<Result>,
    timeoutMs = callMs,
  ): Promise<Result> {
    const path = `bot${token}/${method}`;
    const headers = { 'content-type': 'application/json' };
    const { json } = await callChat(parts, { base, path, headers, body: JSON.stringify(body), timeoutMs });
    const answer = z
      .union([z.object({ ok: z.literal(true), result }), z.object({ ok: z.literal(false), description: z.string() })])
      .safeParse(json);
    if (answer.success && answer.data.ok) return answer.data.result;
    const why = answer.success && !answer.data.ok ? answer.data.description : 'an answer of another form';
    throw new EngineError('unavailable', `Telegram refuses ${method}: ${why.slice(0, 300)}`, hintOf(why));
  }

  async function reply({ chat, message_id: id }: Message, text: string): Promise<void> {
    const body = { chat_id: chat.id, text: fitting(text), reply_parameters: { message_id: id } };
    await call('sendMessage', body, z.unknown());
  }

  function incoming({ update_id: id, message: said, callback_query: pressed }: z.infer<typeof update>): Incoming {
    const reach = { message: null, reached: String(id + 1) };
    const nothing: Incoming = {
      ...{ id: String(id), reach, author: null, message: null, text: '', isDirect: false },
      async reply() {},
    };
    if (pressed?.message !== undefined && !pressed.from.is_bot) {
      const { message: of } = pressed;
      return {
        ...nothing,
        ...{ author: String(pressed.from.id), message: keyOf(of), text: pressed.data ?? '', isDirect: true },
        async reply(text) {
          // This ends the button's waiting state. Telegram rejects it for a button that was pressed some minutes ago.
          const answer = { callback_query_id: pressed.id, text: text.slice(0, noticeLimit) };
          await call('answerCallbackQuery', answer, z.unknown()).catch(() => {});
          await reply(of, text);
        },
      };
    }
    if (said?.from === undefined || said.from.is_bot) return nothing;
    const answered = said.reply_to_message;
    const isToBot = answered?.from?.id === bot;
    return {
      ...nothing,
      ...{ author: String(said.from.id), text: said.text ?? '', isDirect: isToBot || said.chat.type === 'private' },
      message: isToBot ? `${said.chat.id}/${answered?.message_id}` : null,
      reply: (text) => reply(said, text),
    };
  }

  return {
    key: `telegram:${bot}`,
    everyMs: 100,
    async send(text, buttons) {
      const fit = buttons.filter((word) => Buffer.byteLength(word) <= buttonLimitBytes);
      const keyboard = { inline_keyboard: [fit.map((word) => ({ text: word, callback_data: word }))] };
      const { chat, message_id: id } = await call(
        'sendMessage',
        {
          ...{ chat_id: config.chat, text: fitting(text), link_preview_options: { is_disabled: true } },
          ...(fit.length === 0 ? {} : { reply_markup: keyboard }),
        },
        sent,
      );
      return `${chat.id}/${id}`;
    },
    async read({ mark }) {
      const body = {
        ...(mark === null ? {} : { offset: Number(mark) }),
        ...{ timeout: pollSeconds, limit: 100, allowed_updates: ['message', 'callback_query'] },
      };
      const updates = await call('getUpdates', body, z.array(update), (pollSeconds + 10) * 1_000);
      return updates.map(incoming);
    },
  };
}

/** Telegram refuses a text that ends in half of a character. */
function fitting(text: string): string {
  return text.slice(0, textLimit).toWellFormed();
}

/** Message numbers are unique only within a chat. */
function keyOf({ chat, message_id: id }: Message): string {
  return `${chat.id}/${id}`;
}

function hintOf(why: string): string {
  if (/unauthorized|not found/i.test(why)) return 'see that the token is that of the bot';
  if (/webhook/i.test(why)) return 'take its webhook away: call deleteWebhook of the bot';
  if (/conflict/i.test(why)) return 'give each daemon a bot of its own: another program reads the answers of this one';
  if (/chat/i.test(why)) return 'see `chat`, and write to the bot once, or add it to the group';
  return 'it is tried again by itself';
}
