/** Daemons over one store in PostgreSQL: a repo moves from one to another while both live. */
import { appendFileSync, existsSync, mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { isAlive } from '../support/daemon.ts';
import { git, until } from '../support/ground.ts';
import {
  type Host,
  hostHere,
  hostOn,
  hostsGround,
  kill,
  must,
  register,
  remoteOf,
  statusOf,
  taker,
} from '../support/hosts.ts';

const { emptyStore } = await hostsGround();

/** A task that writes its pid, and waits until there is a gate. */
function waitingTask(folder: string): { readonly gate: string; readonly pids: string; readonly task: string } {
  const [gate, pids] = [join(folder, 'gate'), join(folder, 'pids')];
  const task = `echo $$ >> ${pids}; n=0; while [ ! -e ${gate} ] && [ $n -lt 6000 ]; do n=$((n+1)); sleep 0.1; done; echo two > two.txt`;
  return { gate, pids, task };
}

const repoOf = async (asked: Host, of: Host) =>
  (await asked.client().repos()).find(({ project }) => project === of.project);

it('a repo moves to another host with its plans and back to where it was; no attempt is spent', async () => {
  const url = await emptyStore();
  const [a, b] = [await taker(url, 'a', hostHere), await taker(url, 'b')];
  remoteOf(b);
  await must(b.ask('repo', 'trust', b.project));
  const { gate, pids, task } = waitingTask(mkdtempSync(join(tmpdir(), 'stator-move-')));
  await register(b, 'p', [['echo one > one.txt'], [task]]);
  await until(() => existsSync(pids));
  const first = Number(readFileSync(pids, 'utf8'));
  const explain = () => must(a.ask('plan', 'explain', 'p', '--project', b.project));

  // While its agents run it is refused with what to do, on whichever host one asks.
  for (const asked of [a, b])
    expect(await asked.ask('repo', 'move', b.project, 'a')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(`stator repo move ${b.project} a --stop`),
    });
  expect(isAlive(first)).toBe(true);

  expect(await must(b.ask('plan', 'move', 'p', 'a', '--stop'))).toContain(
    `moving ${b.project} to a, with 1 plan under way`,
  );
  await until(() => !isAlive(first));
  const path = join(a.clones, b.project);
  await until(async () => (await repoOf(b, b))?.state === 'active' && (await repoOf(b, b))?.path === path, explain);
  await until(() => readFileSync(pids, 'utf8').trim().split('\n').length === 2, explain);
  expect(await must(a.ask('repo', 'move', b.project, 'a'))).toContain('on a already');

  // Back again, asked on the host that it goes to: to the checkout that b had.
  await must(b.ask('repo', 'move', b.project, 'b', '--stop'));
  await until(async () => (await repoOf(a, b))?.path === b.path && (await repoOf(a, b))?.host === 'b', explain);
  appendFileSync(gate, '');
  await until(async () => (await statusOf(a, b, 'p')) === 'done', explain);
  expect(git(b.path, 'show', 'plan/p:one.txt').trim()).toBe('one');
  expect(git(b.path, 'show', 'plan/p:two.txt').trim()).toBe('two');
  const history = await must(a.ask('plan', 'history', 'p', '--project', b.project));
  expect(history.match(/wave 2 task 1 goes on/g)).toHaveLength(2);
  expect(history).not.toMatch(/fail|lost|attempt/);
  expect(JSON.parse(await must(a.ask('plan', 'verify', '--all', '--json')))).toMatchObject({ ok: true });
});

it('a move is refused where the other host is not there or takes none, and without a remote; then the repo works on', async () => {
  const url = await emptyStore();
  const [a, b, c] = [await taker(url, 'a'), await hostOn(url, 'b'), await taker(url, 'c', hostHere)];
  const refused = async (host: string) => {
    const { code, stderr } = await c.ask('repo', 'move', c.project, host);
    return `${code} ${stderr}`;
  };
  expect(await refused('nowhere')).toContain('there is no host nowhere');
  expect(await refused('b')).toContain('the host b takes no repos');
  expect(await refused('a')).toContain('has no remote that a could clone');
  await kill(a);
  await until(async () => (await refused('a')).includes('the host a is lost'));
  await register(c, 'p', [['echo one > one.txt']]);
  await until(async () => (await statusOf(b, c, 'p')) === 'done');
});
