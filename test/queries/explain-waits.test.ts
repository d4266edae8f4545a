import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { makeRepo } from '../support/daemon.ts';
import {
  begin,
  gate,
  ground,
  openGate,
  planText,
  register,
  say,
  startEngine,
  type TestEngine,
  untilStatus,
  waves,
} from '../support/engine.ts';
import { until } from '../support/ground.ts';

async function untilWaits({ client }: TestEngine, plan: string, kind: string, project = 'demo'): Promise<string> {
  const now = async () => (await client.explain(project, plan)).waiting_for;
  await until(async () => (await now())?.kind === kind);
  // A busy machine takes minutes for the whole test.
  return ((await now())?.detail ?? '').replace(/\(\d+m\)/, '(<1m)');
}

describe('explain tells a tired person', () => {
  it('that the limit of the repo is reached, where slots are free', async () => {
    const engine = await startEngine({ daemon: `max_agents = 3\nmax_agents_per_repo = 1\n${waves}` });
    const go = join(engine.root, 'go');
    const work = `${gate(go)}\necho x > "$STATOR_PLAN.txt"`;
    await begin(engine, 'busy', planText([work]));
    await untilWaits(engine, 'busy', 'agent');
    await begin(engine, 'next', planText([work]));
    expect(await untilWaits(engine, 'next', 'slot')).toBe(
      'position 1 of 1, 1 of 3 agents busy: busy-w1-t1 (<1m); its repo has 1 of at most 1 (max_agents_per_repo)',
    );
    openGate(go);
    for (const plan of ['busy', 'next']) await untilStatus(engine, plan, 'done');
  });

  it('that its branch is brought up to date between two waves, and what checks that', async () => {
    const on = ground();
    const go = join(on.root, 'go');
    mkdirSync(join(on.repo, '.stator'), { recursive: true });
    const check = `while [ ! -f ${go} ]; do sleep 0.1; done`;
    writeFileSync(join(on.repo, '.stator/config.toml'), `[landing]\nrefresh = "1s"\ncheck = "${check}"\n`);
    const engine = await startEngine({ on, daemon: waves });
    const moves = `git -C ${on.repo} commit -q --allow-empty -m meanwhile; sleep 1.1; echo 1 > one.txt`;
    await begin(engine, 'long', planText([moves], ['echo 2 > two.txt']));
    // Before the plan's first wave the branch is updated without a check.
    const detail = `plan/long is brought up to date with its base, and the check of that must pass: ${check}`;
    await until(async () => (await engine.client.explain('demo', 'long')).waiting_for?.detail === detail);
    openGate(go);
    await untilStatus(engine, 'long', 'done');
  });

  it('that a plan it waits for is not there, or cancelled', async () => {
    const engine = await startEngine();
    await register(engine, 'given-up', planText(['true']));
    await say(engine, 'given-up', 'cancel');
    await begin(engine, 'late', `**After:** given-up, mistyped\n\n${planText(['true'])}`);
    expect(await untilWaits(engine, 'late', 'after')).toBe(
      'waits for given-up, mistyped to be done; given-up is cancelled; no plan mistyped is registered',
    );
  });

  it('that a plan it waits for waits for a person itself', async () => {
    const engine = await startEngine();
    await begin(engine, 'fails', planText(['exit 3']));
    await untilWaits(engine, 'fails', 'wave_confirmation');
    await register(engine, 'resting', planText(['true']));
    await begin(engine, 'late', `**After:** fails, resting\n\n${planText(['true'])}`);
    expect(await untilWaits(engine, 'late', 'after')).toBe(
      'waits for fails, resting to be done; fails needs a person: stator plan explain fails; resting has not been started: stator plan advance resting',
    );
  });

  it('that plans wait for each other, along which way', async () => {
    const engine = await startEngine();
    const waits = (plan: string) => `**After:** ${plan}\n\n${planText(['true'])}`;
    for (const [plan, other] of [
      ['one', 'two'],
      ['two', 'three'],
      ['three', 'zero'],
    ] as const)
      await begin(engine, plan, waits(other));
    await engine.client.updateContent('demo', 'three', waits('one'));
    await begin(engine, 'beside', waits('one'));
    expect(await untilWaits(engine, 'one', 'after')).toBe(
      'waits for two to be done; they wait for each other: one → two → three → one',
    );
    expect(await untilWaits(engine, 'beside', 'after')).toBe('waits for one to be done');
  });
});

describe('a repo whose folder comes back', () => {
  it('is checked in the next round, whichever check found it missing', async () => {
    let standsAt: number | null = null;
    const engine = await startEngine({ clock: { nowMs: () => standsAt ?? Date.now() } });
    const path = makeRepo(join(engine.root, 'second'));
    await engine.client.addRepo(path, { trust: true });
    const entry = async () => (await engine.client.repos()).find(({ project }) => project === 'second');
    // The first check uses the changed file; the next one would come after half a minute.
    mkdirSync(join(path, '.stator'));
    writeFileSync(join(path, '.stator', 'config.toml'), 'priority = 3\n');
    const priority = async () =>
      (await engine.client.repo({ project: 'second' })).config.find(({ key }) => key === 'priority')?.value;
    await until(async () => (await priority()) === 3);
    const go = join(engine.root, 'go');
    await begin(engine, 'work', planText([`${gate(go)}\necho x > x.txt`]), 'second');
    const isRunning = async () =>
      (await engine.client.instances({ project: 'second' })).some(({ state }) => state === 'running');
    await until(isRunning);
    renameSync(path, `${path}.away`);
    openGate(go);
    await until(async () => (await entry())?.state === 'degraded');
    // No time passes, so nothing is read because a time has come.
    standsAt = Date.now();
    renameSync(`${path}.away`, path);
    await until(async () => (await entry())?.state === 'active');
    standsAt = null;
    await untilStatus(engine, 'work', 'done', 'second');
  });
});

describe('a payload of nothing but white space', () => {
  it('counts as no payload, as in the rows of kasmos', async () => {
    const engine = await startEngine();
    await register(engine, 'p', planText(['true']));
    const { signal } = await engine.client.send({ project: 'demo', plan: 'p', type: 'retry_wave', payload: '' });
    expect(signal.refused).toMatchObject({ state: 'ready.planned' });
    await expect(
      engine.client.send({ project: 'demo', plan: 'p', type: 'needs_decision', payload: ' ' }),
    ).rejects.toMatchObject({ code: 'bad_payload' });
  });
});
