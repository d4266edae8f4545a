/** Which engine starts a plan: the engine of a `run` continues the plans of other runs, and every verb reports the owner of the home correctly. */
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { PlanEntry } from '../../runtime/api/client/client.ts';
import { socketPath } from '../../runtime/base/config/socket-path.ts';
import { planOf, type Running, type Terminal, type Watched, working } from '../support/cli.ts';
import { until } from '../support/ground.ts';
import { commandProblem, commandsIn } from '../support/printed-commands.ts';

const waitsFor = (home: string, file: string) => `until test -e ${join(home, file)}; do sleep 0.1; done`;

function letGo({ home }: Terminal, file: string): void {
  writeFileSync(join(home, file), '');
}

async function planNow({ stator }: Terminal, plan: string): Promise<PlanEntry> {
  return JSON.parse((await stator(['plan', 'show', plan, '--json'])).stdout);
}

/** A run of `a` that owns the home and works until `a` lies in it; one agent at a time. It is a call of this process, or a process for a signal. */
async function owner<Run extends Watched>(made: Terminal, begin: (args: string[]) => Run): Promise<Run> {
  mkdirSync(made.home, { recursive: true, mode: 0o700 });
  writeFileSync(join(made.home, 'daemon.toml'), 'max_agents = 2\n');
  made.write('a.md', planOf([waitsFor(made.home, 'a')]));
  const run = begin(['run', 'a.md', '--trust']);
  await until(() => run.stdout().includes('working'));
  return run;
}

async function detach(guest: Running): Promise<string> {
  guest.child.kill('SIGINT');
  const { code, stderr } = await guest.ended;
  expect(code).toBe(130);
  return stderr;
}

it('a plan that another run gave it is gone on with when that one detaches, and after the own plan is over', async () => {
  const made = working();
  const run = await owner(made, made.watch);
  made.write('b.md', planOf(['true'], [waitsFor(made.home, 'b')], ['true']));
  const guest = made.start(['run', 'b.md']);
  await until(() => guest.stdout().includes('wave 2'));
  const said = await detach(guest);
  expect(said).toContain(`a \`stator run\` (pid ${process.pid}) goes on with b until it ends or needs you`);
  letGo(made, 'a');
  await until(() => run.stderr().includes('going on with b'));
  expect(run.stdout()).toContain('a is done');
  letGo(made, 'b');
  expect((await run.ended).code).toBe(0);
  expect((await planNow(made, 'b')).status).toBe('done');
});

it('a plan that waits for a person keeps no run, and one that is deleted neither', async () => {
  const made = working();
  const run = await owner(made, made.watch);
  made.write('b.md', planOf([`${waitsFor(made.home, 'b')}; stator signal emit needs_decision --payload "which?"`]));
  const guest = made.start(['run', 'b.md']);
  await until(() => guest.stdout().includes('working'));
  await detach(guest);
  letGo(made, 'a');
  await until(() => run.stderr().includes('going on with b'));
  letGo(made, 'b');
  expect((await run.ended).code).toBe(0);
  expect(await planNow(made, 'b')).toMatchObject({ turn: 'person' });
});

it('Ctrl-C in the run that goes on with the plan of another says that it ends, and how to go on', async () => {
  const made = working();
  const run = await owner(made, made.start);
  made.write('b.md', planOf([waitsFor(made.home, 'b')]));
  const guest = made.start(['run', 'b.md']);
  await until(() => guest.stdout().includes('working'));
  await detach(guest);
  letGo(made, 'a');
  await until(() => run.stderr().includes('going on with b'));
  run.child.kill('SIGINT');
  const { code, stderr } = await run.ended;
  expect(code).toBe(0);
  expect(stderr).toContain('b does not go on');
  expect(stderr).toContain(`cd ${made.repo} && stator run b.md`);
  letGo(made, 'b');
  expect((await made.stator(['run', 'b.md'])).code).toBe(0);
});

it('of a plan that nobody gave it everybody says how to add it, and nobody says to start a daemon', async () => {
  const made = working();
  const run = await owner(made, made.watch);
  made.write('b.md', planOf(['true']));
  expect((await made.stator(['plan', 'register', 'b.md'])).code).toBe(0);
  const started = await made.stator(['plan', 'advance', 'b']);
  const why = `a \`stator run\` (pid ${process.pid}) has this home, and starts only the plans that were run there`;
  const how = `cd ${made.repo} && stator run b.md`;
  expect(started.code).toBe(0);
  expect(started.stderr).toContain(`nothing starts yet: ${why}; add this one with: ${how}`);
  await until(async () => (await planNow(made, 'b')).waiting_for?.kind === 'engine');
  for (const args of [['plan', 'explain', 'b'], ['plan', 'show', 'b'], ['status']]) {
    const { stdout, stderr } = await made.stator(args);
    const said = `${stdout}${stderr}`.replace(/\s+/g, ' ');
    expect(said, args.join(' ')).toContain(why);
    expect(said, args.join(' ')).not.toContain('daemon start');
    for (const command of commandsIn(`${stdout}\n${stderr}`)) expect(await commandProblem(command)).toBeNull();
  }
  const daemon = await made.stator(['daemon', 'start']);
  expect([daemon.code, daemon.stderr.includes(`pid ${process.pid}`)]).toEqual([69, true]);
  // What it says is so.
  expect((await made.stator(['run', 'b.md'])).code).toBe(0);
  letGo(made, 'a');
  expect((await run.ended).code).toBe(0);
});

it('while the socket of the engine is away nobody says that no engine runs', async () => {
  const made = working();
  const run = await owner(made, made.watch);
  const socket = socketPath(made.home, made.env, '');
  renameSync(socket, `${socket}.away`);
  // A file of somebody else in its place, or the engine makes it again within a second.
  writeFileSync(socket, '');
  const who = `a \`stator run\` (pid ${process.pid}) has this home and does not answer`;
  for (const args of [['status'], ['monitor'], ['agent', 'restart', 'a-w1-t1']]) {
    const { stderr } = await made.stator(args);
    expect(stderr, args.join(' ')).toContain(who);
    expect(stderr, args.join(' ')).not.toContain('no engine runs');
  }
  rmSync(socket);
  renameSync(`${socket}.away`, socket);
  letGo(made, 'a');
  expect((await run.ended).code).toBe(0);
});

it('a word that starts nothing now says what holds the plan: it is paused, the queue is, or no engine runs', async () => {
  const made = working();
  made.write('p.md', planOf(['stator signal emit needs_decision --payload "left?"; true']));
  expect((await made.stator(['plan', 'register', 'p.md', '--trust'])).code).toBe(0);
  await made.stator(['plan', 'pause', 'p']);
  const advanced = await made.stator(['plan', 'advance', 'p', 'implement-start']);
  expect(advanced.stderr).toContain('nothing starts yet: it is paused; go on with: stator plan resume p');
  const resumed = await made.stator(['plan', 'resume', 'p']);
  expect(resumed.stderr).toContain(
    'nothing starts yet: no engine starts its agents now; start one with: stator daemon start',
  );
  expect(resumed.stderr).toContain(`cd ${made.repo} && stator run p.md`);
  const asked = await made.stator(['run', 'p.md']);
  expect(asked.code).toBe(1);
  await made.stator(['plan', 'pause', 'p']);
  const answered = await made.stator(['plan', 'answer', 'p', 'left', '--json']);
  expect(JSON.parse(answered.stdout).plan.waits).toContain('stator plan resume p');
  expect(JSON.parse((await made.stator(['plan', 'pause', 'p', '--json'])).stdout).plan.waits).toBeNull();
});
