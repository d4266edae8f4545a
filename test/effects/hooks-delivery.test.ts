/** The outcomes of a delivery: tried again, dead, in order, switched off, delivered again; for each type of hook. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { DeliveryEntry } from '../../runtime/api/client/client.ts';
import { showNotification } from '../../runtime/work/effects/hook-notify.ts';
import { isAlive, makeRepo } from '../support/daemon.ts';
import {
  afterwards,
  begin,
  ground,
  planText,
  register,
  say,
  script,
  startEngine,
  type TestEngine,
  untilBlocked,
  untilStatus,
} from '../support/engine.ts';
import { until } from '../support/ground.ts';
import { openReceiver, putHooks, type Receiver, webhook } from '../support/hooks.ts';
import { expectProse } from '../support/prose.ts';

async function receiver(): Promise<Receiver> {
  const made = await openReceiver();
  afterwards(made.close);
  return made;
}

/** An engine over a repo with these hooks; further tries come at once. */
async function withHooks(toml: string, options: Parameters<typeof startEngine>[0] = {}): Promise<TestEngine> {
  const on = options.on ?? ground();
  putHooks(on.repo, toml);
  return startEngine({ hookRetryMs: [10, 10, 10], ...options, on });
}

/** A plan that was registered and cancelled, again and again: one event each, in the order of `cancel reopen cancel …`. */
async function turn(engine: TestEngine, plan: string, times = 1): Promise<void> {
  for (let time = 0; time < times; time += 1) await say(engine, plan, time % 2 === 0 ? 'cancel' : 'reopen');
}

async function planned(engine: TestEngine, ...plans: string[]): Promise<void> {
  for (const plan of plans) await register(engine, plan, planText(['true']));
}

/** The deliveries, oldest first, once it holds for them. */
async function untilDeliveries(
  { client }: Pick<TestEngine, 'client'>,
  holds: (entries: DeliveryEntry[]) => boolean,
): Promise<DeliveryEntry[]> {
  const look = async () => (await client.deliveries({})).toReversed();
  await until(
    async () => holds(await look()),
    async () => JSON.stringify(await look(), null, 1),
  );
  return look();
}

const allAre =
  (state: DeliveryEntry['state'], count = 1) =>
  (entries: DeliveryEntry[]) =>
    entries.length >= count && entries.every((entry) => entry.state === state);

