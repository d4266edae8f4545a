import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import BetterSqlite3 from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import type { Effect } from '../../machines/vocabulary/effect.ts';
import { EngineError } from '../../machines/vocabulary/errors.ts';
import { effectKey, planTree } from '../../machines/vocabulary/ids.ts';
import { systemClock } from '../../runtime/base/platform/clock.ts';
import { ensureHome } from '../../runtime/base/platform/home.ts';
import { createLog, type Log } from '../../runtime/base/platform/log.ts';
import { unstored } from '../../runtime/core/inbox/tree-cache.ts';
import { createDispatcher } from '../../runtime/core/outbox/dispatcher.ts';
import type { Handlers } from '../../runtime/core/outbox/handler.ts';
import { createCore } from '../../runtime/engine/core.ts';
import { createEngine } from '../../runtime/engine/engine.ts';
import { openOneShot, openSupervisor } from '../../runtime/engine/one-shot.ts';
import {
  afterwards,
  begin,
  gate,
  ground,
  openGate,
  planText,
  register,
  say,
  startEngine,
  untilBlocked,
  untilFile,
  untilStatus,
} from '../support/engine.ts';
import { until } from '../support/ground.ts';
import { noTroubles } from '../support/no-troubles.ts';
import { expectFailure } from '../support/prose.ts';

const writerScript = fileURLToPath(new URL('../support/scripts/store-writer.mjs', import.meta.url));

function change(home: string, sql: string): void {
  const db = new BetterSqlite3(join(home, 'taskstore.db'), { timeout: 5_000 });
  db.exec(sql);
  db.close();
}

/** Another program takes the store's write lock; the returned function makes it let go. */
async function hold(home: string): Promise<() => Promise<void>> {
  const holder = spawn(process.execPath, [writerScript, join(home, 'taskstore.db')], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  afterwards(() => void holder.kill('SIGKILL'));
  const closed = new Promise<void>((resolve) => holder.once('close', () => resolve()));
  await new Promise((resolve) => holder.stdout.once('data', resolve));
  return async () => {
    holder.stdin.end();
    await closed;
  };
}

function isAlive(pid: number): boolean {
  try {
    return !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z');
  } catch {
    return false; // gone
  }
}

/** How many files of that name this process has open. */
function openFiles(name: string): number {
  return readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).includes(name);
    } catch {
      return false; // the one that listed the folder
    }
  }).length;
}

describe('an engine', () => {
  it('does its work with a log that throws at every word', async () => {
    const loud = () => {
      throw new Error('no words');
    };
    const log: Log = { debug: loud, info: loud, warn: loud, error: loud };
    let trouble = 2;
    const started = await startEngine({
      log,
      faults(point) {
        if (point !== 'pump.before-commit' || trouble === 0) return;
        trouble -= 1;
        throw new Error('something is wrong with this batch');
      },
    });
    await begin(started, 'mute', planText(['echo a > a.txt']));
    await untilStatus(started, 'mute', 'done');
    expect(trouble).toBe(0);
  });

  it('leaves its home when it is stopped while another program has the store', async () => {
    const on = ground();
    const { engine, log } = await startEngine({ on });
    const release = await hold(on.home);
    await engine.stop({ agents: 'stop' });
    expect(log.join('\n')).toContain('the agents could not be told to end, and go on without an engine');
    expect(existsSync(join(on.home, 'owner.json'))).toBe(false);
    expect(openFiles(join(on.home, 'taskstore.db'))).toBe(0);
    await release();
    const second = await startEngine({ on });
    expect((await second.client.repos()).map(({ project }) => project)).toEqual(['demo']);
  });

  it('pauses no plan for good by stopping its agents, whatever keeps it from finishing that', async () => {
    const on = ground();
    const [begun, go] = [join(on.root, 'begun'), join(on.root, 'go')];
    const first = await startEngine({ on });
    await begin(first, 'whole', planText([`echo x > '${begun}'\n${gate(go)}\necho a > a.txt`]));
    await untilFile(begun);
    change(
      on.home,
      `CREATE TRIGGER half BEFORE INSERT ON signals WHEN NEW.type = 'agents_requeued' BEGIN SELECT RAISE(ABORT, 'no'); END`,
    );
    await first.engine.stop({ agents: 'stop' });
    change(on.home, 'DROP TRIGGER half');
    const second = await startEngine({ on });
    expect((await second.client.plan('demo', 'whole')).paused).toBe(false);
    openGate(go);
    await untilStatus(second, 'whole', 'done');
  });

  it('does nothing more in a home that it has lost, and says so once', async () => {
    const started = await startEngine();
    const { home, log, client } = started;
    await register(started, 'lost', planText(['echo a > a.txt']));
    rmSync(join(home, 'owner.db'));
    const send = () => client.send({ project: 'demo', plan: 'lost', type: 'implement_start' });
    await until(() =>
      send().then(
        ({ signal }) => signal.status !== 'pending' && expect.fail(`it was handled: ${signal.status}`),
        ({ code }) => code === 'unavailable',
      ),
    );
    await until(() => log.some((line) => line.includes('no more')));
    expect(log.filter((line) => line.includes('no more: owner.db was deleted or replaced'))).toHaveLength(1);
  });

  it('tells a plan that waits for leave from a repo whose state is damaged', async () => {
    const on = ground();
    const first = await startEngine({ on });
    await register(first, 'wedged', planText(['echo a > a.txt']));
    await first.engine.stop();
    change(on.home, `UPDATE trees SET snapshot = '{}' WHERE address = 'repo:demo'`);
    const started = await startEngine({ on, adds: false, verifies: false });
    await say(started, 'wedged', 'implement_start');
    const plan = await untilBlocked(started, 'wedged');
    expect(plan.blocked).toMatchObject({ source: 'fault', reason: expect.stringContaining('stator signal show') });
  });
});

