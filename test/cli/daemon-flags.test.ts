/** Flags of the verbs that speak to a daemon, one daemon for all of them. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { daemonGround, makeRepo } from '../support/daemon.ts';
import { script } from '../support/engine.ts';
import { until } from '../support/ground.ts';

it('a daemon is followed, shows its page, gives a repo up, and is started anew with another configuration', async () => {
  const made = daemonGround();
  const json = async (...words: string[]) => JSON.parse((await made.stator([...words, '--json'])).stdout);
  expect(await made.stator(['daemon', 'start'])).toMatchObject({ code: 0 });

  // Its log: what is new is printed until Ctrl-C.
  const followed = made.start(['daemon', 'logs', '--follow', '--lines', '1']);
  await until(() => followed.stdout() !== '');
  expect(followed.stdout().trim().split('\n')).toHaveLength(1);
  const log = readFileSync(join(made.home, 'daemon.log'), 'utf8');
  const other = makeRepo(join(made.root, 'other'));
  expect(await made.stator(['daemon', 'reload'])).toMatchObject({ code: 0 });
  await until(() => followed.stdout().trim().split('\n').length > 1);
  expect(log).not.toContain(followed.stdout().trim().split('\n').at(-1));
  followed.child.kill('SIGINT');
  expect((await followed.ended).code).toBe(130);

  // Its page: the same port again, the one that is asked for, in a browser, and for Stately's inspector.
  const { url } = await json('inspect');
  const { port } = new URL(url);
  expect((await fetch(url)).status).toBe(200);
  expect(new URL((await json('inspect', '--port', port)).url).port).toBe(port);
  expect((await made.stator(['inspect', '--port', 'http'])).code).toBe(64);
  expect(await json('inspect', '--stately')).toEqual({
    url: expect.stringContaining(`:${port}/`),
    websocket: expect.stringMatching(/^ws:/),
  });
  const opened = join(made.root, 'opened');
  const browser = `printf '%s' "$1" >'${opened}.part' && mv '${opened}.part' '${opened}'`;
  for (const name of ['open', 'xdg-open']) script(join(made.root, name), browser);
  const env = { PATH: `${made.root}:${process.env.PATH}` };
  expect(await made.stator(['inspect'], { env })).toMatchObject({ code: 0 });
  expect(existsSync(opened)).toBe(false);
  expect(await made.stator(['inspect', '--open'], { env })).toMatchObject({ code: 0 });
  await until(() => existsSync(opened));
  expect(new URL(readFileSync(opened, 'utf8')).port).toBe(port);

  // A repo, by the old names.
  const repos = async () => ((await json('repo', 'list')) as { project: string }[]).map(({ project }) => project);
  expect(await made.stator(['daemon', 'add', other, '--trust'])).toMatchObject({ code: 0 });
  expect(await repos()).toEqual(['other']);
  expect(await made.stator(['daemon', 'remove', 'other', '--stop'])).toMatchObject({ code: 0 });
  expect(await repos()).toEqual([]);

  // Another configuration.
  const socket = join(made.root, 'other.sock');
  made.write('other.toml', `socket_path = "${socket}"\n`);
  const before = made.owner();
  expect(await made.stator(['daemon', 'restart', '--config', 'other.toml'])).toMatchObject({ code: 0 });
  expect(made.owner()?.pid).not.toBe(before?.pid);
  expect([before?.socketPath === socket, made.owner()?.socketPath]).toEqual([false, socket]);
});
