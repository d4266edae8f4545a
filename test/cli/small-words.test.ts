/** What a person who knows other programs types without thinking, and gets. */
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { planOf, terminal } from '../support/cli.ts';
import { startEngine } from '../support/engine.ts';
import { git } from '../support/ground.ts';
import { openPty } from '../support/pty.ts';

const main = join(import.meta.dirname, '../../dist/bin/stator.js');

it('-v and -V say the version, and the bare program says what there is', async () => {
  const { stator } = terminal();
  const { stdout } = await stator(['--version']);
  for (const flag of ['-v', '-V']) expect(await stator([flag])).toMatchObject({ code: 0, stdout });
  for (const asked of [
    ['--version', '--json'],
    ['--json', '-V'],
    ['version', '--json'],
    ['version', '--json=version'],
  ])
    expect(JSON.parse((await stator(asked)).stdout)).toEqual({ version: stdout.trim() });
  expect(await stator([])).toMatchObject({ code: 0, stderr: '', stdout: (await stator(['help'])).stdout });
});

it('ls lists, rm deletes, --json takes fields, and an unknown status is reported with the valid ones', async () => {
  const made = terminal();
  const { client } = await startEngine({ on: made });
  for (const plan of ['a', 'b']) await client.registerPlan({ project: 'demo', plan, content: planOf(['true']) });
  const listed = await made.stator(['plan', 'list', '--json']);
  expect(await made.stator(['plan', 'ls', '--json'])).toEqual(listed);
  expect(await made.stator(['plan', 'list', '--json=plan,status'])).toMatchObject({
    code: 0,
    stdout: '[{"plan":"b","status":"ready"},{"plan":"a","status":"ready"}]\n',
  });
  expect(JSON.parse((await made.stator(['plan', 'show', 'a', '--json=plan'])).stdout)).toEqual({ plan: 'a' });
  const wrong = await made.stator(['plan', 'list', '--json=plan,nam']);
  expect(wrong).toMatchObject({ code: 64, stdout: '' });
  expect(JSON.parse(wrong.stderr)).toMatchObject({ error: 'there is no field "nam"', code: 'usage' });
  // What is done is not refused any more, and the lines of a run have different fields.
  const [ended, noted] = [
    await made.stator(['plan', 'cancel', 'b', '--yes', '--json=plan,nam']),
    await made.stator(['note', 'add', 'use port 8080', '--json=id,nam']),
  ];
  expect(JSON.parse(ended.stdout)).toEqual({ plan: expect.objectContaining({ plan: 'b' }), nam: null });
  expect([ended.code, noted]).toMatchObject([0, { code: 0, stdout: '{"id":1,"nam":null}\n' }]);
  expect((await made.stator(['plan', 'list', '--status', 'cancelled', '--json=plan'])).stdout).toBe('[{"plan":"b"}]\n');
  const nonsense = await made.stator(['plan', 'list', '--status', 'nonsense']);
  expect(nonsense.code).toBe(64);
  expect(nonsense.stderr).toContain('there are ready, planning, implementing');
  expect((await made.stator(['plan', 'rm', 'b', '--yes'])).code).toBe(0);
  // Nobody is asked whether to delete what is not there.
  expect((await made.stator(['plan', 'rm', 'b'])).stderr).toContain('plan not found: demo/b');
  expect((await made.stator(['repo', 'rm', 'demo'])).code).toBe(0);
  for (const verb of ['show', 'answer', 'cancel'])
    expect((await made.stator(['plan', verb, 'b'])).stderr).toContain('repo not registered: demo');
});

it('a long answer goes through the pager on a terminal, and not with --no-pager or in a pipe', async () => {
  const made = terminal();
  const { client } = await startEngine({ on: made });
  await client.registerPlan({ project: 'demo', plan: 'a', content: planOf(['true']) });
  const env = { ...made.env, PAGER: "sed 's/^/through the pager: /'" };
  const typed = async (...words: string[]) => {
    const pty = openPty(process.execPath, [main, ...words], { cwd: made.repo, env });
    expect(await pty.ended).toBe(0);
    return pty.text();
  };
  expect(await typed('plan', 'history', 'a')).toContain('through the pager: ');
  expect(await typed('plan', 'history', 'a', '--no-pager')).not.toContain('through the pager: ');
  expect(await typed('plan', 'history', 'a', '--json')).not.toContain('through the pager: ');
  expect((await made.stator(['plan', 'history', 'a'], { env })).stdout).not.toContain('through the pager: ');
  // A pager that is not there costs nobody the answer.
  const pty = openPty(process.execPath, [main, 'plan', 'history', 'a'], {
    cwd: made.repo,
    env: { ...made.env, PAGER: 'no-such-pager' },
  });
  expect(await pty.ended).toBe(0);
  expect(pty.text()).toContain('planned');
  git(made.repo, 'branch', 'plan/a');
  expect((await made.stator(['plan', 'diff', 'a', '--no-pager'])).code).toBe(0);
  const nobody = await made.stator(['agent', 'logs', 'nobody', '--no-pager']);
  expect(nobody.code).toBe(1);
});

it('a base_branch that does not exist is reported when the repo is trusted', async () => {
  const made = terminal();
  made.write('.stator/config.toml', 'base_branch = "mian"\n');
  const { stderr, code } = await made.stator(['repo', 'add', '.', '--trust']);
  expect(code).toBe(0);
  expect(stderr).toContain('base_branch "mian" is no branch, tag or commit of');
  expect((await made.stator(['repo', 'trust'])).stderr).toContain('base_branch "mian" is no branch');
});

it('a configuration that a sparse checkout leaves out is reported, with the command that gets it', async () => {
  const made = terminal();
  made.write('.stator/config.toml', 'auto_merge = true\n');
  git(made.repo, 'add', '-f', '.stator/config.toml');
  git(made.repo, 'commit', '-qm', 'configured');
  git(made.repo, 'sparse-checkout', 'set', '--cone', 'src');
  const { stderr, code } = await made.stator(['repo', 'add', '.', '--trust']);
  expect(code).toBe(0);
  expect(stderr).toContain(`no setting of .stator/config.toml counts: `);
  git(made.repo, 'sparse-checkout', 'add', '.stator');
  expect((await made.stator(['repo', 'trust'])).stderr).not.toContain('no setting of');
});
