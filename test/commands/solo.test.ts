/** One agent does all of a draft, without a planner; or one agent works on a person's message, under the given name. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { ask } from '../support/api.ts';
import { terminal } from '../support/cli.ts';
import { ground, planText, register, script, startEngine, type TestEngine, untilStatus } from '../support/engine.ts';
import { expectFailure } from '../support/prose.ts';
import { openPty } from '../support/pty.ts';

const main = join(import.meta.dirname, '../../dist/bin/stator.js');

const draft = '# Paint the shop\n\nBlue, with white doors.\n';

/** A coder that keeps its prompt. */
async function painting(): Promise<TestEngine> {
  const on = ground();
  const program = script(join(on.root, 'painter'), `cat > '${join(on.root, 'prompt')}'; echo blue > shop.txt`);
  const agents = { default: { preset: 'command', program, attempts: 1 }, reviewer: { enabled: false } } as const;
  return startEngine({ on, agents, daemon: '' });
}

it('one coder carries out a whole draft, and receives all of it with the text that a person adds', async () => {
  const engine = await painting();
  await register(engine, 'paint', draft);
  const { signal } = await engine.client.soloPlan('demo', 'paint', { prompt: 'Mind the cat.' });
  expect(signal).toMatchObject({ type: 'implement_start', status: 'done' });
  const shown = await untilStatus(engine, 'paint', 'done');
  expect(shown.tasks_by_wave).toMatchObject([{ tasks: [{ title: 'Paint the shop', status: 'done' }] }]);
  expect((await engine.client.instances({ plan: 'paint' })).map(({ title }) => title)).toEqual(['paint-coder']);
  const prompt = readFileSync(join(engine.root, 'prompt'), 'utf8');
  for (const words of ['Blue, with white doors.', 'Mind the cat.']) expect(prompt).toContain(words);
});

it('a plan that is not a draft, is half written, or that no coder can do, is refused unchanged', async () => {
  const engine = await painting();
  await register(engine, 'planned', planText(['true']));
  await expectFailure(engine.client.soloPlan('demo', 'planned'), 'conflict', 'demo/planned', 'plan advance planned');
  await register(engine, 'half', '# Half\n\n## Wave 1\n');
  await expectFailure(engine.client.soloPlan('demo', 'half'), 'bad_plan', 'line 3');
  await expectFailure(engine.client.soloPlan('demo', 'absent'), 'plan_not_found', 'demo/absent');
  const shell = await startEngine();
  await register(shell, 'paint', draft);
  await expectFailure(shell.client.soloPlan('demo', 'paint'), 'agent_unusable', 'sh');
  expect(await shell.client.plan('demo', 'paint')).toMatchObject({ status: 'ready', phase: null, content: draft });
});

it('over the route of kasmos a session has the name that a person gives it, once, and runs the program of its role', async () => {
  const engine = await painting();
  const solo = (body: object) =>
    ask(engine.engine, 'POST /v1/repos/:project/instances/solo', { params: { project: 'demo' }, body });
  const program = join(engine.root, 'painter');
  expect(await solo({ title: 'Night shift', program: 'codex', prompt: 'paint' })).toMatchObject({
    status: 400,
    json: { code: 'bad_request' },
  });
  expect(await solo({ title: 'Night shift', program, prompt: 'paint', solo_agent: true })).toMatchObject({
    status: 202,
    json: { title: 'night-shift-session' },
  });
  expect(await solo({ title: 'Night shift', prompt: 'paint' })).toMatchObject({
    status: 409,
    json: { code: 'conflict' },
  });
  await untilStatus(engine, 'night-shift', 'done');
  expect(readFileSync(join(engine.root, 'prompt'), 'utf8')).toContain('paint');
  await register(engine, 'paint', draft);
  expect(await solo({ title: 'x', task_file: 'paint.md' })).toMatchObject({
    status: 202,
    json: { title: 'paint-coder' },
  });
  await untilStatus(engine, 'paint', 'done');
});

it('plan start --solo asks for no planner; where no engine runs the coder starts with the next one', async () => {
  const made = terminal();
  const program = script(join(made.root, 'painter'), 'echo blue > shop.txt');
  made.write(
    '.stator/config.toml',
    `[agents.default]\npreset = "command"\nprogram = "${program}"\n[agents.reviewer]\nenabled = false\n`,
  );
  expect((await made.stator(['repo', 'add', '.', '--trust'])).code).toBe(0);
  expect((await made.stator(['plan', 'register', '--draft', 'paint', '--content', draft])).code).toBe(0);
  const both = await made.stator(['plan', 'start', 'paint', '--solo', '--plan-only']);
  expect([both.code, both.stderr]).toEqual([64, expect.stringContaining('--plan-only')]);
  const unsure = openPty(process.execPath, [main, 'plan', 'start', 'paint', '--solo'], {
    cwd: made.repo,
    env: made.env,
  });
  await unsure.until('let one coder do all of paint');
  unsure.type('\r');
  expect(await unsure.ended).toBe(1);
  const started = await made.stator(['plan', 'start', 'paint', '--solo', '--json']);
  expect([started.code, JSON.parse(started.stdout)]).toMatchObject([0, { plan: { status: 'implementing' } }]);
  expect(existsSync(join(made.repo, 'shop.txt'))).toBe(false);
  expect((await made.stator(['plan', 'start', 'paint', '--solo'])).code).toBe(1);
});
