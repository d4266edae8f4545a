/**
 * Every way into a plan calls its hooks in the same way: command line, control API, signal file, row, an agent's signal, an exit code; an override calls no
 * hook, and hooks of another repo are not called.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import { expect, it } from 'vitest';
import { daemonGround, makeRepo } from '../support/daemon.ts';
import { afterwards, planText } from '../support/engine.ts';
import { until } from '../support/ground.ts';
import { openReceiver, putHooks, webhook } from '../support/hooks.ts';

const agents = '[agents.default]\npreset = "sh"\nattempts = 1\n';

it('a plan of one repo tells its own hooks of each event, whichever way it came', async () => {
  const receiver = await openReceiver();
  afterwards(receiver.close);
  const foreign = await openReceiver();
  afterwards(foreign.close);
  const made = daemonGround('blueprint_skip_threshold = 0\n');
  const other = makeRepo(join(made.root, 'other'));
  const reviewer =
    '[agents.reviewer]\npreset = "command"\nprogram = "/bin/sh"\nflags = ["-c", "exit $(cat ../../verdict)"]\nsandbox = "off"\nattempts = 1\n';
  putHooks(made.repo, `auto_review_fix = false\n${agents}${reviewer}${webhook(receiver.url, 'name = "own"')}`);
  putHooks(other, `${agents}${webhook(foreign.url, 'name = "own"')}`);
  const verdict = (code: number) => writeFileSync(join(made.repo, 'verdict'), String(code));
  verdict(0);
  await made.stator(['daemon', 'start']);
  for (const repo of [made.repo, other])
    expect(await made.stator(['daemon', 'add', repo, '--trust'])).toMatchObject({ code: 0 });
  const client = made.client();
  const register = (plan: string, content = planText(['echo a > a.txt'])) =>
    client.registerPlan({ project: 'demo', plan, content });
  const eventsOf = (plan: string) =>
    receiver.got
      .filter(
        ({ body }) =>
          body.plan_file === `${plan}.md` || body.plan_file === plan || String(body.plan_file).includes(plan),
      )
      .map(({ body }) => body.event as string);
  const untilDelivered = (plan: string, events: readonly string[]) =>
    until(
      () => {
        const got = eventsOf(plan);
        return events.every((event) => got.includes(event));
      },
      () => `${plan}: told ${eventsOf(plan).join(', ')}; wanted ${events.join(', ')}`,
    );

  // The command line.
  await register('by-words');
  expect((await made.stator(['plan', 'cancel', 'by-words', '--project', 'demo'])).code).toBe(0);
  await untilDelivered('by-words', ['cancel']);

  // The control API.
  await client.send({ project: 'demo', plan: 'by-words', type: 'reopen' });
  await untilDelivered('by-words', ['cancel', 'reopen']);

  // A row that another program inserts.
  await register('by-row');
  const db = new BetterSqlite3(join(made.home, 'taskstore.db'));
  db.prepare("INSERT INTO signals (project, plan, type) VALUES ('demo', 'by-row', 'mark_done')").run();
  db.close();
  await untilDelivered('by-row', ['mark_done']);

  // A signal file.
  await register('by-file');
  mkdirSync(join(made.repo, '.stator', 'signals'), { recursive: true });
  writeFileSync(join(made.repo, '.stator', 'signals', 'implement-wave-1-by-file'), '');
  await untilDelivered('by-file', [
    'implement_start',
    'wave_started',
    'wave_finished',
    'implement_finished',
    'review_approved',
  ]);

  // An agent's signal, and then a person's answer.
  await register('by-agent', planText(['stator signal emit needs_decision --payload "tabs?"; sleep 30']));
  await client.send({ project: 'demo', plan: 'by-agent', type: 'implement_start' });
  await untilDelivered('by-agent', ['implement_start', 'wave_started', 'blocked']);
  await client.send({ project: 'demo', plan: 'by-agent', type: 'cancel' });
  await untilDelivered('by-agent', ['implement_start', 'wave_started', 'blocked', 'cancel']);

  // Exit codes: a judge that says no, a task that fails.
  verdict(1);
  await register('by-exit', planText(['echo b > b.txt']));
  await client.send({ project: 'demo', plan: 'by-exit', type: 'implement_start' });
  await untilDelivered('by-exit', [
    'implement_start',
    'wave_started',
    'wave_finished',
    'implement_finished',
    'review_changes_requested',
    'blocked',
  ]);
  await register('by-failure', planText(['exit 3']));
  await client.send({ project: 'demo', plan: 'by-failure', type: 'implement_start' });
  await untilDelivered('by-failure', ['implement_start', 'wave_started', 'run_failed', 'task_failed', 'wave_failed']);

  // An override.
  await register('by-force');
  expect(
    (await made.stator(['plan', 'advance', 'by-force', '--to', 'done', '--force', '--project', 'demo'])).code,
  ).toBe(0);
  // What comes after it to the same hook is there: so no more of its events will come.
  await client.send({ project: 'demo', plan: 'by-row', type: 'cancel' });
  await untilDelivered('by-row', ['mark_done', 'cancel']);
  expect(eventsOf('by-force')).toEqual([]);
  const { deliveries } = {
    deliveries: JSON.parse((await made.stator(['hook', 'deliveries', '--json', '--project', 'demo'])).stdout) as {
      plan: string;
      state: string;
    }[],
  };
  expect(deliveries.filter(({ plan }) => plan === 'by-force')).toEqual([]);
  expect(foreign.got).toEqual([]);

  // A plan of the same name in the other repo tells the other's.
  await client.registerPlan({ project: 'other', plan: 'by-words', content: planText(['true']) });
  const before = receiver.got.length;
  await client.send({ project: 'other', plan: 'by-words', type: 'cancel' });
  await until(() => foreign.got.length > 0);
  expect(foreign.got.map(({ body }) => [body.project, body.event])).toEqual([['other', 'cancel']]);
  expect(receiver.got.length).toBe(before);

  // In order for each plan, from one on.
  for (const plan of ['by-words', 'by-file', 'by-agent', 'by-exit', 'by-failure']) {
    const own = receiver.got
      .filter(({ body }) => String(body.plan_file).includes(plan))
      .map(({ body }) => body.sequence);
    expect([plan, own]).toEqual([plan, own.map((_, index) => index + 1)]);
  }
  await made.stator(['daemon', 'stop', '--agents']);
});