describe('an engine that cannot start', () => {
  it('for its socket has the store closed again', async () => {
    const { home, env } = ground();
    mkdirSync(home, { mode: 0o700 });
    writeFileSync(join(home, 'daemon.toml'), `socket_path = "/tmp/${'x'.repeat(200)}"\n`);
    await expect(createEngine({ home, env })).rejects.toMatchObject({ code: 'bad_config' });
    // A verb serves nobody, so it needs no socket.
    await (await openOneShot(home, env)).close();
    expect(openFiles(join(home, 'taskstore.db'))).toBe(0);
  });

  it('keeps the file that lies where its socket should be', async () => {
    const { root, home, env } = ground();
    const path = join(root, 'notes.txt');
    mkdirSync(home, { mode: 0o700 });
    writeFileSync(join(home, 'daemon.toml'), `socket_path = "${path}"\n`);
    writeFileSync(path, 'dear diary\n');
    await expectFailure(createEngine({ home, env }), 'home_unusable', path, 'socket_path');
    expect(readFileSync(path, 'utf8')).toBe('dear diary\n');
    expect(openFiles(join(home, 'taskstore.db'))).toBe(0);
  });

  it('takes its socket away', async () => {
    const { root, home, env } = ground();
    const path = join(root, 'stator.sock');
    mkdirSync(home, { mode: 0o700 });
    writeFileSync(join(home, 'daemon.toml'), `socket_path = "${path}"\n`);
    // A folder in the place of the last file that a start writes.
    const faults = () => void mkdirSync(join(home, 'daemon.pid'), { recursive: true });
    await expect(createEngine({ home, env, faults })).rejects.toThrow();
    expect(existsSync(path)).toBe(false);
    rmSync(join(home, 'daemon.pid'), { recursive: true });
    const engine = await createEngine({ home, env });
    expect(existsSync(path)).toBe(true);
    await engine.stop();
    expect(existsSync(path)).toBe(false);
  });
});

describe('a verb without an engine', () => {
  it('ends the check that an engine left running', async () => {
    const on = ground();
    const [begun, go] = [join(on.root, 'begun'), join(on.root, 'go')];
    const started = await startEngine({ on });
    const check = `echo $$ > '${begun}'; ${gate(go)}`;
    await begin(started, 'checked', planText([{ sh: 'echo a > a.txt', fields: `**Check:** ${check}` }]));
    await untilFile(begun);
    const pid = Number(readFileSync(begun, 'utf8'));
    await started.engine.stop();
    expect(isAlive(pid)).toBe(true);
    const moment = await openOneShot(on.home, on.env);
    await moment.send({ project: 'demo', plan: 'checked', type: 'cancel' });
    await moment.close();
    await until(() => !isAlive(pid));
  });

  it('waits for an agent that cannot be ended only so long, and leaves it to the next owner', async () => {
    const { home } = ground();
    ensureHome(home);
    const told: string[] = [];
    const log = createLog((line) => void told.push(line), 'info');
    const clock = systemClock;
    const started = await createCore({
      home,
      clock,
      log,
      mode: 'verb',
    });
    afterwards(() => started.store.close());
    const { store } = started;
    const outlived = async () => {
      throw new EngineError('unavailable', 'a process outlived KILL', 'look at it with ps');
    };
    const at = clock.nowMs();
    const effect = { kind: 'agent.run', id: 'w1-t1#1', lane: 'worker', place: { branch: 'b' } } as unknown as Effect; // all that is looked at here
    const tree = planTree('demo', 'hard');
    await store.commit([{ do: 'effect.insert', tree, effect, priority: 0, at }]);
    const key = effectKey(tree, effect.id);
    const withdrawn = { tree, type: 'run_exited', payload: {}, origin: 'engine', at } as const;
    await store.commit([
      { do: 'effect.take', id: (await store.effect(key))?.id ?? 0, owner: { host: '', epoch: 1 }, at },
      { do: 'effect.stop', key, stopAt: at, at, withdrawn },
    ]);
    const lanes = createDispatcher({
      store,
      handlers: { 'agent.run': outlived } as unknown as Handlers, // the one kind that is asked for
      clock,
      timeline: started.timeline,
      log,
      troubles: noTroubles,
      owner: { host: '', epoch: 2 },
      isOwner: () => true,
      limits: started.limits,
      startableAgents: () => 'none',
      onSignals: () => {},
    });
    expect((await lanes.stopDue(300)).map((row) => row.key)).toEqual([key]);
    expect((await store.effect(key))?.status).toBe('running');
    expect(told.join('')).toContain('a process outlived KILL | look at it with ps');
  });
});

describe('the live trees', () => {
  it('are bounded, also where nobody but readers asks for them', async () => {
    const { home } = ground();
    ensureHome(home);
    const started = await createCore({
      home,
      clock: systemClock,
      log: createLog(() => {}, 'error'),
      mode: 'verb',
    });
    afterwards(() => started.store.close());
    await openSupervisor(started);
    const { cache } = started;
    const tree = (await cache.get('supervisor'))?.tree;
    if (tree === undefined) throw new Error('the supervisor is live');
    const plans = Array.from({ length: 1_200 }, (_, index) => planTree('demo', `p${index}`));
    for (const address of plans) cache.keep(address, unstored(tree));
    const isLive = await Promise.all(plans.map(async (address) => (await cache.get(address)) !== null));
    expect(plans.filter((_, index) => isLive[index])).toEqual(plans.slice(-1_024));
  });
});
