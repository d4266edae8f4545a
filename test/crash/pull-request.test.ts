/** An engine that is killed while it makes a pull request: the next one finds what is there, and there is one. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { createGrounds } from '../support/crash.ts';
import { expectJournalToReplay } from '../support/crash-proof.ts';
import { type ForgeServer, startForge } from '../support/forge-server.ts';
import { git } from '../support/ground.ts';

const grounds = createGrounds();
let forge: ForgeServer | null = null;
afterEach(async () => {
  await grounds.clear();
  await forge?.stop();
});

it('before its push, between push and request, and after the request: there is one request, of the whole work', async () => {
  const made = grounds.make();
  forge = await startForge('github', { token: null });
  const bare = join(made.root, 'bare.git');
  git(made.root, 'init', '-q', '--bare', bare);
  git(made.repo, 'remote', 'add', 'origin', `${forge.url}/ada/demo.git`);
  git(made.repo, 'config', 'remote.origin.pushurl', bare);
  mkdirSync(made.home, { recursive: true, mode: 0o700 });
  writeFileSync(join(made.home, 'daemon.toml'), 'blueprint_skip_threshold = 0\n');
  writeFileSync(join(made.root, 'forge.env'), 'FORGE_TOKEN=any\n', { mode: 0o600 });
  const server = `name = "here"\nurl = "${forge.url}"\nkind = "github"\ntoken = "env:FORGE_TOKEN"\nenv_file = "${join(made.root, 'forge.env')}"\nallow_private = true\n`;
  writeFileSync(join(made.home, 'servers.toml'), `[[servers]]\n${server}`);
  const created = () => forge?.asked.filter((line) => line === 'POST /repos/ada/demo/pulls').length;
  for (const [point, count] of [
    ['plan-pull.before-push', 0],
    ['plan-pull.after-push', 0],
    ['plan-pull.after-create', 1],
  ] as const) {
    const { how, said } = await made.live({ fault: { point, nth: 1 } }).ended;
    expect(how, `${point}\n${said}`).toBe('killed');
    expect([point, created()]).toEqual([point, count]);
  }
  const { how, said } = await made.live().ended;
  expect(how, said).toBe('done');
  expect(created()).toBe(1);
  expect([...forge.state.pulls.values()]).toMatchObject([{ head: `plan/${made.plan}`, base: 'main' }]);
  expect(git(bare, 'rev-parse', `plan/${made.plan}`)).toBe(git(made.repo, 'rev-parse', `plan/${made.plan}`));
  await expectJournalToReplay(made.home);
});
