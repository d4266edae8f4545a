/** The effects of a person's act, shown before it is carried out: the signal's own step on a copy. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  begin,
  gate,
  openGate,
  planText,
  register,
  say,
  startEngine,
  untilFile,
  untilStatus,
  waves,
} from '../support/engine.ts';
import { git, until } from '../support/ground.ts';
import { expectProse } from '../support/prose.ts';

describe('the preview of an act shows', () => {
  it('which agents end where a plan is cancelled, paused or set, and that nothing has changed by asking', async () => {
    const engine = await startEngine({ daemon: waves });
    const { client, root } = engine;
    const [one, two, go] = ['one', 'two', 'go'].map((name) => join(root, name));
    const work = (begun = '') => `echo x > '${begun}'\n${gate(go ?? '')}\necho x > "$STATOR_TITLE"`;
    await begin(engine, 'login', planText([work(one), work(two)]));
    await Promise.all([untilFile(one ?? ''), untilFile(two ?? '')]);
    await until(async () => (await client.instances({ plan: 'login' })).every(({ state }) => state === 'running'));
    const before = await client.history('demo', 'login');
    for (const [type, payload] of [
      ['cancel', {}],
      ['pause', {}],
      ['set_status', { status: 'ready' }],
    ] as const) {
      const preview = await client.previewAct({ project: 'demo', plan: 'login', type, payload });
      expect(preview).toMatchObject({
        act: type,
        accepted: true,
        asks: true,
        needs_force: false,
        starts: [],
        merge: null,
      });
      expect(preview.ends.map(({ title, role, state }) => [title, role, state])).toEqual([
        ['login-w1-t1', 'coder', 'running'],
        ['login-w1-t2', 'coder', 'running'],
      ]);
      expectProse(preview.says.join('\n'), 'login-w1-t1', 'login-w1-t2');
    }
    const kill = await client.previewAct({
      project: 'demo',
      plan: 'login',
      type: 'agent_kill',
      payload: { title: 'login-w1-t2' },
    });
    expect(kill.ends.map(({ title }) => title)).toEqual(['login-w1-t2']);
    expect(
      await client.previewAct({ project: 'demo', plan: 'login', type: 'pause', payload: { wait: true } }),
    ).toMatchObject({ accepted: true, asks: false, ends: [] });
    expect(await client.previewAct({ project: 'demo', plan: 'login', type: 'merge' })).toMatchObject({
      accepted: false,
      asks: false,
      says: [],
    });
    expect(await client.history('demo', 'login')).toEqual(before);
    openGate(go ?? '');
    await untilStatus(engine, 'login', 'done');
  });

  it('which branch moves by a merge, and which plans wait for a done one that is cancelled', async () => {
    const engine = await startEngine();
    const { client, repo } = engine;
    await begin(engine, 'login', planText(['echo x > form.txt']));
    await untilStatus(engine, 'login', 'done');
    await register(engine, 'login-ui', `**After:** login\n\n${planText(['echo y > ui.txt'])}`);
    const head = git(repo, 'rev-parse', 'main');
    const merge = await client.previewAct({ project: 'demo', plan: 'login', type: 'merge' });
    expect(merge).toMatchObject({
      asks: true,
      needs_force: false,
      merge: {
        into: 'main',
        branch: 'plan/login',
        total: { files: 1, insertions: 1, deletions: 0 },
        files: ['form.txt'],
      },
    });
    expectProse(merge.says.join('\n'), 'main', 'form.txt');
    expect(git(repo, 'rev-parse', 'main')).toBe(head);
    const cancel = await client.previewAct({ project: 'demo', plan: 'login', type: 'cancel' });
    expect(cancel).toMatchObject({ asks: true, needs_force: true, waiters: ['login-ui'] });
    expectProse(cancel.says.join('\n'), 'login-ui', '**After:**');
    expect(await client.previewAct({ project: 'demo', plan: 'login', type: 'pause' })).toMatchObject({
      asks: true,
      needs_force: true,
    });
    await say(engine, 'login', 'merge');
    await until(async () => (await client.plan('demo', 'login')).landing === 'merged');
    const merged = await client.previewAct({ project: 'demo', plan: 'login', type: 'cancel' });
    expect(merged.says[0]).toContain('what is merged of it stays merged');
  });

  it('which agents start, and whether that may cost something: a shell does not', async () => {
    const coder = { preset: 'command', program: 'true' } as const;
    const engine = await startEngine({ daemon: waves, agents: { default: { preset: 'sh', attempts: 1 }, coder } });
    await register(engine, 'login', planText(['echo 1', 'echo 2'], ['echo 3']));
    const start = await engine.client.previewAct({ project: 'demo', plan: 'login', type: 'implement_start' });
    expect(start.asks).toBe(true);
    expect(start.starts.map(({ title, program, paid }) => [title, program, paid])).toEqual([
      ['login-w1-t1', 'command', true],
      ['login-w1-t2', 'command', true],
    ]);
    expectProse(start.says.join('\n'), 'login-w1-t1', 'command');
    const shells = await startEngine({ daemon: waves });
    await register(shells, 'login', planText(['echo 1', 'echo 2']));
    const free = await shells.client.previewAct({ project: 'demo', plan: 'login', type: 'implement_start' });
    expect(free).toMatchObject({ accepted: true, asks: false, starts: [{ paid: false }, { paid: false }] });
    await say(shells, 'login', 'cancel');
  });

  it('that there is no such signal, or no such plan', async () => {
    const { client } = await startEngine();
    const ask = (plan: string, type: string) => client.previewAct({ project: 'demo', plan, type });
    await expect(ask('login', 'cancel')).rejects.toMatchObject({ code: 'plan_not_found' });
    await expect(ask('login', 'cancle')).rejects.toMatchObject({ code: 'unknown_signal' });
  });
});
