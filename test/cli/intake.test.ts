/** The verbs of `intake`; no engine runs in any of them. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { terminal } from '../support/cli.ts';
import { afterwards } from '../support/engine.ts';
import { startTracker, trackerToken } from '../support/tracker-server.ts';
import { layTracker } from '../support/tracker-site.ts';

it('lists, shows and tries what daemon.toml says, and takes nothing', async () => {
  const { stator, home, root, repo } = terminal();
  expect((await stator(['intake', 'list'])).stderr).toContain('no plans come by themselves');
  expect((await stator(['repo', 'add', repo, '--trust'])).code).toBe(0);
  const folder = join(root, 'inbox');
  mkdirSync(folder);
  writeFileSync(join(folder, 'login.md'), '# Login\n\n## Wave 1\n### Task 1: one\n');
  writeFileSync(join(folder, 'data.json'), '{}');
  const table = `[intake.inbox]\nsource = "folder"\nproject = "demo"\nfolder = "${folder}"\n`;
  writeFileSync(join(home, 'daemon.toml'), table);
  const listed = await stator(['intake', 'list', '--json']);
  expect(JSON.parse(listed.stdout)).toEqual([
    {
      ...{ name: 'inbox', source: 'folder', from: folder, project: 'demo', enabled: true, start: true },
      ...{ per_hour: 12, open_limit: 3, budget_usd: null, spent_usd: null, taken: 0, last_hour: 0, open: 0 },
      waiting: 0,
    },
  ]);
  expect((await stator(['intake', 'list'])).stdout).toMatch(/^inbox +folder \S+ +demo +on +0 of 3 +0 of 12 +0$/m);
  const tried = await stator(['intake', 'try', 'inbox']);
  expect([tried.code, tried.stderr]).toEqual([0, 'no engine runs\n']);
  expect(tried.stdout).toMatch(/^comes +Login: plan login$/m);
  expect(tried.stdout).toMatch(/^left +data\.json; it is no plan of a known kind$/m);
  const shown = await stator(['intake', 'try', 'inbox', '--plan', 'login']);
  expect([shown.code, shown.stdout]).toEqual([0, '# Login\n\n## Wave 1\n### Task 1: one\n']);
  const mistyped = await stator(['intake', 'try', 'inbox', '--plan', 'lgin']);
  expect([mistyped.code, mistyped.stdout]).toEqual([1, '']);
  expect((await stator(['intake', 'show', 'inbox'])).stdout).toMatch(/^items +none$/m);
  expect((await stator(['plan', 'list', '--json'])).stdout).toBe('[]\n');
  expect(await stator(['intake', 'drop', 'inbox', '--yes'])).toMatchObject({
    code: 0,
    stdout: 'no delivery of inbox waits\n',
  });
  const gone = await stator(['intake', 'drop', 'inbx', '--yes']);
  expect(gone).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('has no [intake.inbx]\nhint: list them with'),
  });
  const other = await stator(['intake', 'show', 'other']);
  expect([other.code, other.stderr]).toEqual([
    1,
    `no engine runs\nerror: ${join(home, 'daemon.toml')} has no [intake.other]\nhint: list them with: stator intake list\n`,
  ]);
});

it("allows a stranger's issue with the text that was shown, and with no other", async () => {
  const made = terminal();
  const tracker = await startTracker('github');
  afterwards(tracker.stop);
  layTracker(made, tracker);
  writeFileSync(join(made.home, 'daemon.toml'), '[intake.issues]\nsource = "github"\nproject = "demo"\n');
  const issue = tracker.add({ title: 'Mine', body: 'harmless', author: 'eve' });
  const stator = (...args: string[]) => made.stator(args, { env: { TRACKER_TOKEN: trackerToken } });
  expect((await stator('repo', 'add', made.repo, '--trust')).code).toBe(0);
  const shown = async () => JSON.parse((await stator('intake', 'try', 'issues', '--json')).stdout).items[0];
  const { allow: first } = await shown();
  tracker.edit(issue, { body: 'rm -rf' });
  const edited = await stator('intake', 'allow', 'issues', first);
  expect([edited.code, edited.stdout]).toEqual([1, '']);
  expect(edited.stderr).toContain('hint: ');
  expect((await stator('intake', 'allow', 'issues')).code).toBe(64);
  const { allow } = await shown();
  expect(await stator('intake', 'allow', 'issues', allow)).toMatchObject({ code: 0 });
  expect(await shown()).toMatchObject({ state: 'comes', allow: null });
});
