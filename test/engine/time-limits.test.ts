/** The limits of a run, a setup and a check count the time in which both the engine and the program could work, and no other. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { askingClaude } from '../support/asking-claude.ts';
import {
  begin,
  gate,
  ground,
  openGate,
  planText,
  runFile,
  runFolders,
  startEngine,
  type TestEngine,
  untilFile,
  untilRunning,
  untilStatus,
} from '../support/engine.ts';
import { type Ground, git, until } from '../support/ground.ts';
import { machineClock } from '../support/machine-clock.ts';
import { noWallsHere } from '../support/walls.ts';

const hourMs = 3_600_000;
const limits = { timeout: '30m', idle_timeout: '20m' };

/** A repo whose worktrees are made ready by this command. */
function withSetup(setup: string): Ground {
  const on = ground();
  mkdirSync(join(on.repo, '.stator'));
  writeFileSync(join(on.repo, '.stator', 'config.toml'), `[worktree]\nsetup = ${JSON.stringify(setup)}\n`);
  git(on.repo, 'add', '.');
  git(on.repo, 'commit', '-qm', 'configured');
  return on;
}

/** What was due is handled: a plan that was asked for later is through. */
async function untilHandled(engine: TestEngine, plan: string): Promise<void> {
  await begin(engine, plan, planText([{ sh: 'echo x > later.txt', title: 'later' }]));
  await untilStatus(engine, plan, 'done');
}

const stateOf = async ({ client }: TestEngine, plan: string) => (await client.instances({ plan }))[0]?.state;

describe('an hour in which the engine was stopped', () => {
  it('is in no limit of an agent that works, nor of a check', async () => {
    const machine = machineClock();
    const engine = await startEngine({
      clock: machine.beating,
      agents: { default: { preset: 'sh', attempts: 1, ...limits } },
    });
    const [works, checks, go] = ['works', 'checks', 'go'].map((name) => join(engine.root, name)) as [
      string,
      string,
      string,
    ];
    const checked = { sh: 'echo b > b.txt', fields: `**Check:** echo > '${checks}'; ${gate(go)}` };
    await begin(engine, 'slept', planText([`echo > '${works}'; ${gate(go)}; echo a > a.txt`, checked]));
    for (const file of [works, checks]) await untilFile(file);
    await untilRunning(engine, 'slept-w1-t1');
    machine.pass(hourMs);
    await untilHandled(engine, 'later');
    openGate(go);
    const shown = await untilStatus(engine, 'slept', 'done');
    expect(shown.tasks_by_wave[0]?.tasks.map(({ attempts }) => attempts)).toEqual([1, 1]);
  });

  it('is not in the limit of a setup', async () => {
    const machine = machineClock();
    const aside = ground();
    const [begun, go] = [join(aside.root, 'begun'), join(aside.root, 'go')];
    // The setup of a later plan ends at once.
    const on = withSetup(`test -e '${begun}' || { echo > '${begun}'; ${gate(go)}; }`);
    const engine = await startEngine({ on, clock: machine.beating });
    await begin(engine, 'ready', planText(['echo a > a.txt']));
    await untilFile(begun);
    machine.pass(hourMs);
    await untilHandled(engine, 'later');
    openGate(go);
    await untilStatus(engine, 'ready', 'done');
  });

  it('is not in the time that a person has for a question', async () => {
    const machine = machineClock();
    const on = ground();
    askingClaude(on, [['echo made > made.txt']]);
    const engine = await startEngine({
      on,
      clock: machine.beating,
      agents: {
        default: {
          preset: 'claude',
          program: join(on.root, 'claude'),
          attempts: 1,
          permissions: 'ask',
          permission_timeout: '30m',
        },
        reviewer: { enabled: false },
      },
    });
    await begin(engine, 'asks', planText(['true']));
    const question = async () => (await engine.client.instances({ plan: 'asks' }))[0]?.permissions[0];
    await until(async () => (await question()) !== undefined);
    machine.pass(hourMs);
    expect((await question())?.detail).toContain('made.txt');
    const answer = await engine.client.send({
      project: 'demo',
      plan: 'asks',
      type: 'agent_allow',
      payload: { title: 'asks-w1-t1' },
    });
    expect(answer.signal.status).toBe('done');
    await untilStatus(engine, 'asks', 'done');
  });
});

/** The first process inside of walls is theirs, and the program is its child. */
async function programOf({ client }: TestEngine, plan: string): Promise<number> {
  let program = 0;
  await until(async () => {
    let pid = (await client.instances({ plan }))[0]?.pid ?? 0;
    while (pid !== 0 && readFileSync(`/proc/${pid}/comm`, 'utf8') === 'bwrap\n')
      pid = Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ')[0]);
    program = pid;
    return program !== 0;
  });
  return program;
}

