/** Questions that are asked and answered in a chat of Telegram: a real engine, its agents and its people, and the service on loopback. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { ChatHookConfig } from '../../runtime/base/config/config.ts';
import { addPerson, type PersonRole, removePerson } from '../../runtime/base/platform/people.ts';
import { createTelegram } from '../../runtime/work/chats/services/telegram.ts';
import { anna, type Said, startTelegram, stranger, type Telegram, telegramToken } from '../support/chat-server.ts';
import {
  afterwards,
  begin,
  gate,
  ground,
  openGate,
  planText,
  startEngine,
  type TestEngine,
  untilPhase,
  untilStatus,
  waves,
} from '../support/engine.ts';
import { until } from '../support/ground.ts';

interface Talk extends TestEngine {
  readonly telegram: Telegram;
  readonly go: string;
}

async function talk(role: PersonRole = 'answer', more = ''): Promise<Talk> {
  const on = ground();
  const telegram = await startTelegram();
  afterwards(telegram.stop);
  const daemon = `${waves}[chats.phone]
service = "telegram"
token = "env:TELEGRAM_TOKEN"
chat = "-100"
url = "${telegram.url}"
people = { "42" = "anna" }
${more}`;
  const env = { ...on.env, TELEGRAM_TOKEN: telegramToken };
  const engine = await startEngine({ on, env, daemon, chatLookMs: 20, hookRetryMs: [50, 50, 50, 50, 50] });
  addPerson(on.home, { name: 'anna', role }, Date.now());
  return { ...engine, telegram, go: join(on.root, 'go') };
}

function asking(text: string, { root, go }: { root: string; go: string }): string {
  const told = join(root, 'told');
  return `if [ ! -e '${told}' ]; then touch '${told}'; stator signal emit needs_decision --payload '${text}'; exit 1; fi\n${gate(go)}\necho x >x`;
}

async function untilNotified({ telegram }: Talk, count = 1): Promise<Said> {
  await until(
    () => telegram.reports().length >= count,
    () => JSON.stringify(telegram.said),
  );
  return telegram.reports()[count - 1] as Said; // it was waited for
}

async function untilReply({ telegram, log }: Talk, to: number): Promise<string> {
  const found = () => telegram.said.find(({ replyTo }) => replyTo === to)?.text;
  await until(
    () => found() !== undefined,
    () => [...log, JSON.stringify(telegram.said)].join('\n'),
  );
  return found() ?? '';
}

it('a question is answered in the chat by who may, once, and the journal says who and from where', async () => {
  const at = await talk();
  const { client, telegram } = at;
  await begin(at, 'login', planText([asking('Which port?', at)]));
  const told = await untilNotified(at);
  expect(told.text).toContain('demo/login: ');
  expect(told.text).toContain('Which port?');
  expect(told.text).toContain('Reply to this message with the answer.');

  const ofStranger = telegram.write('use 22', told, stranger);
  expect(await untilReply(at, ofStranger)).toContain('you may not answer here');
  expect(await untilReply(at, ofStranger)).toContain('Your account is 666');
  expect((await client.plan('demo', 'login')).questions).toHaveLength(1);

  const answer = telegram.write('use port 8080', told);
  expect(await untilReply(at, answer)).toBe('Thank you, demo/login has it.');
  expect((await client.plan('demo', 'login')).questions).toEqual([]);
  const line = (await client.history('demo', 'login')).find(({ event, actor }) => event === 'answer' && actor === '');
  expect(line?.origin).toBe('person:anna@phone');

  const late = telegram.write('no, 9090', told);
  expect(await untilReply(at, late)).toMatch(
    /^Nothing was done: question 1 of login is not open any more: anna@phone answered it at \d\d:\d\d\.$/,
  );
  const [signal, ...others] = await client
    .signals({ project: 'demo', plan: 'login' })
    .then((all) => all.filter(({ type }) => type === 'answer'));
  expect(others).toEqual([]);
  expect(signal?.payload).toMatchObject({ questions: [1], body: 'use port 8080' });
  openGate(at.go);
  await untilStatus(at, 'login', 'done');

  // A new plan of that name asks something else under the same number.
  await client.deletePlan('demo', 'login', {});
  await begin(at, 'login', planText(["stator signal emit needs_decision --payload 'Which host?'; exit 1"]));
  await until(async () => (await client.plan('demo', 'login')).questions.length === 1);
  const former = telegram.write('8080', told);
  expect(await untilReply(at, former)).toMatch(/^Nothing was done: /);
  expect((await client.plan('demo', 'login')).questions).toMatchObject([{ number: 1 }]);
});

it('only the account that the service names counts: no name, no bot, no message without a question', async () => {
  const at = await talk();
  const { client, telegram } = at;
  await begin(at, 'login', planText([asking('Which port?', at)]));
  const told = await untilNotified(at);
  telegram.write('1', told, { ...anna, id: 7, is_bot: true });
  telegram.send({ message: { message_id: 'odd' } });
  telegram.send({ poll: { id: '1' } });
  telegram.write('just talking', null);
  const loose = telegram.write('8080', null, anna, { id: 42, type: 'private' });
  expect(await untilReply(at, loose)).toBe('Nothing was done: please reply to the message with the question.');
  const photo = telegram.write('', told);
  expect(await untilReply(at, photo)).toContain('I read text only');
  removePerson(at.home, 'anna');
  const after = telegram.write('8080', told);
  expect(await untilReply(at, after)).toContain('stator token add anna');
  expect((await client.plan('demo', 'login')).questions).toHaveLength(1);
  expect(telegram.said.filter(({ replyTo }) => replyTo !== null)).toHaveLength(3);
});

it('a button continues a plan that waits after a failed wave; a person who may only look is refused', async () => {
  const at = await talk('look');
  const { client, telegram } = at;
  await begin(at, 'login', planText([{ sh: 'false' }, { sh: 'echo x >x' }]));
  await untilPhase(at, 'login', 'wave_waiting');
  const told = await untilNotified(at);
  expect(told.buttons).toEqual(['retry', 'next wave']);
  telegram.press('next wave', told);
  expect(await untilReply(at, told.id)).toContain('anna has the role look, and this needs the role steer');
  expect(telegram.notices).toHaveLength(1);
  removePerson(at.home, 'anna');
  addPerson(at.home, { name: 'anna', role: 'steer' }, Date.now());
  telegram.press('next wave', told);
  await untilStatus(at, 'login', 'done');
  const origins = (await client.history('demo', 'login')).map(({ origin }) => origin);
  expect(origins).toContain('person:anna@phone');
  const again = telegram.write('retry', told);
  expect(await untilReply(at, again)).toBe('Nothing was done: wave 1 of login does not wait any more.');
});

it('what the service refuses is said without the token, and tried again', async () => {
  const at = await talk();
  const { client, telegram, log } = at;
  let refusals = 2;
  const askedMs: number[] = [];
  telegram.served.trouble = (method) => {
    if (method !== 'sendMessage' || refusals === 0) return null;
    refusals -= 1;
    askedMs.push(Date.now());
    if (refusals === 1) return { status: 429, body: { ok: false, error_code: 429, description: 'Too Many Requests' } };
    return { status: 400, body: { ok: false, error_code: 400, description: 'Bad Request: chat not found' } };
  };
  await begin(at, 'login', planText([asking('Which port?', at)]));
  await untilNotified(at);
  // The message is there before its delivery is stored.
  await expect
    .poll(async () => (await client.deliveries({ project: 'demo', hook: 'phone' }))[0])
    .toMatchObject({ state: 'delivered', attempts: 3 });
  // The service asked for a pause of a second.
  expect((askedMs[1] ?? 0) - (askedMs[0] ?? 0)).toBeGreaterThanOrEqual(1_000);
  telegram.served.trouble = (method) =>
    method === 'getUpdates'
      ? {
          status: 409,
          body: { ok: false, error_code: 409, description: 'Conflict: terminated by other getUpdates request' },
        }
      : null;
  await until(async () => (await client.status()).warnings.some((line) => line.includes('answers in the chat phone')));
  expect((await client.status()).warnings.join()).toContain('give each daemon a bot of its own');
  telegram.served.trouble = () => null;
  await until(async () =>
    (await client.status()).warnings.every((line) => !line.includes('answers in the chat phone')),
  );
  // The warnings about a chat end with the chat.
  telegram.served.trouble = (method) =>
    method === 'getUpdates' ? { status: 400, body: { ok: false, error_code: 400, description: 'Bad Request' } } : null;
  const isWarned = async () => (await client.status()).warnings.join().includes('answers in the chat phone');
  await until(isWarned);
  writeFileSync(join(at.home, 'daemon.toml'), waves);
  await client.reload();
  await until(async () => !(await isWarned()));
  expect(log.join('\n')).not.toContain(telegramToken);
  const store = readFileSync(join(at.home, 'taskstore.db'));
  expect(store.includes(telegramToken)).toBe(false);
  expect(
    existsSync(join(at.home, 'taskstore.db-wal')) &&
      readFileSync(join(at.home, 'taskstore.db-wal')).includes(telegramToken),
  ).toBe(false);
});

it('an agent cannot take the place of an answer with the key that the answer will have', async () => {
  const at = await talk();
  await begin(at, 'login', planText([asking('Which port?', at)]));
  await untilNotified(at);
  const sent = at.client.send({
    project: 'demo',
    plan: 'login',
    type: 'pause',
    dedupeKey: 'chat:telegram:123456:9000000',
  });
  await expect(sent).rejects.toMatchObject({ code: 'bad_request' });
});

it('a long text is not sent with half of a character at its end, which Telegram would refuse', async () => {
  const telegram = await startTelegram();
  afterwards(telegram.stop);
  const config = { chat: '-100', url: telegram.url } as ChatHookConfig; // what a message needs
  const bot = createTelegram({ config, token: telegramToken, abort: new AbortController().signal });
  await bot.send(`${'x'.repeat(4_095)}😀`, []);
  expect(telegram.said[0]?.text.slice(4_094)).toBe('x\ufffd');
});
