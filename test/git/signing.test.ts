/** Which commits are signed, and what happens if the signing program fails or asks a question. */
import { execFileSync } from 'node:child_process';
import { chmodSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { SignMode } from '../../runtime/base/config/config.ts';
import { withNotes } from '../../runtime/work/git/notes.ts';
import { commitTree, treeOf } from '../../runtime/work/git/objects.ts';
import { trySigning, unsignedText } from '../../runtime/work/git/signing.ts';
import { makeRepository, run, temporaryHome, write } from '../support/git.ts';
import { expectFailure } from '../support/prose.ts';

const home = temporaryHome();

/** A repository whose user signs with an ssh key; `program` replaces ssh-keygen. */
function signing({ program = '', gpgSign = 'true' } = {}): string {
  const path = makeRepository(join(home.path, 'demo'), { isHostile: false });
  const key = join(home.path, 'key');
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key]);
  const settings = [
    ['gpg.format', 'ssh'],
    ['user.signingkey', `${key}.pub`],
    ['commit.gpgSign', gpgSign],
    ...(program === '' ? [] : [['gpg.ssh.program', script(program)]]),
  ];
  for (const [name = '', value = ''] of settings) run(path, 'config', '--global', name, value);
  return path;
}

function script(text: string): string {
  write(home.path, 'sign', `#!/bin/sh\n${text}\n`);
  chmodSync(join(home.path, 'sign'), 0o755);
  return join(home.path, 'sign');
}

/** Makes a commit, and returns whether it is signed, and the logged messages. */
async function commit(path: string, sign: SignMode, options: { isKept?: boolean; env?: Record<string, string> } = {}) {
  const notes: string[] = [];
  const repo = { path, sign };
  const made = await withNotes(
    (note) => notes.push(note),
    async () => commitTree(repo, { tree: await treeOf(repo, 'HEAD'), parents: [], message: 'm', ...options }),
  );
  return { isSigned: run(path, 'cat-file', 'commit', made).includes('\ngpgsig '), notes };
}

test('commits on a branch are signed as the user’s git is set up; commits that only a ref keeps, only with the setting always', async () => {
  const path = signing();
  const signed = async (...of: Parameters<typeof commit>) => (await commit(...of)).isSigned;
  expect(await signed(path, '')).toBe(true);
  expect(await signed(path, 'landing')).toBe(true);
  expect(await signed(path, 'never')).toBe(false);
  expect(await signed(path, '', { isKept: true })).toBe(false);
  expect(await signed(path, 'landing', { isKept: true })).toBe(false);
  expect(await signed(path, 'always', { isKept: true })).toBe(true);
  // After a kill the same commit must be made again.
  expect(await signed(path, 'always', { env: { GIT_AUTHOR_DATE: '@1 +0000', GIT_COMMITTER_DATE: '@1 +0000' } })).toBe(
    false,
  );
});

test('a person whose git does not sign gets signatures where the configuration of stator asks for them', async () => {
  const path = signing({ gpgSign: 'false' });
  expect((await commit(path, '')).isSigned).toBe(false);
  expect((await commit(path, 'landing')).isSigned).toBe(true);
});

test('where signing fails the commit is made without, and that is said once; where it was asked for, there is none', async () => {
  const path = signing({ program: `echo >> ${join(home.path, 'calls')}; echo no key >&2; exit 1` });
  const first = await commit(path, '');
  expect(first).toEqual({ isSigned: false, notes: [expect.stringContaining('no key')] });
  expect(await commit(path, '')).toEqual({ isSigned: false, notes: [] });
  await commit(path, '', { isKept: true });
  expect(unsignedText(path)).toMatch(
    /^commits in .*\/demo are not signed, though git signs them for you: .*no key.*; see: stator doctor$/,
  );
  expect(readFileSync(join(home.path, 'calls'), 'utf8')).toBe('\n');
  await expectFailure(commit(path, 'landing'), 'unsigned', 'no key', 'stator doctor');
  await commit(path, 'never');
  expect(unsignedText(path)).toBe(null);
});

// Takes the 10 s of the time limit.
test('a program that asks is ended long before it would end', async () => {
  const path = signing({ program: 'exec sleep 300' });
  const startedMs = performance.now();
  expect(await commit(path, '')).toMatchObject({ isSigned: false, notes: [expect.stringContaining('10')] });
  expect(performance.now() - startedMs).toBeLessThan(300_000);
});

test('a program that the repository names does not sign', async () => {
  const path = signing();
  run(path, 'config', 'gpg.ssh.program', script(`touch ${join(home.path, 'ran')}; exit 0`));
  expect((await commit(path, '')).isSigned).toBe(false);
  expect(readdirSync(home.path)).not.toContain('ran');
});

test('the trial writes nothing into the repository', async () => {
  const path = signing();
  const before = run(path, 'count-objects', '-v');
  expect(await trySigning(path)).toBeNull();
  run(path, 'config', '--global', 'user.signingkey', join(home.path, 'nowhere.pub'));
  expect(await trySigning(path)).toContain('nowhere.pub');
  expect(run(path, 'count-objects', '-v')).toBe(before);
});
