/** An engine that is killed around an answer from a chat: the answer counts once, and the person is notified. It takes long, because each life is a process. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { addPerson } from '../../runtime/base/platform/people.ts';
import { createEngine, type FaultPoint } from '../../runtime/engine/engine.ts';
import { type ChatTrouble, startTelegram, telegramToken } from '../support/chat-server.ts';
import { seedOf } from '../support/crash.ts';
import { afterwards, ground, planText } from '../support/engine.ts';
import { until } from '../support/ground.ts';
import { live, liveHere, quiet, read } from '../support/killed-engine.ts';
import { randomOf } from '../support/random.ts';

const plans = 8;
/** A kill at each of these, and one at another moment. */
const points: readonly FaultPoint[] = [
  'chat.after-act',
  'chat.after-reply',
  'hook.before-send',
  'hook.after-send',
  'pump.before-commit',
  'pump.after-commit',
  'store.between',
];

const options = { chatLookMs: 20, hookRetryMs: Array.from({ length: 60 }, () => 20) };

function trouble(random: () => number): ChatTrouble {
  const drawn = random();
  if (drawn < 0.08) return 'lost';
  if (drawn < 0.14) return 'reset';
  return drawn < 0.18 ? { status: 502, body: {} } : null;
}

it('each question is answered once, by the first answer, however often the engine is killed and the chat fails', async () => {
  const random = randomOf(seedOf('chats'));
  const on = ground();
  const telegram = await startTelegram();
  afterwards(telegram.stop);
  const place = { home: on.home, env: { ...on.env, TELEGRAM_TOKEN: telegramToken } };
  const first = await createEngine({
    home: on.home,
    env: place.env,
    log: quiet,
    agents: { default: { preset: 'sh' } },
  });
  await first.client.addRepo(on.repo, { trust: true });
  await first.client.pauseQueue();
  for (let number = 0; number < plans; number += 1) {
    const plan = `p${number}`;
    await first.client.registerPlan({ project: 'demo', plan, content: planText(['true']) });
    await first.client.send({ project: 'demo', plan, type: 'implement_start' });
  }
  await first.stop();
  addPerson(on.home, { name: 'anna', role: 'answer' }, Date.now());
  writeFileSync(
    join(on.home, 'daemon.toml'),
    `[chats.phone]\nservice = "telegram"\ntoken = "env:TELEGRAM_TOKEN"\nchat = "-100"\nurl = "${telegram.url}"\npeople = { "42" = "anna" }\n`,
  );
  const asked = await createEngine({
    home: on.home,
    env: place.env,
    log: quiet,
    agents: { default: { preset: 'sh' } },
  });
  for (let number = 0; number < plans; number += 1)
    await asked.client.send({
      project: 'demo',
      plan: `p${number}`,
      type: 'needs_decision',
      payload: { reason: `which colour of p${number}?` },
    });
  await asked.stop();

  telegram.served.trouble = () => trouble(random);
  const written = new Set<number>();
  /** Each message is answered twice: as it is known to the engine or not. */
  const writeAnswers = () => {
    for (const told of telegram.reports()) {
      if (written.has(told.id) || random() < 0.4) continue;
      written.add(told.id);
      const name = /which colour of (p\d+)\?/.exec(told.text)?.[1] ?? '';
      telegram.write(`${name} one`, told);
      telegram.write(`${name} two`, told);
    }
  };
  for (let kill = 0; kill < points.length + 1; kill += 1) {
    const point = points[kill % points.length];
    const isAtPoint = kill < points.length && point !== undefined;
    const fault = isAtPoint ? { point, nth: 1 + Math.floor(random() * 3) } : undefined;
    const life = live(place, { fault, options });
    await life.up;
    writeAnswers();
    await Promise.race([life.ended, new Promise((resolve) => setTimeout(resolve, 100 + random() * 500))]);
    await life.kill();
  }
  telegram.served.trouble = () => null;
  const last = await liveHere(place, { options });
  const open = () => read<{ blocked: string }>(on.home, 'SELECT blocked FROM plans WHERE blocked IS NOT NULL');
  await until(
    () => {
      // A message that the engine sent before it was killed has a copy that it knows.
      writeAnswers();
      return open().length === 0;
    },
    () => JSON.stringify([open(), telegram.said.slice(-5)]),
  );
  await last.stop();
  const answers = read<{ plan: string; payload: string; status: string; origin: string }>(
    on.home,
    `SELECT plan, payload, status, origin FROM signals WHERE type = 'answer' AND status = 'done' ORDER BY plan`,
  );
  expect(answers.map(({ plan }) => plan)).toEqual(Array.from({ length: plans }, (_, n) => `p${n}`).sort());
  for (const { plan, payload, origin } of answers) {
    expect(origin).toBe('person:anna@phone');
    expect(JSON.parse(payload)).toEqual({ questions: [1], body: `${plan} one` });
  }
  const thanks = telegram.said.map(({ text }) => /^Thank you, demo\/(p\d+) has it\.$/.exec(text)?.[1]);
  expect(new Set(thanks.filter((plan) => plan !== undefined)).size).toBeGreaterThan(plans / 2);
});
