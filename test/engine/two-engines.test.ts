/** Engines of two homes on one machine: on one repository one of them works, on two repositories both do. */
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createEngine } from '../../runtime/engine/engine.ts';
import { lockFolder } from '../../runtime/work/repos/engine-lock.ts';
import { daemonGround, isAlive, makeRepo } from '../support/daemon.ts';
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
  type TestEngine,
  untilFile,
  untilStatus,
} from '../support/engine.ts';
import { git, until } from '../support/ground.ts';
import { expectFailure } from '../support/prose.ts';

/** Another home, with the same repository. */
const besides = (made: TestEngine) => ({ ...made, home: join(made.root, 'second') });
const locks = ({ repo }: Pick<TestEngine, 'repo'>) => {
  const folder = join(repo, '.git', lockFolder);
  return existsSync(folder) ? readdirSync(folder).length : 0;
};
const stateOf = async ({ client }: TestEngine) => (await client.repo({ project: 'demo' })).state;

it('a home that is given relative to the working directory is stored as an absolute path', async () => {
  const { home, env } = ground();
  const engine = await createEngine({ home: relative(process.cwd(), home), env, serve: false });
  afterwards(() => engine.stop());
  expect(engine.home).toBe(home);
});

describe('two homes on one repository', () => {
  it('the second is refused with the home and the pid of the first, reads all the same, and works once the first has stopped', async () => {
    const first = await startEngine();
    const [file, begun] = [join(first.root, 'gate'), join(first.root, 'begun')];
    await begin(first, 'p', planText([`echo > ${begun}; ${gate(file)}; echo one > one.txt`]));
    await untilFile(begun);
    const second = await startEngine({ on: besides(first), adds: false });
    await expectFailure(
      second.client.addRepo(first.repo, { trust: true, way: 'run' }),
      'elsewhere',
      first.home,
      String(process.pid),
    );
    expect(await second.client.repos()).toEqual([]);

    const added = await second.client.addRepo(first.repo, { trust: true });
    expect(added.notes.join()).toContain(`that of ${first.home} (pid ${process.pid})`);
    await register(second, 'p', planText(['echo two > two.txt']));
    const refused = { code: 'elsewhere', message: expect.stringContaining(first.home) };
    for (const type of ['implement_start', 'plan_start'])
      await expect(say(second, 'p', type)).rejects.toMatchObject(refused);
    await until(async () => (await stateOf(second)) === 'degraded');
    expect((await second.client.repo({ project: 'demo' })).reason).toContain(`another engine works in ${first.repo}`);
    expect((await second.client.plan('demo', 'p')).status).toBe('ready');
    expect((await second.client.gc({ dry: false, overrides: [] })).notes.join()).toContain(
      'demo was left out: another engine works',
    );

    openGate(file);
    await untilStatus(first, 'p', 'done');
    expect(git(first.repo, 'show', 'plan/p:one.txt')).toBe('one');
    await first.engine.stop();
    await until(async () => (await stateOf(second)) === 'active');
    await second.client.deletePlan('demo', 'p', {});
    await begin(second, 'q', planText(['echo two > two.txt']));
    await untilStatus(second, 'q', 'done');
    await second.engine.stop();
    expect(locks(first)).toBe(0);
  });

  it('an engine that has ended and left its agents at work keeps the repository, until they have ended', async () => {
    const first = await startEngine();
    const [file, begun] = [join(first.root, 'gate'), join(first.root, 'begun')];
    await begin(first, 'p', planText([`echo > ${begun}; ${gate(file)}; echo one > one.txt`]));
    await untilFile(begun);
    await first.engine.stop();
    expect(locks(first)).toBe(1);
    const second = await startEngine({ on: besides(first), adds: false });
    const add = () => second.client.addRepo(first.repo, { trust: true, way: 'run' });
    await expect(add()).rejects.toMatchObject({ code: 'elsewhere', message: expect.stringContaining('left agents') });
    openGate(file);
    await until(async () => (await add().catch(() => null)) !== null);
    expect(locks(first)).toBe(1);
  });

  it('an engine makes its lock anew if somebody removed it, so no other engine gets the repository', async () => {
    const first = await startEngine();
    rmSync(join(first.repo, '.git', lockFolder), { recursive: true });
    await begin(first, 'p', planText(['echo one > one.txt']));
    await untilStatus(first, 'p', 'done');
    expect(locks(first)).toBe(1);
    expect(first.log.join('\n')).toContain('the lock of demo');
  });
});

it('two homes on two repositories work side by side, and a repo that is taken out is free at once', async () => {
  const [first, second] = [await startEngine(), await startEngine({ on: ground() })];
  for (const each of [first, second]) await begin(each, 'p', planText(['echo a > a.txt']));
  for (const each of [first, second]) await untilStatus(each, 'p', 'done');
  const more = makeRepo(join(first.root, 'more'));
  await first.client.addRepo(more, { trust: true });
  await expect(second.client.addRepo(more, { trust: true, way: 'run' })).rejects.toMatchObject({ code: 'elsewhere' });
  await first.client.removeRepo({ project: 'more' });
  expect(await second.client.addRepo(more, { trust: true, way: 'run' })).toMatchObject({ status: 'added' });
});

it('a daemon that is killed gives its repository to the next home, and a running one keeps it', async () => {
  const first = daemonGround();
  await first.stator(['daemon', 'start']);
  await first.stator(['repo', 'add', '.', '--trust']);
  await until(() => locks(first) === 1);
  const pid = first.owner()?.pid ?? 0;
  const second = await startEngine({ on: { ...first, home: join(first.root, 'second') }, adds: false });
  const add = () => second.client.addRepo(first.repo, { trust: true, way: 'run' });
  await expect(add()).rejects.toMatchObject({
    code: 'elsewhere',
    message: `another engine works in ${first.repo}: that of ${first.home} (pid ${pid})`,
  });
  process.kill(pid, 'SIGKILL');
  await until(() => !isAlive(pid));
  expect(locks(first)).toBe(1);
  await add();
  await begin(second, 'p', planText(['echo a > a.txt']));
  await untilStatus(second, 'p', 'done');
  expect(locks(first)).toBe(1);
});