describe('a delivery', () => {
  it.each([408, 429, 500, 503])(
    'that is answered with %i is tried again, and is dead when the tries are used up',
    async (status) => {
      const sink = await receiver();
      sink.answer((response) => void response.writeHead(status).end());
      const engine = await withHooks(webhook(sink.url));
      await planned(engine, 'p');
      await turn(engine, 'p');
      const [entry] = await untilDeliveries(engine, allAre('dead'));
      expect(entry).toMatchObject({
        attempts: 4,
        last_status: status,
        last_error: `the answer was ${status}`,
        next_at: null,
      });
      expect(sink.got).toHaveLength(4);
    },
  );

  it.each([301, 400, 404])(
    'that is answered with %i is dead at once, and nobody is asked elsewhere',
    async (status) => {
      const sink = await receiver();
      const other = await receiver();
      sink.answer((response) => void response.writeHead(status, { location: other.url }).end());
      const engine = await withHooks(webhook(sink.url));
      await planned(engine, 'p');
      await turn(engine, 'p');
      const [entry] = await untilDeliveries(engine, allAre('dead'));
      expect(entry).toMatchObject({ attempts: 1, last_status: status });
      expect(other.got).toEqual([]);
    },
  );

  it('that is answered with 200 and a body without an end, or with a broken one, is delivered, and sent once', async () => {
    const sink = await receiver();
    sink.answer((response, count) => {
      response.writeHead(200, { 'content-length': 100 }).write('taken');
      if (count === 1) setTimeout(() => response.destroy(), 50);
    });
    const engine = await withHooks(webhook(sink.url, 'timeout = "1s"'));
    await planned(engine, 'p');
    await turn(engine, 'p', 2);
    const entries = await untilDeliveries(engine, allAre('delivered', 2));
    expect(entries.map(({ attempts, last_status: status }) => [attempts, status])).toEqual([
      [1, 200],
      [1, 200],
    ]);
    expect(sink.got).toHaveLength(2);
  });

  it('waits as long as 429 says, never less, and not much longer than an hour', async () => {
    const sink = await receiver();
    const answeredMs: Record<string, number> = {};
    sink.answer((response, _count, { body }) => {
      answeredMs[body.plan_file] = Date.now();
      response.writeHead(429, { 'retry-after': body.plan_file === 'q' ? '999999' : '120' }).end();
    });
    const engine = await withHooks(webhook(sink.url));
    // The pause is partly random, so one plan alone could pass by chance.
    const plans = Array.from({ length: 10 }, (_each, index) => `p${index}`);
    await planned(engine, ...plans, 'q');
    for (const plan of [...plans, 'q']) await turn(engine, plan);
    const entries = await untilDeliveries(
      engine,
      (all) => all.length === plans.length + 1 && all.every(({ next_at: next }) => next !== null),
    );
    const pauses = new Map(
      entries.map(({ plan, next_at: next }) => [plan, (Date.parse(next ?? '') - (answeredMs[plan] ?? 0)) / 1000]),
    );
    for (const plan of plans) {
      expect(pauses.get(plan)).toBeGreaterThanOrEqual(120);
      expect(pauses.get(plan)).toBeLessThan(160);
    }
    expect(pauses.get('q')).toBeGreaterThanOrEqual(3_600);
    expect(pauses.get('q')).toBeLessThan(4_800);
  });

  it('that fails holds back the later ones of its plan and hook, and no others', async () => {
    const sink = await receiver();
    const other = await receiver();
    let isUp = false;
    sink.answer(
      (response, _count, { body }) => void response.writeHead(body.plan_file === 'p' && !isUp ? 500 : 200).end(),
    );
    const engine = await withHooks(`${webhook(sink.url, 'name = "a"')}${webhook(other.url, 'name = "b"')}`, {
      hookRetryMs: Array.from({ length: 500 }, () => 50),
    });
    await planned(engine, 'p', 'q');
    await turn(engine, 'p', 4);
    await turn(engine, 'q', 4);
    // 4 of p and 4 of q to b, 4 of q to a.
    await until(async () => (await engine.client.deliveries({ state: 'delivered' })).length === 12);
    expect(new Set(sink.got.filter(({ body }) => body.plan_file === 'p').map(({ body }) => body.sequence))).toEqual(
      new Set([1]),
    );
    isUp = true;
    await untilDeliveries(engine, allAre('delivered', 16));
    const numbers = sink.got.filter(({ body }) => body.plan_file === 'p').map(({ body }) => body.sequence as number);
    expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
    expect(new Set(numbers)).toEqual(new Set([1, 2, 3, 4]));
    expect(
      other.got.filter(({ body }) => body.plan_file === 'p').map(({ body }) => [body.event, body.sequence]),
    ).toEqual([
      ['cancel', 1],
      ['reopen', 2],
      ['cancel', 3],
      ['reopen', 4],
    ]);
  });

  it('that hangs leaves room for other hooks and for agents, of however many plans it is', async () => {
    const hanging = await receiver();
    const other = await receiver();
    hanging.answer(() => {});
    const engine = await withHooks(`${webhook(hanging.url, 'name = "hangs"')}${webhook(other.url, 'name = "works"')}`);
    const plans = Array.from({ length: 8 }, (_, index) => `p${index}`);
    await planned(engine, ...plans);
    await register(engine, 'work', planText(['echo a > a']));
    for (const plan of plans) await turn(engine, plan);
    await until(() => other.got.length === plans.length);
    await say(engine, 'work', 'implement_start');
    await until(() => other.got.some(({ body }) => body.event === 'implement_finished'));
    expect(hanging.got).toHaveLength(4);
  });

  it('that is dead is delivered again under its own id', async () => {
    const sink = await receiver();
    sink.answer((response, count) => void response.writeHead(count === 1 ? 400 : 200).end());
    const engine = await withHooks(webhook(sink.url));
    await planned(engine, 'p');
    await turn(engine, 'p');
    const [dead] = await untilDeliveries(engine, allAre('dead'));
    await engine.client.redeliver({ id: dead?.id ?? '' });
    const [entry] = await untilDeliveries(engine, allAre('delivered'));
    expect(entry).toMatchObject({ id: dead?.id, sequence: 1, attempts: 1, last_error: null, last_status: 200 });
    expect(sink.got.map(({ headers }) => headers['webhook-id'])).toEqual([dead?.id, dead?.id]);
  });

  it('to a private address is refused unless the configuration allows it', async () => {
    const sink = await receiver();
    const engine = await withHooks(`[[hooks]]\ntype = "webhook"\nurl = "${sink.url}"`);
    await planned(engine, 'p');
    await turn(engine, 'p');
    const [entry] = await untilDeliveries(engine, allAre('dead'));
    expect(entry).toMatchObject({ attempts: 1, last_status: null });
    expectProse(entry?.last_error ?? '', '127.0.0.1', 'allow_private = true');
    expect(sink.got).toEqual([]);
    const [hook] = await engine.client.hooks({ project: 'demo' });
    expect(hook).toMatchObject({ state: 'off', since: null, reason: expect.stringContaining('allow_private = true') });
    const { warnings } = await engine.client.status();
    expect(warnings.filter((line) => line.includes('allow_private'))).toHaveLength(1);
  });

  it('without the variable of its secret is not sent, and is delivered once the env file has it; the secret is not stored', async () => {
    const sink = await receiver();
    const secret = 'c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0';
    const engine = await withHooks(webhook(sink.url, 'secret = "env:HOOK_SECRET"\nenv_file = "hooks.env"'), {
      hookRetryMs: Array.from({ length: 500 }, () => 50),
    });
    await planned(engine, 'p');
    await turn(engine, 'p');
    await until(async () => (await engine.client.deliveries({}))[0]?.last_error?.includes('hooks.env') === true);
    writeFileSync(join(engine.repo, 'hooks.env'), 'OTHER=1\n');
    await until(
      async () => (await engine.client.deliveries({}))[0]?.last_error?.includes('there is no HOOK_SECRET') === true,
    );
    expect(sink.got).toEqual([]);
    writeFileSync(join(engine.repo, 'hooks.env'), `HOOK_SECRET=${secret}\n`);
    const [entry] = await untilDeliveries(engine, allAre('delivered'));
    expect(sink.got[0]?.headers['webhook-signature']).toMatch(/^v1,/);
    const shown = JSON.stringify([await engine.client.delivery({ id: entry?.id ?? '' }), engine.log]);
    expect(shown).not.toContain(secret);
    for (const file of ['taskstore.db', 'taskstore.db-wal', 'daemon.log'])
      if (existsSync(join(engine.home, file)))
        expect(readFileSync(join(engine.home, file)).includes(secret)).toBe(false);
  });
});

