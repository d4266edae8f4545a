import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { EngineError } from '../../machines/vocabulary/errors.ts';
import { shellWord } from '../../machines/vocabulary/shell-word.ts';
import { createPrivateFile, ensureHome, refuseClosedHome } from '../../runtime/base/platform/home.ts';
import { expectError } from '../support/prose.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'stator-home-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const nobody = 65_534;
const isRoot = process.getuid?.() === 0;
const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8);

function refusal(home: string): EngineError {
  try {
    ensureHome(home);
  } catch (thrown) {
    if (thrown instanceof EngineError) return thrown;
    throw thrown;
  }
  throw new Error(`${home} was not refused`);
}

test('the home folder is made with its parents, closed to others whatever the umask, and may be asked for again', () => {
  const home = join(folder, 'config', 'stator');
  const before = process.umask(0);
  try {
    ensureHome(home);
    ensureHome(home);
  } finally {
    process.umask(before);
  }
  expect(modeOf(home)).toBe('700');
});

test('a home folder that others can read is closed to them, and what lies in it stays', () => {
  writeFileSync(join(folder, 'daemon.toml'), 'max_agents = 1\n');
  chmodSync(folder, 0o755);
  ensureHome(folder);
  expect(modeOf(folder)).toBe('700');
  expect(statSync(join(folder, 'daemon.toml')).size).toBe(15);
});

test('a folder that others use is not closed to them, as /home would be where STATOR_HOME names it by mistake', () => {
  mkdirSync(join(folder, 'ada'));
  for (const mode of [0o755, 0o1777]) {
    chmodSync(folder, mode);
    expectError(refusal(folder), 'home_unusable', `chmod 700 ${folder}`);
    expect(statSync(folder).mode & 0o7777).toBe(mode);
  }
  chmodSync(folder, 0o700);
  ensureHome(folder);
  rmSync(join(folder, 'ada'), { recursive: true });
  mkdirSync(join(folder, 'lost+found'));
  chmodSync(folder, 0o755);
  ensureHome(folder);
  expect(modeOf(folder)).toBe('700');
});

test('a file in the place of the home folder is refused with the command that moves it away', () => {
  const home = join(folder, 'my home');
  writeFileSync(home, '');
  expectError(refusal(home), 'home_unusable', `mv '${home}' '${home}.old'`);
});

test('a file in the place of a parent of the home folder is refused', () => {
  writeFileSync(join(folder, 'config'), '');
  const refused = refusal(join(folder, 'config', 'stator'));
  expect(refused.code).toBe('home_unusable');
  // The system decides which of its calls fails first.
  expect(refused.message).toContain('(ENOTDIR)');
  expect(refused.hint).toContain('STATOR_HOME');
});

test('a home folder of somebody else is refused, and its mode is left alone', () => {
  // Root owns /usr, so for other users it is another user's home.
  const home = isRoot ? join(folder, 'theirs') : '/usr';
  if (isRoot) {
    mkdirSync(home, { mode: 0o755 });
    chownSync(home, nobody, nobody);
  }
  const before = modeOf(home);
  const refused = refusal(home);
  const [theirs, ours] = isRoot ? [nobody, 0] : [0, process.getuid?.()];
  expect(refused.code).toBe('home_unusable');
  for (const fact of [home, `uid ${theirs}`, `uid ${ours}`]) expect(refused.message).toContain(fact);
  expect(refused.hint).toContain('STATOR_HOME');
  expect(modeOf(home)).toBe(before);
});

test('a home folder that its own user cannot write is refused with the command that opens it', () => {
  const home = join(folder, 'locked');
  mkdirSync(home, { mode: 0o500 });
  if (isRoot) {
    chmodSync(folder, 0o711);
    chownSync(home, nobody, nobody);
  }
  const script = join(import.meta.dirname, '../support/scripts', 'unprivileged.mjs');
  const user = isRoot ? { uid: nobody, gid: nobody } : {};
  const { stdout, stderr } = spawnSync(process.execPath, [script, 'base/platform/home.js', 'ensureHome', home], user);
  expect(stderr.toString()).toBe('');
  const { error: message, ...more } = JSON.parse(stdout.toString());
  expectError({ message, ...more }, 'home_unusable', `chmod u+rwx ${home}`, 'EACCES');
});

test('a home that is closed to this user is not taken for one without an engine', () => {
  const home = join(folder, 'closed');
  mkdirSync(home, { mode: isRoot ? 0o700 : 0o000 });
  chmodSync(folder, 0o711);
  const script = join(import.meta.dirname, '../support/scripts', 'unprivileged.mjs');
  const user = isRoot ? { uid: nobody, gid: nobody } : {};
  const { stdout } = spawnSync(process.execPath, [script, 'base/platform/home.js', 'refuseClosedHome', home], user);
  const { error: message, ...more } = JSON.parse(stdout.toString());
  expectError({ message, ...more }, 'home_unusable', home, isRoot ? 'belongs to uid 0' : 'EACCES');
  refuseClosedHome(join(folder, 'absent'));
});

test('a private file is born 0600 whatever the umask, and one that exists is left alone', () => {
  const file = join(folder, 'token');
  const before = process.umask(0);
  try {
    createPrivateFile(file);
  } finally {
    process.umask(before);
  }
  expect(modeOf(file)).toBe('600');
  writeFileSync(file, 'secret');
  createPrivateFile(file);
  expect(statSync(file).size).toBe(6);
});

test('a path in a hint survives the shell that it is pasted into', () => {
  for (const path of ['/plain/path-1.db', '/with space', "/it's", '/$HOME/`id`', '/a"b', '~', '~root', '']) {
    const said = spawnSync('sh', ['-c', `printf %s ${shellWord(path)}`]).stdout.toString();
    expect(said).toBe(path);
  }
});
