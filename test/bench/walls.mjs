/**
 * What walls cost: from the decision to start a program that does nothing until its exit code is in the run's folder, without walls and inside of them, taking
 * turns. `--json` prints one object.
 */
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureLauncher } from '../../dist/runtime/work/agents/launcher.js';
import { createRunFolder, runFolderAt } from '../../dist/runtime/work/agents/run-folder.js';
import { launch } from '../../dist/runtime/work/agents/wrapper.js';
import { createWalls } from '../../dist/runtime/work/sandbox/walls.js';
import { makeRepo, median, print, round } from './ground.mjs';

const turns = Number(process.env.STATOR_BENCH_TURNS ?? 40);
const root = mkdtempSync(join(tmpdir(), 'stator-bench-'));
const walls = createWalls({ ...process.env, STATOR_SANDBOX: '' });

async function startMs({ home, repo, worktree }, sandbox, turn) {
  const folder = runFolderAt(join(home, 'runs'), `${sandbox}-${turn}`, 'of-the-bench');
  createRunFolder(folder);
  writeFileSync(folder.prompt, '');
  const env = { PATH: process.env.PATH, HOME: process.env.HOME, STATOR_RUN: `bench-${turn}`, TMPDIR: folder.temp };
  const profile = { role: 'coder', preset: 'command', sandbox, network: 'full', hosts: [], writable: [], readable: [] };
  const identity = { name: 'Ada', email: 'ada@example.com' };
  const beginMs = performance.now();
  const before = await walls.around({
    profile,
    env,
    home,
    folder,
    worktree,
    repo,
    program: '/bin/true',
    identity,
    git: [],
    socketFolder: null,
    keeps: null,
  });
  await launch({ folder, argv: ['/bin/true'], walls: before?.words ?? [], cwd: worktree, env, stdinFile: null });
  while (!existsSync(folder.exit)) await new Promise((resolve) => setImmediate(resolve));
  return performance.now() - beginMs;
}

try {
  const state = await walls.state();
  if (state.kind === 'missing') print('walls', { skipped: state.reason });
  else {
    const home = join(root, 'home');
    mkdirSync(home, { mode: 0o700 });
    ensureLauncher(home);
    const repo = makeRepo(root, 'demo');
    const worktree = join(repo, '.worktrees', 'one');
    mkdirSync(worktree, { recursive: true });
    const [without, inside] = [[], []];
    for (let turn = 0; turn < turns; turn++) {
      without.push(await startMs({ home, repo, worktree }, 'off', turn));
      inside.push(await startMs({ home, repo, worktree }, 'bwrap', turn));
    }
    const [plain, walled] = [median(without), median(inside)];
    print('walls', {
      'without, ms': round(plain),
      'inside of walls, ms': round(walled),
      'more by, ms': round(walled - plain),
    });
  }
} finally {
  rmSync(root, { recursive: true, force: true });
}