describe('a hook', () => {
  it('whose receiver answers 410 is off until it is enabled; what it missed is dead and can be sent', async () => {
    const sink = await receiver();
    sink.answer((response) => void response.writeHead(410).end());
    const engine = await withHooks(webhook(sink.url, 'name = "web"'));
    await planned(engine, 'p');
    await turn(engine, 'p', 2);
    const [first, second] = await untilDeliveries(engine, allAre('dead', 2));
    expect(first?.attempts).toBe(1);
    expectProse(second?.last_error ?? '', '410');
    expect(sink.got).toHaveLength(1);
    const [hook, ...others] = await engine.client.hooks({ project: 'demo' });
    expect([hook, others]).toMatchObject([{ hook: 'web', state: 'off' }, []]);
    expectProse(hook?.reason ?? '', '410');
    const warning = (await engine.client.warnings()).find((each) => each.includes('stator hook enable'));
    expectProse(warning ?? '', 'stator hook enable web --project demo');
    const [notification, ...more] = await engine.client.notifications();
    expect([notification, more]).toMatchObject([{ type: 'hook_off' }, []]);
    expectProse(notification?.message ?? '', 'web');
    sink.answer((response) => void response.writeHead(200).end());
    expect(await engine.client.enableHook({ project: 'demo', hook: 'web' })).toMatchObject({ changed: true, dead: 2 });
    await engine.client.redeliver({ id: second?.id ?? '' });
    await until(async () => (await engine.client.deliveries({ state: 'delivered' })).length === 1);
    expect(await engine.client.warnings()).not.toContainEqual(expect.stringContaining('stator hook enable'));
  });

  it('that has only failed for five days is switched off, and one success in between begins the count anew', async () => {
    const sink = await receiver();
    let status = 400;
    let isBusyOnce = false;
    sink.answer((response) => {
      response.writeHead(isBusyOnce ? 503 : status).end();
      isBusyOnce = false;
    });
    let aheadMs = Date.parse('2026-01-01T00:00:00Z') - Date.now();
    const clock = { nowMs: () => Date.now() + aheadMs };
    const engine = await withHooks(webhook(sink.url, 'name = "web"'), { clock, hookRetryMs: [10] });
    await planned(engine, 'p');
    const stateAfter = async (days: number, plan: string) => {
      aheadMs += days * 86_400_000;
      const before = (await engine.client.deliveries({})).length;
      await say(engine, plan, (await engine.client.plan('demo', plan)).status === 'cancelled' ? 'reopen' : 'cancel');
      await until(async () => {
        const entries = await engine.client.deliveries({});
        return entries.length > before && entries.every(({ state }) => state !== 'pending');
      });
      return (await engine.client.hooks({ project: 'demo' }))[0]?.state;
    };
    expect(await stateAfter(0, 'p')).toBe('failing');
    expect(await engine.client.hooks({ project: 'demo' })).toMatchObject([
      { reason: expect.stringContaining('nothing has been delivered since 2026-01-01T00:0') },
    ]);
    expect(await stateAfter(4, 'p')).toBe('failing');
    status = 200;
    expect(await stateAfter(0.5, 'p')).toBe('on');
    status = 400;
    expect(await stateAfter(0.5, 'p')).toBe('failing');
    expect(await stateAfter(4.9, 'p')).toBe('failing');
    // A try that is repeated switches nothing off.
    [isBusyOnce, status] = [true, 200];
    expect(await stateAfter(0.2, 'p')).toBe('on');
    status = 400;
    expect(await stateAfter(0, 'p')).toBe('failing');
    expect(await stateAfter(5.1, 'p')).toBe('off');
    expect(await engine.client.notifications()).toMatchObject([{ type: 'hook_off' }]);
  });

  it('that is removed from the configuration leaves its open deliveries dead; a changed one gets nothing before a person trusts it', async () => {
    const sink = await receiver();
    const other = await receiver();
    sink.answer((response) => void response.writeHead(500).end());
    const hookRetryMs = Array.from({ length: 500 }, () => 50);
    const engine = await withHooks(webhook(sink.url, 'name = "web"'), { hookRetryMs });
    await planned(engine, 'p');
    await turn(engine, 'p');
    await until(() => sink.got.length > 1);
    // Somebody pushes another address: it is not in force.
    putHooks(engine.repo, webhook(other.url, 'name = "web"'));
    await engine.client.reload();
    const before = sink.got.length;
    await until(() => sink.got.length > before + 2);
    expect(other.got).toEqual([]);
    putHooks(engine.repo, '');
    await engine.client.trustRepo({ project: 'demo' });
    const [entry] = await untilDeliveries(engine, allAre('dead'));
    expectProse(entry?.last_error ?? '');
  });

  it('of one repo gets nothing of another, a disabled hook gets nothing at all, and an override of a status goes to no hook', async () => {
    const sink = await receiver();
    const off = await receiver();
    const engine = await withHooks(`${webhook(sink.url)}${webhook(off.url, 'enabled = false')}`);
    const second = makeRepo(join(engine.root, 'second'));
    await engine.client.addRepo(second, { trust: true });
    await register(engine, 'p', planText(['true']));
    await register(engine, 'p', planText(['true']), 'second');
    await say(engine, 'p', 'cancel', undefined, 'second');
    await say(engine, 'p', 'set_status', { status: 'done' });
    await say(engine, 'p', 'set_status', { status: 'ready' });
    await turn(engine, 'p');
    await untilDeliveries(engine, allAre('delivered'));
    expect(sink.got.map(({ body }) => [body.project, body.event, body.sequence])).toEqual([['demo', 'cancel', 1]]);
    expect(off.got).toEqual([]);
    expect(await engine.client.hooks({ project: 'demo' })).toMatchObject([{ state: 'on' }, { state: 'disabled' }]);
  });

  it('gets the undelivered events after a restart, once each', async () => {
    const on = ground();
    const sink = await receiver();
    sink.answer((response) => void response.writeHead(500).end());
    const engine = await withHooks(webhook(sink.url), { on, hookRetryMs: Array.from({ length: 500 }, () => 50) });
    await planned(engine, 'p');
    await turn(engine, 'p', 3);
    await until(() => sink.got.length > 2);
    await engine.engine.stop();
    sink.answer((response) => void response.writeHead(200).end());
    const before = sink.got.length;
    const next = await startEngine({ on, adds: false });
    await untilDeliveries(next, allAre('delivered', 3));
    expect(sink.got.slice(before).map(({ body }) => body.sequence)).toEqual([1, 2, 3]);
  });
});

