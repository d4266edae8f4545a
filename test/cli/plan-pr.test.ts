/** `stator plan pr` in a terminal: made once, shown, and what it says where there can be none. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { planOf, working } from '../support/cli.ts';
import { type ForgeServer, startForge } from '../support/forge-server.ts';
import { git } from '../support/ground.ts';
import { expectProse } from '../support/prose.ts';

let forge: ForgeServer | null = null;
afterEach(async () => {
  await forge?.stop();
  forge = null;
});

test('`run` ends with the pull request, and `plan pr` finds it there', async () => {
  const made = working();
  forge = await startForge('gitea');
  const bare = join(made.root, 'bare.git');
  git(made.root, 'init', '-q', '--bare', bare);
  git(made.repo, 'remote', 'add', 'origin', `${forge.url}/ada/demo.git`);
  git(made.repo, 'config', 'remote.origin.pushurl', bare);
  mkdirSync(made.home, { recursive: true, mode: 0o700 });
  writeFileSync(
    join(made.home, 'servers.toml'),
    `[[servers]]\nname = "here"\nurl = "${forge.url}"\nkind = "gitea"\ntoken = "env:FORGE_TOKEN"\nallow_private = true\n`,
  );
  const env = { ...made.env, FORGE_TOKEN: 'secret-token' };
  made.write('p.md', planOf(['true']));
  const url = `${forge.url}/ada/demo/pulls/1`;
  const ran = await made.stator(['run', 'p.md', '--trust'], { env });
  expect(ran).toMatchObject({ code: 0 });
  expect(`${ran.stdout}${ran.stderr}`).toContain(url);
  expect(`${ran.stdout}${ran.stderr}`).not.toContain('secret-token');
  const again = await made.stator(['plan', 'pr', 'p'], { env });
  expect(again).toMatchObject({ code: 0 });
  expectProse(again.stdout, url, 'open');
  expect(JSON.parse((await made.stator(['plan', 'show', 'p', '--json'])).stdout)).toMatchObject({
    pull_request: { state: 'open', url },
  });
  expect((await made.stator(['plan', 'show', 'p'])).stdout).toContain(`open ${url}`);
});

test('says what is missing, and which plan is not done', async () => {
  const made = working();
  made.write('p.md', planOf(['true']));
  await made.stator(['plan', 'register', 'p.md', '--trust']);
  const early = await made.stator(['plan', 'pr', 'p']);
  expect(early.code).toBe(1);
  expectProse(early.stderr, 'refused: p is planned', 'stator plan advance p');
  expect((await made.stator(['run', 'p.md'])).code).toBe(0);
  const refused = await made.stator(['plan', 'pr', 'p']);
  expect(refused.code).toBe(1);
  expectProse(refused.stderr, `git -C ${made.repo} remote add origin <url>`);
  const json = JSON.parse((await made.stator(['plan', 'pr', 'p', '--json'])).stdout);
  expect(json).toMatchObject({
    plan: 'p',
    branch: 'plan/p',
    pull_request: { state: 'failed', url: null },
    creating_pr: false,
  });
});
