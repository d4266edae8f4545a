/** The ports and the name of a worktree are its own, the same for all of its runs, and free again once it is gone. */
import { fork } from 'node:child_process';
import fs, { mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { ownPorts, portsOfBlock } from '../../runtime/work/agents/own-ports.ts';
import { createFolder } from '../support/agent.ts';

function ground() {
  const root = createFolder();
  const folder = join(root, 'ports');
  const worktree = (name: string): string => {
    mkdirSync(join(root, 'trees', name), { recursive: true });
    return join(root, 'trees', name);
  };
  const ask = (path: string, project = 'shop') => ownPorts(folder, { project, path });
  return { root, folder, worktree, ask };
}

test('one worktree has the same block at each call, and no two have one in common', () => {
  const { worktree, ask } = ground();
  const bases = Array.from({ length: 60 }, (_, index) => ask(worktree(`login-w1-t${index}`)).base);
  expect(new Set(bases).size).toBe(60);
  for (const base of bases) expect((Number(base) - 20_000) % portsOfBlock).toBe(0);
  expect(Array.from({ length: 60 }, (_, index) => ask(worktree(`login-w1-t${index}`)).base)).toEqual(bases);
});

test('a block is free again when its worktree is gone, and when all are taken there is none', () => {
  const { folder, worktree, ask } = ground();
  const there = worktree('there');
  mkdirSync(folder);
  for (let block = 0; block < 600; block += 1)
    symlinkSync(there, join(folder, `${20_000 + block * 20}-${'f'.repeat(16)}`));
  const late = worktree('late');
  const read = vi.spyOn(fs, 'readdirSync');
  const restore = () => {
    read.mockRestore();
    syncBuiltinESMExports();
  };
  onTestFinished(restore);
  syncBuiltinESMExports();
  expect(ask(late).base).toBeNull();
  // To read the folder for each block stopped the engine for half a second at each start of an agent.
  expect(read).toHaveBeenCalledTimes(1);
  restore();
  rmSync(there, { recursive: true });
  const { base } = ask(late);
  expect(base).not.toBeNull();
  expect(readdirSync(folder).filter((name) => name.startsWith(`${base}-`))).toHaveLength(1);
});

test('a port that some program listens on is in no new block', async () => {
  const { worktree, ask } = ground();
  const path = worktree('a');
  const first = Number(ask(path).base);
  // It is found among others, wherever the kernel lists it.
  for (const port of [...Array.from({ length: 20 }, () => 0), first + 7]) {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
  }
  const { ask: askElsewhere } = { ask: (folder: string) => ownPorts(folder, { project: 'shop', path }) };
  expect(askElsewhere(join(path, 'other-registry')).base).not.toBe(first);
});

test('what others put into the folder is neither followed nor removed', () => {
  const { folder, worktree, ask } = ground();
  const path = worktree('a');
  const base = Number(ask(path).base);
  rmSync(folder, { recursive: true });
  mkdirSync(folder);
  writeFileSync(join(folder, `${base}-file`), 'x');
  mkdirSync(join(folder, `${base + 20}-folder`));
  writeFileSync(join(folder, '99999-0123456789abcdef'), '');
  expect(ask(path).base).not.toBe(base);
  expect(readdirSync(folder)).toEqual(expect.arrayContaining([`${base}-file`, '99999-0123456789abcdef']));
});

test('the name is one that databases and containers take, whatever the project and the folder are called', () => {
  const { worktree, ask } = ground();
  for (const [project, name] of [
    ['shop', 'login-w1-t2'],
    ['9 Läden', '__'],
    ['ÄÖ', '日本'],
    ['a'.repeat(200), 'b'.repeat(200)],
  ] as const) {
    const { slug } = ask(worktree(name), project);
    expect(slug).toMatch(/^[a-z][a-z0-9_]{0,39}$/);
  }
  expect(ask(worktree('login-w1-t2')).slug).toMatch(/^shop_login_w1_t2_[0-9a-f]{8}$/);
});

test('several processes that claim at the same time never get the same block', async () => {
  const { root, folder, worktree } = ground();
  const module = join(import.meta.dirname, '../../dist/runtime/work/agents/own-ports.js');
  const script = join(root, 'claim.mjs');
  writeFileSync(
    script,
    `import { ownPorts } from ${JSON.stringify(module)};
     const [folder, ...paths] = process.argv.slice(2);
     process.send(paths.map((path) => ownPorts(folder, { project: 'shop', path }).base));`,
  );
  const claims = Array.from({ length: 4 }, (_, process) =>
    Array.from({ length: 100 }, (_, index) => worktree(`p${process}-${index}`)),
  );
  const bases = await Promise.all(
    claims.map(
      (paths) =>
        new Promise<number[]>((resolve, reject) => {
          const child = fork(script, [folder, ...paths]);
          child.on('message', (found) => resolve(found as number[])); // as the script sends it
          child.on('exit', (code) => (code === 0 ? undefined : reject(new Error(`exit ${code}`))));
        }),
    ),
  );
  expect(new Set(bases.flat()).size).toBe(400);
});