describe('a command', () => {
  it('runs in the files of the repo with its variables and the body, and without the secrets of the engine', async () => {
    const on = ground();
    writeFileSync(join(on.repo, 'hooks.env'), 'GIVEN=yes\n');
    const engine = await withHooks(
      '[[hooks]]\ntype = "command"\nname = "tell"\nenv_file = "hooks.env"\ncommand = "pwd; env | sort; cat"',
      { on, env: { ...on.env, MY_TOKEN: 'in-the-clear', ANTHROPIC_API_KEY: 'in-the-clear', STATOR_TOKEN: '' } },
    );
    await planned(engine, 'p');
    await turn(engine, 'p');
    const [entry] = await untilDeliveries(engine, allAre('delivered'));
    const { output, body } = await engine.client.delivery({ id: entry?.id ?? '' });
    const lines = (output ?? '').split('\n');
    const wanted = { PLAN: 'p', EVENT: 'cancel', FROM: 'ready', TO: 'cancelled', PROJECT: 'demo', DELIVERY: entry?.id };
    for (const [name, value] of Object.entries(wanted))
      for (const prefix of ['STATOR_HOOK_', 'KASMOS_HOOK_']) expect(lines).toContain(`${prefix}${name}=${value}`);
    expect(lines[0]).toMatch(new RegExp(`^${on.home}/hook-files/[0-9a-f]{32}$`));
    expect(lines).toContain(`STATOR_HOOK_REPO=${on.repo}`);
    expect(lines).toContain('GIVEN=yes');
    expect(lines).toContain(`STATOR_HOME=${on.home}`);
    expect(lines).toContain(body);
    expect(output).not.toContain('in-the-clear');
  });

  it('of the older daemon goes on, with its own names', async () => {
    const on = ground();
    mkdirSync(join(on.repo, '.kasmos'));
    writeFileSync(
      join(on.repo, '.kasmos', 'config.toml'),
      '[[hooks]]\ntype = "command"\ncommand = "echo $KASMOS_HOOK_PLAN $KASMOS_HOOK_FROM $KASMOS_HOOK_TO $KASMOS_HOOK_EVENT"\nevents = ["cancel"]\n',
    );
    const engine = await startEngine({ on });
    await planned(engine, 'p');
    await turn(engine, 'p');
    const [entry] = await untilDeliveries(engine, allAre('delivered'));
    expect((await engine.client.delivery({ id: entry?.id ?? '' })).output).toBe('p ready cancelled cancel\n');
  });

  it('that fails is tried again; one that hangs is ended with all that it started', async () => {
    const on = ground();
    const count = join(on.root, 'count');
    const left = join(on.root, 'left');
    const engine = await withHooks(
      [
        `[[hooks]]\ntype = "command"\nname = "fails"\ncommand = "echo x >> ${count}; test $(wc -l < ${count}) -ge 3"`,
        `[[hooks]]\ntype = "command"\nname = "hangs"\ntimeout = "300ms"\ncommand = "sleep 600 & echo $! > ${left}; wait"`,
      ].join('\n'),
      { on, hookRetryMs: [10, 10] },
    );
    await planned(engine, 'p');
    await turn(engine, 'p');
    const entries = await untilDeliveries(
      engine,
      (all) => all.length === 2 && all.every(({ state }) => state !== 'pending'),
    );
    expect(entries.map(({ hook, state, attempts, last_status: status }) => [hook, state, attempts, status])).toEqual([
      ['fails', 'delivered', 3, 0],
      ['hangs', 'dead', 3, null],
    ]);
    expectProse(entries[1]?.last_error ?? '', '0.3 s');
    const pid = Number(readFileSync(left, 'utf8'));
    expect(isAlive(pid)).toBe(false);
  });
});