const places = [
  { where: 'without walls', sandbox: 'off' },
  { where: 'inside walls', sandbox: 'bwrap' },
] as const;

describe.each(places.filter(({ sandbox }) => sandbox === 'off' || noWallsHere === null))(
  'an agent $where whose program somebody stopped',
  ({ sandbox }) => {
    async function stopped() {
      const { clock, pass } = machineClock();
      const daemon = `blueprint_skip_threshold = 0\n[agents.default]\nsandbox = "${sandbox}"\n`;
      const engine = await startEngine({
        daemon,
        clock,
        agents: { default: { preset: 'sh', attempts: 1, ...limits } },
      });
      await begin(engine, 'stop', planText(['while [ ! -e go ]; do sleep 0.1; done; rm go; echo x > x.txt']));
      const worktree = join(engine.repo, '.worktrees', 'plan-stop-w1-t1');
      await untilRunning(engine, 'stop-w1-t1');
      const program = await programOf(engine, 'stop');
      process.kill(program, 'SIGSTOP');
      await until(async () => (await stateOf(engine, 'stop')) === 'paused');
      const [run = ''] = runFolders(engine.home, 'stop');
      await untilFile(join(engine.home, 'runs', run, 'frozen'));
      pass(2 * hourMs);
      await untilHandled(engine, 'later');
      expect(await stateOf(engine, 'stop')).toBe('paused');
      return { engine, program, go: join(worktree, 'go') };
    }

    it('is paused, within no limit, and goes on when the program does', async () => {
      const { engine, program, go } = await stopped();
      const [run = ''] = runFolders(engine.home, 'stop');
      expect(runFile(engine.home, run, 'log')).toContain('was stopped (SIGSTOP), and not by stator');
      process.kill(program, 'SIGCONT');
      await until(async () => (await stateOf(engine, 'stop')) === 'running');
      openGate(go);
      const shown = await untilStatus(engine, 'stop', 'done');
      expect(shown.tasks_by_wave[0]?.tasks).toMatchObject([{ attempts: 1 }]);
    });

    it('goes on with agent resume, and stays paused where a person pauses it then', async () => {
      const { engine, go } = await stopped();
      const say = (type: string) =>
        engine.client.send({ project: 'demo', plan: 'stop', type, payload: { title: 'stop-w1-t1' } });
      expect((await say('agent_resume')).signal.status).toBe('done');
      const [run = ''] = runFolders(engine.home, 'stop');
      await until(() => !existsSync(join(engine.home, 'runs', run, 'stopped-outside')));
      expect((await say('agent_pause')).signal.status).toBe('done');
      await untilHandled(engine, 'last');
      expect(await stateOf(engine, 'stop')).toBe('paused');
      expect((await say('agent_resume')).signal.status).toBe('done');
      openGate(go);
      await untilStatus(engine, 'stop', 'done');
    });
  },
);

it('a check and a setup whose program somebody stopped are within their limits, and their logs say so', async () => {
  const { clock, pass } = machineClock();
  const aside = ground();
  const [first, go] = [join(aside.root, 'first'), join(aside.root, 'go')];
  // In the shell itself: a stopped shell whose child goes on is at work.
  const waits = `while [ ! -e '${go}' ]; do sleep 0.1; done`;
  const stops = (file: string) => `test -e '${file}' || { echo $$ > '${file}'; ${waits}; }`;
  const on = withSetup(stops(first));
  const engine = await startEngine({ on, clock });
  const check = join(aside.root, 'check');
  await begin(engine, 'held', planText([{ sh: 'echo a > a.txt', fields: `**Check:** ${stops(check)}` }]));
  for (const [file, what] of [
    [first, 'the setup'],
    [check, 'the check'],
  ] as const) {
    await untilFile(file);
    const program = Number(readFileSync(file, 'utf8'));
    process.kill(program, 'SIGSTOP');
    const logs = () => readdirSync(join(on.home, 'runs')).map((run) => runFile(on.home, run, 'log'));
    await until(() => logs().some((log) => log.includes(`${what} was stopped (SIGSTOP)`)));
    pass(hourMs);
    await untilHandled(engine, `later-${what.slice(4)}`);
    process.kill(program, 'SIGCONT');
    openGate(go);
    await until(() => !existsSync(`/proc/${program}`));
    rmSync(go);
  }
  const shown = await untilStatus(engine, 'held', 'done');
  expect(shown.tasks_by_wave[0]?.tasks).toMatchObject([{ attempts: 1, status: 'done' }]);
});
