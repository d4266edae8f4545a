/** `stator plan pr` in a terminal: made once, shown, and what it says where there can be none. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, onTestFinished, test } from 'vitest';
import { planOf, working } from '../support/cli.ts';
import { daemonGround, shAgents } from '../support/daemon.ts';
import { type ForgeServer, startForge } from '../support/forge-server.ts';
import { git } from '../support/ground.ts';
import { linkedForges } from '../support/linked-forges.ts';
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
  expectProse(refused.stderr, `git -C ${made.repo} remote add <name> <url>`);
  const json = JSON.parse((await made.stator(['plan', 'pr', 'p', '--json'])).stdout);
  expect(json).toMatchObject({
    plan: 'p',
    branch: 'plan/p',
    pull_request: { state: 'failed', url: null },
    creating_pr: false,
  });
  git(made.repo, 'update-ref', '-d', 'refs/heads/plan/p');
  const lost = await made.stator(['plan', 'pr', 'p']);
  expect(lost.stderr).toMatch(/ refs\/stator\/attempts\/\S+; so nothing was pushed; see: /);
});

test('over several repos: run ends with the request of each, and plan pr names them', async () => {
  const made = daemonGround(`${shAgents}[agents.reviewer]\nenabled = false\n`);
  const sites = await linkedForges(made, ['gitea', 'github']);
  onTestFinished(async () => {
    for (const { forge } of sites) await forge.stop();
  });
  const env = { ...made.env, FORGE_TOKEN: 'secret-token' };
  const shop = join(made.root, 'shop');
  for (const { path } of sites) await made.stator(['repo', 'add', path, '--trust'], { env });
  await made.stator(['repo', 'compose', shop, 'api', 'web'], { env });
  const task = (repo: string) => `**Repo:** ${repo}\n\n\`\`\`sh\necho 1 > ${repo}/one.txt\n\`\`\`\n`;
  const text = `**Land:** web\n\n## Wave 1\n\n### Task 1: a\n${task('api')}\n### Task 2: b\n${task('web')}`;
  made.write('../both.md', text);
  const { code, stdout } = await made.stator(['run', join(made.root, 'both.md'), '--trust'], { cwd: shop, env });
  expect(code).toBe(0);
  const urls = sites.map(
    ({ name, forge }) => new RegExp(`^ +(${forge.url}/ada/${name}/pulls?/1)$`, 'm').exec(stdout)?.[1],
  );
  expect(urls).toEqual([expect.any(String), expect.any(String)]);
  expect(stdout).not.toContain('stator plan merge');
  expect(await made.stator(['plan', 'pr', 'both'], { cwd: shop, env })).toMatchObject({
    code: 0,
    stdout: `both has its pull requests already:\n  web: open #1 for main ${urls[1]}\n  api: open #1 for main ${urls[0]}\n`,
  });
});