describe('a notification', () => {
  it('is passed to the program of the desktop as cleaned arguments, and is dead with a hint if that program is missing', async () => {
    const on = ground();
    const bin = join(on.root, 'bin');
    mkdirSync(bin);
    const told = join(on.root, 'told');
    const name = process.platform === 'darwin' ? 'osascript' : 'notify-send';
    // Of the programs of this machine only git, since it may have a desktop.
    symlinkSync(execFileSync('sh', ['-c', 'command -v git'], { encoding: 'utf8' }).trim(), join(bin, 'git'));
    const engine = await withHooks('[[hooks]]\ntype = "notify"\nevents = ["blocked", "cancel"]', {
      on,
      env: { ...on.env, PATH: bin },
    });
    await planned(engine, 'p');
    await turn(engine, 'p');
    const [missing] = await untilDeliveries(engine, (entries) => entries.length === 1 && allAre('dead')(entries));
    expect(missing).toMatchObject({ attempts: 1, last_error: expect.stringContaining(name) });
    writeFileSync(join(bin, name), `#!/bin/sh\nfor word in "$@"; do printf '%s\\n' "[$word]" >> '${told}'; done\n`, {
      mode: 0o755,
    });
    await engine.client.redeliver({ id: missing?.id ?? '' });
    await untilDeliveries(engine, allAre('delivered'));
    const words = readFileSync(told, 'utf8');
    expect(words).toContain('[stator: demo/p]\n');
    expect(words).toMatch(/\[ready -(>|&gt;) cancelled \(cancel\)\]/);
  });

  it('of daemon.toml tells the desktop once that an agent asks, whatever it asks, and hooks that name it alike', async () => {
    const on = ground();
    const bin = join(on.root, 'bin');
    mkdirSync(bin);
    const told = join(on.root, 'told');
    const name = process.platform === 'darwin' ? 'osascript' : 'notify-send';
    script(join(bin, name), `for word in "$@"; do printf '[%s]' "$word" >> '${told}'; done; echo >> '${told}'`);
    const log = join(on.root, 'log');
    const command = (hook: string, events: string) =>
      `[[hooks]]\ntype = "command"\nname = "${hook}"\ncommand = "cat >> ${log}-${hook}"\n${events}\n`;
    const asked = join(on.root, 'asked');
    const text = '--urgency=critical \u001b]0;owned\u0007 <b>x</b>\nnext '.padEnd(4_000, 'y');
    const emit = `stator signal emit needs_decision --payload '${JSON.stringify({ reason: text })}'`;
    const engine = await withHooks(
      `${command('desktop', 'events = ["agent_asks", "task_queued"]')}${command('all', '')}`,
      {
        on,
        env: { ...on.env, PATH: `${bin}:${on.env.PATH}` },
        daemon: 'blueprint_skip_threshold = 0\n[notifications]\ndesktop = "attention"\n',
      },
    );
    await begin(
      engine,
      'p',
      planText([`test -e '${asked}' || { touch '${asked}'; ${emit}; exit 1; }; echo a > a.txt`]),
    );
    await untilBlocked(engine, 'p');
    await say(engine, 'p', 'resolve', { body: 'tabs' });
    await untilStatus(engine, 'p', 'done');
    const entries = await untilDeliveries(engine, allAre('delivered', 3));
    const named = (hook: string) => entries.filter((entry) => entry.hook === hook).map(({ event }) => event);
    // A hook of the repo that has the name leaves the person's own as it is.
    expect(named('desktop-2')).toEqual(['agent_asks']);
    expect(named('desktop')).toEqual(['task_queued', 'agent_asks']);
    expect(named('all')).toContain('blocked');
    expect(named('all').filter((event) => event.startsWith('task_') || event === 'agent_asks')).toEqual([]);
    const [line = '', ...more] = readFileSync(told, 'utf8').trim().split('\n');
    expect(more).toEqual([]);
    expect(line).toContain('[stator: demo/p]');
    expect(line).toMatch(/\[question 1 of p-w1-t1: --urgency=critical .*(&lt;b&gt;x|<b>x)/);
    if (process.platform !== 'darwin') expect(line).toMatch(/^\[--app-name=stator\]\[--\]\[stator/);
    expect(line).not.toMatch(/\x1b|\x07/);
    expect(line.length).toBeLessThan(700);
    const [asking] = readFileSync(`${log}-desktop`, 'utf8')
      .split('\n')
      .filter((each) => each.includes('"agent_asks"'));
    expect(JSON.parse(asking ?? '')).toMatchObject({
      hook: 'desktop',
      from_status: 'implementing',
      to_status: 'implementing',
      message: expect.stringContaining('--urgency=critical'),
    });
    // It belongs to the person: it needs no trust, and the list of hooks has it.
    const { enables } = await engine.client.repo({ project: 'demo' });
    expect(enables.join('\n')).not.toContain('desktop-2');
    expect((await engine.client.hooks({ project: 'demo' })).map(({ hook }) => hook)).toEqual([
      'desktop',
      'all',
      'desktop-2',
    ]);
  });

  it('on a Mac is given to osascript as arguments of a script that never changes', async () => {
    const on = ground();
    const told = join(on.root, 'told');
    const bin = join(on.root, 'bin');
    mkdirSync(bin);
    script(join(bin, 'osascript'), `for word in "$@"; do printf '%s\\n' "[$word]" >> '${told}'; done`);
    const message = '" & (do shell script "touch /tmp/x") & "';
    const at = {
      kind: 'hook.deliver',
      id: 'msg_1',
      hook: 'desktop',
      plan: 'p',
      from: 'ready',
      to: 'ready',
      at: 0,
    } as const;
    const tried = await showNotification(
      { type: 'notify', name: 'desktop', events: [], enabled: true, timeoutMs: 10_000 },
      { ...at, event: 'agent_asks', sequence: 1, details: { message } },
      {
        project: 'demo',
        env: { PATH: `${bin}:${process.env.PATH}` },
        abort: new AbortController().signal,
        platform: 'darwin',
      },
    );
    expect(tried.kind).toBe('delivered');
    expect(readFileSync(told, 'utf8')).toBe(
      `[-e]\n[on run argv]\n[-e]\n[display notification (item 2 of argv) with title (item 1 of argv)]\n[-e]\n[end run]\n[stator: demo/p]\n[${message}]\n`,
    );
  });
});
