/** Secrets that stator itself uses: where they are looked for, and what is refused. */
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { EngineError } from '../../machines/vocabulary/errors.ts';
import { findSecret, readSecret, type SecretParts, secretForm } from '../../runtime/work/agents/secret.ts';

let folder = '';
let file = '';
let repo = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'stator-secret-'));
  file = join(folder, 'own.env');
  repo = join(folder, 'shop');
  mkdirSync(repo);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const of = '[chats.team] in daemon.toml';
const write = (text: string, mode = 0o600) => {
  writeFileSync(file, text);
  chmodSync(file, mode);
};

function failureOf(act: () => unknown): string {
  try {
    act();
  } catch (thrown) {
    if (thrown instanceof EngineError)
      return `${thrown.code}: ${thrown.message}; ${thrown.hint}`.replaceAll(folder, '<tmp>');
    throw thrown;
  }
  throw new Error('nothing was refused');
}

it('a secret is found in the env file first, then in the environment; blanks around it are removed, and an empty value is ignored', () => {
  const find = (env: SecretParts['env'], variables = ['A', 'B'], envFile: string | null = file) =>
    findSecret({ of, variables, envFile }, { env });
  write("A=  \nB=' in-file '\n");
  expect(find({})).toEqual({ value: 'in-file', from: `B in ${file}` });
  expect(find({ A: ' in-env\n' })).toEqual({ value: 'in-env', from: 'A' });
  expect(find({ B: 'in-env' })).toEqual({ value: 'in-file', from: `B in ${file}` });
  expect(find({ B: 'in-env' }, ['B'], null)).toEqual({ value: 'in-env', from: 'B' });
  expect(find({ A: ' ', B: '' }, ['A', 'B'], null)).toBeNull();
});

it('what is wrong with a secret or its file is said with the place and the remedy, and never with the secret', () => {
  const read = (envFile: string | null, env: SecretParts['env'] = {}, projects: SecretParts['projects'] = undefined) =>
    failureOf(() =>
      readSecret({ of, variables: ['A'], envFile, form: secretForm(8) }, { env, ...(projects && { projects }) }),
    );
  const said: string[] = [read(null), read(null, { A: 'sesame' }), read(null, { A: 'open sesame now' }), read(file)];
  write('B=1\n');
  said.push(read(file));
  write('A=sesame\n');
  said.push(read(file, { A: 'a-good-secret' }));
  write('A=a-good-secret\n', 0o620);
  said.push(read(file));
  write('A=a-good-secret\n');
  symlinkSync(file, join(repo, 'link.env'));
  writeFileSync(join(repo, 'inside.env'), 'A=a-good-secret\n', { mode: 0o600 });
  symlinkSync(join(repo, 'inside.env'), join(folder, 'outside.env'));
  const projects = { all: () => [{ path: repo }] };
  said.push(read(join(repo, 'inside.env'), {}, projects), read(join(folder, 'outside.env'), {}, projects));
  mkdirSync(join(folder, 'folder.env'));
  said.push(read(join(folder, 'folder.env')));
  expect(said.join('\n')).not.toMatch(/sesame|good-secret/);
  expect(`\n${said.join('\n')}\n`).toMatchInlineSnapshot(`
    "
    no_token: there is no A, which [chats.team] in daemon.toml needs; write A=<value> into a file that only you can read, and name it as env_file of [chats.team] in daemon.toml; or set A where the engine is started: stator daemon restart
    bad_config: A in the environment is no secret of 8 to 4096 printed characters without blanks; [chats.team] in daemon.toml needs it; correct A there
    bad_config: A in the environment is no secret of 8 to 4096 printed characters without blanks; [chats.team] in daemon.toml needs it; correct A there
    agent_unusable: the env file <tmp>/own.env does not exist; make it, closed to others (0600), or take env_file out of [chats.team] in daemon.toml
    no_token: there is no A, which [chats.team] in daemon.toml needs; write A=<value> into <tmp>/own.env; it is taken as soon as it is there; or set A where the engine is started: stator daemon restart
    bad_config: A in <tmp>/own.env is no secret of 8 to 4096 printed characters without blanks; [chats.team] in daemon.toml needs it; correct A there
    agent_unusable: the env file <tmp>/own.env may be written by other users; close it: chmod go-rwx <tmp>/own.env
    bad_config: the env file <tmp>/shop/inside.env of [chats.team] in daemon.toml is in the repo <tmp>/shop: who can push to that could choose the secret; move it out of every repo, and name it by its absolute path
    bad_config: the env file <tmp>/outside.env of [chats.team] in daemon.toml is in the repo <tmp>/shop: who can push to that could choose the secret; move it out of every repo, and name it by its absolute path
    agent_unusable: the env file <tmp>/folder.env is no regular file; name a file of NAME=VALUE lines
    "
  `);
  // The configuration of a repo may bring its env file along.
  chmodSync(join(repo, 'inside.env'), 0o664);
  const own = { of: '[[hooks]] told in the config', variables: ['A'], envFile: 'inside.env', repo };
  expect(readSecret(own, { env: {} })).toBe('a-good-secret');
});
