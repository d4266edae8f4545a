/** The git that stays open to say what names point to: it answers as a git of its own would, and is in nobody's way. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { gitAtWork } from '../../runtime/work/git/at-work.ts';
import { createReaders } from '../../runtime/work/git/reader.ts';
import { readRef } from '../../runtime/work/git/refs.ts';
import { makeRepository, run, temporaryHome } from '../support/git.ts';
import { until } from '../support/ground.ts';

const isLinux = process.platform === 'linux';

describe('a git that stays open', () => {
  const home = temporaryHome();
  let readers = createReaders();
  const lookUp = (path: string, name: string) => readers.lookUp(path, name);

  beforeEach(() => {
    readers = createReaders();
  });

  afterEach(async () => {
    readers.close();
    await until(() => openIn(process.pid).length === 0);
  });

  it('sees what was made, moved, packed and deleted since it was opened', async () => {
    const path = makeRepository(join(home.path, 'demo'), { isHostile: false });
    expect(await lookUp(path, 'refs/heads/new^{commit}')).toBeNull();
    const first = run(path, 'rev-parse', 'HEAD');
    run(path, 'branch', 'new');
    expect(await lookUp(path, 'refs/heads/new^{commit}')).toBe(first);
    const second = commitIn(path, 'second');
    run(path, 'branch', '-f', 'new', 'main');
    run(path, 'pack-refs', '--all');
    run(path, 'repack', '-q', '-a', '-d');
    expect(await lookUp(path, 'refs/heads/new^{commit}')).toBe(second);
    expect(await lookUp(path, `${second}^{tree}`)).toBe(run(path, 'rev-parse', 'HEAD^{tree}'));
    run(path, 'branch', '-D', 'new');
    expect(await lookUp(path, 'refs/heads/new^{commit}')).toBeNull();
    // To delete a branch writes the configuration anew, so another was opened; the first ends when it has read the end of its input.
    if (isLinux) await until(() => openIn(process.pid).length === 1);
  });

  it('says what lies at a path of a commit or tree', async () => {
    const path = makeRepository(join(home.path, 'demo'), { isHostile: false });
    mkdirSync(join(path, '.stator', 'signals'), { recursive: true });
    writeFileSync(join(path, '.stator', 'signals', 'one'), 'x');
    const before = run(path, 'rev-parse', 'HEAD');
    run(path, 'add', '--force', '.stator');
    const after = commitIn(path, 'with a signal');
    expect(await lookUp(path, `${before}:.stator/signals`)).toBeNull();
    const folder = run(path, 'rev-parse', `${after}:.stator/signals`);
    expect(await lookUp(path, `${after}:.stator/signals`)).toBe(folder);
    expect(await lookUp(path, `${after}^{tree}`)).toBe(run(path, 'rev-parse', `${after}^{tree}`));
    expect(await lookUp(path, `${folder}:one`)).toBe(run(path, 'rev-parse', `${folder}:one`));
    expect(await lookUp(path, `${after}:../one`)).toBeUndefined();
    expect(await lookUp(path, 'HEAD:.stator/signals')).toBeUndefined();
  });

  it.runIf(isLinux)('is opened anew when it died, and when another repository lies there', async () => {
    const path = makeRepository(join(home.path, 'demo'), { isHostile: false });
    const first = run(path, 'rev-parse', 'HEAD');
    expect(await lookUp(path, 'HEAD^{commit}')).toBe(first);
    for (const pid of openIn(process.pid)) process.kill(pid, 'SIGKILL');
    await until(async () => (await lookUp(path, 'HEAD^{commit}')) === first);
    renameSync(path, join(home.path, 'aside'));
    makeRepository(path, { isHostile: false });
    const other = commitIn(path, 'another');
    expect(await lookUp(path, 'HEAD^{commit}')).toBe(other);
  });

  it('leaves to git what is broken, and takes nothing for missing that is out of reach', async () => {
    const path = makeRepository(join(home.path, 'demo'), { isHostile: false });
    await lookUp(path, 'HEAD^{commit}');
    writeFileSync(join(path, '.git', 'refs', 'heads', 'broken'), '');
    expect(await lookUp(path, 'refs/heads/broken^{commit}')).toBeUndefined();
    expect(await lookUp(path, 'main^{commit}')).toBeUndefined();
    rmSync(join(path, '.git', 'objects'), { recursive: true });
    expect(await lookUp(path, 'refs/heads/nowhere^{commit}')).toBeUndefined();
    await expect(readRef({ path, readers }, 'refs/heads/nowhere')).rejects.toMatchObject({ code: 'git_failed' });
  });

  it('is no git at work, and stands in no folder of the repository', async () => {
    const path = makeRepository(join(home.path, 'demo'), { isHostile: false });
    await lookUp(path, 'HEAD^{commit}');
    expect(gitAtWork(join(path, '.git'), Date.now() + 60_000)).toBeNull();
    if (isLinux) for (const pid of openIn(process.pid)) expect(readlinkSync(`/proc/${pid}/cwd`)).toBe('/');
  });

  it.runIf(isLinux)('is let go of with its engine, and another engine in this process keeps its own', async () => {
    const path = makeRepository(join(home.path, 'demo'), { isHostile: false });
    const head = run(path, 'rev-parse', 'HEAD');
    const other = createReaders();
    onTestFinished(other.close);
    expect(await lookUp(path, 'HEAD^{commit}')).toBe(head);
    expect(await other.lookUp(path, 'HEAD^{commit}')).toBe(head);
    other.close();
    await until(() => openIn(process.pid).length === 1);
    expect(await other.lookUp(path, 'HEAD^{commit}')).toBeUndefined();
    expect(await lookUp(path, 'HEAD^{commit}')).toBe(head);
  });

  it.runIf(isLinux)('ends with its engine, also when that is killed', async () => {
    const path = makeRepository(join(home.path, 'demo'), { isHostile: false });
    const module = join(import.meta.dirname, '..', '..', 'dist', 'runtime', 'work', 'git', 'reader.js');
    const text = `import(${JSON.stringify(module)}).then(async ({ createReaders }) => { await createReaders().lookUp(${JSON.stringify(path)}, 'HEAD^{commit}'); console.log('asked'); setInterval(() => {}, 1000); })`;
    const engine = spawn(process.execPath, ['-e', text], { stdio: ['ignore', 'pipe', 'inherit'] });
    onTestFinished(() => void engine.kill('SIGKILL'));
    await once(engine.stdout, 'data');
    const [pid] = openIn(engine.pid ?? 0);
    expect(readFileSync(`/proc/${pid}/cmdline`, 'utf8')).toContain('cat-file');
    engine.kill('SIGKILL');
    await until(() => !existsSync(`/proc/${pid}`));
  });

  it('keeps no process waiting that has its answer', () => {
    const path = makeRepository(join(home.path, 'demo'), { isHostile: false });
    const module = join(import.meta.dirname, '..', '..', 'dist', 'runtime', 'work', 'git', 'reader.js');
    const text = `import(${JSON.stringify(module)}).then(async ({ createReaders }) => console.log(await createReaders().lookUp(${JSON.stringify(path)}, 'HEAD^{commit}')))`;
    const said = execFileSync(process.execPath, ['-e', text], { encoding: 'utf8' });
    expect(said).toContain(run(path, 'rev-parse', 'HEAD'));
  });
});

function commitIn(path: string, message: string): string {
  run(path, 'commit', '-q', '--allow-empty', '-m', message);
  return run(path, 'rev-parse', 'HEAD');
}

/** The gits that stay open in a process; on Linux, elsewhere none is found. */
function openIn(parent: number): number[] {
  if (!isLinux) return [];
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => textOf(`/proc/${name}/status`).includes(`PPid:\t${parent}\n`))
    .filter((name) => textOf(`/proc/${name}/cmdline`).includes('cat-file'))
    .map(Number);
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return ''; // it ended in this moment
  }
}
