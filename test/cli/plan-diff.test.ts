/** `stator plan diff` in a terminal: a plan's change, one task's, and what it says if there is none. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { planOf, working } from '../support/cli.ts';
import { git } from '../support/ground.ts';
import { expectProse, expectRefusal } from '../support/prose.ts';

const change = ['printf "one\\n" > a.txt', 'printf "two\\n\\033[31mred\\n" > "b é.txt"; rm -f README.md'];

describe.each([['task'], ['plan']])('with isolation = "%s"', (isolation) => {
  test('shows what a plan changed, what each task brought, and keeps showing it after the merge', async () => {
    const made = working();
    made.write(
      '.stator/config.toml',
      `isolation = "${isolation}"\nblueprint_skip_threshold = 0\n[agents.default]\npreset = "sh"\n`,
    );
    made.write('p.md', planOf(change));
    expect(await made.stator(['run', 'p.md', '--trust'])).toMatchObject({ code: 0 });
    const whole = await made.stator(['plan', 'diff', 'p']);
    expect(whole).toMatchObject({ code: 0 });
    expect(whole.stdout).toContain('+++ b/a.txt\n@@ -0,0 +1 @@\n+one\n');
    expect(whole.stdout).toContain('+++ b/b é.txt');
    // What an agent wrote is shown as text.
    expect(whole.stdout).not.toContain('\u001b');
    expectProse(whole.stderr, 'p: ');
    const first = JSON.parse((await made.stator(['plan', 'diff', 'p', '--task', 'w1-t1', '--json'])).stdout);
    expect(first).toMatchObject({
      project: 'demo',
      plan: 'p',
      task: 'w1-t1',
      files: [
        { path: 'a.txt', added: 1, removed: 0 },
        { path: 'w1t1.txt', added: 1, removed: 0 },
      ],
      files_left_out: 0,
    });
    expect(first.diff).toContain('+one\n');
    expect(first.diff).not.toContain('two');
    const second = await made.stator(['plan', 'diff', 'p', '--task', 'w1-t2', '--stat']);
    expectProse(second.stdout, 'README.md', 'b é.txt');
    expect(second.stdout).not.toContain('a.txt');
    expect(await made.stator(['plan', 'merge', 'p'])).toMatchObject({ code: 0 });
    expect((await made.stator(['plan', 'diff', 'p'])).stdout).toBe(whole.stdout);
    git(made.repo, 'update-ref', '-d', 'refs/heads/plan/p');
    expect((await made.stator(['plan', 'diff', 'p'])).stdout).toBe(whole.stdout);
  });

  test('shows the state of the branch after a line of the journal', async () => {
    const made = working();
    made.write(
      '.stator/config.toml',
      `isolation = "${isolation}"\nblueprint_skip_threshold = 0\n[agents.default]\npreset = "sh"\n`,
    );
    made.write(
      'p.md',
      '# P\n\n## Wave 1\n\n### Task 1: a\n\n```sh\ntouch a\n```\n\n## Wave 2\n\n### Task 1: b\n\n```sh\ntouch b\n```\n',
    );
    expect(await made.stator(['run', 'p.md', '--trust'])).toMatchObject({ code: 0 });
    const lines: { seq: number; at: string; actor: string; event: string }[] = JSON.parse(
      (await made.stator(['plan', 'history', 'p', '--verbose', '--json'])).stdout,
    );
    const waveTwo = lines.find(({ actor }) => actor.startsWith('wave-2'));
    const filesAt = async (...words: string[]) => {
      const shown = await made.stator(['plan', 'diff', 'p', '--json', ...words]);
      return shown.code === 0 ? JSON.parse(shown.stdout).files.map(({ path }: { path: string }) => path) : shown;
    };
    expect(await filesAt()).toEqual(['a', 'b']);
    expect(await filesAt('--to', `${waveTwo?.seq}`)).toEqual(['a']);
    expect(await filesAt('--at', `${waveTwo?.at}`, '--task', 'w1-t1')).toEqual(['a']);
    expect(await filesAt('--to', `${lines[0]?.seq}`)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('had no commit yet'),
    });
    expect(await filesAt('--to', `${waveTwo?.seq}`, '--task', 'w2-t1')).toMatchObject({ code: 1 });
    expect(await filesAt('--to', '3', '--at', '12:00')).toMatchObject({ code: 64 });
    expect(await filesAt('--at', '2001-01-01')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('as old as that'),
    });
  });
});

test('says what does not exist yet, and which task or plan is unknown', async () => {
  const made = working();
  made.write('p.md', planOf(['true']));
  await made.stator(['plan', 'register', 'p.md', '--trust']);
  const none = await made.stator(['plan', 'diff', 'p']);
  expect(none).toMatchObject({ code: 1, stdout: '' });
  expectRefusal(none.stderr, 'plan p ');
  expect((await made.stator(['plan', 'diff', 'p', '--task', 'two'])).code).toBe(64);
  for (const word of ['w1t2', '1.2', 'wave 1 task 2', 'W1_T2'])
    expectRefusal((await made.stator(['plan', 'diff', 'p', '--task', word])).stderr, word, 'w1-t2?');
  const unknown = await made.stator(['plan', 'diff', 'p', '--task', 'w1-t7']);
  expect(unknown).toMatchObject({ code: 1, stdout: '' });
  expectRefusal(unknown.stderr, 'w1-t7', 'w1-t1?');
  expectRefusal((await made.stator(['plan', 'diff', 'p', '--task', 'w1-t1'])).stderr, 'w1-t1 of p ');
  expectRefusal((await made.stator(['plan', 'diff', 'q'])).stderr, 'demo/q', 'p?', 'stator plan list');
});

test('counts all files if more exist than are listed, and a closed pipe is no error', async () => {
  const made = working();
  made.write('.stator/config.toml', 'confirm_new_files = ""\n[agents.default]\npreset = "sh"\nattempts = 1\n');
  git(made.repo, 'commit', '-qam', 'config');
  made.write(
    'p.md',
    planOf(['mkdir d; for i in $(seq 1 1200); do echo $i > d/$i; done; head -c 9 /dev/zero > zero.bin']),
  );
  const ran = await made.stator(['run', 'p.md', '--trust']);
  expect(ran).toMatchObject({ code: 0 });
  const counted = ran.stdout.slice(ran.stdout.search(/^1202 files/m));
  const shown = await made.stator(['plan', 'diff', 'p']);
  const listed = (await made.stator(['plan', 'diff', 'p', '--stat'])).stdout.trimEnd().split('\n');
  expect(listed).toHaveLength(1_001);
  const commands = ['stator plan diff p --stat', 'git diff ', 'git diff --stat '];
  expectProse(`${counted}${shown.stderr}${listed.at(-1)}`, ' 1195 ', ' 1202 ', '202 ', ' 203 ', ...commands);
  const main = join(import.meta.dirname, '../../dist/bin/stator.js');
  const script = `node '${main}' plan diff p | head -1; node '${main}' plan diff p --stat | head -1`;
  const piped = spawnSync('/bin/bash', ['-c', `set -o pipefail; ${script}`], {
    cwd: made.repo,
    env: made.env,
    encoding: 'utf8',
  });
  expect(piped.stdout).toBe('diff --git a/d/1 b/d/1\n1202 files changed, +1201 -0\n');
  expect(piped.stderr).not.toMatch(/EPIPE|error/);
});

test('of a large change shows what fits, and says how much it left out', async () => {
  const made = working();
  made.write('p.md', planOf(['seq 1 15000 > a.txt; seq 1 15000 > b.txt; echo x > c.txt']));
  expect(await made.stator(['run', 'p.md', '--trust'])).toMatchObject({ code: 0 });
  const shown = await made.stator(['plan', 'diff', 'p']);
  expect(shown.stdout).toContain('+++ b/a.txt');
  expect(shown.stdout).not.toContain('+++ b/b.txt');
  expectProse(shown.stderr, 'git diff ');
});

// Git needs a second for a line of that size.
test('a line of 70 MiB does not keep the other changes from being shown', async () => {
  const made = working();
  made.write(
    'p.md',
    planOf(['printf "one\\n" > a.txt; head -c 73400320 /dev/zero | tr "\\0" x > z.txt; echo >> z.txt']),
  );
  made.write('.stator/config.toml', 'confirm_file_size = "1GiB"\n[agents.default]\npreset = "sh"\n');
  expect(await made.stator(['run', 'p.md', '--trust'])).toMatchObject({ code: 0 });
  const shown = await made.stator(['plan', 'diff', 'p', '--json']);
  expect(shown, shown.stderr).toMatchObject({ code: 0 });
  const { diff, total, files_left_out: left } = JSON.parse(shown.stdout);
  expect([diff.includes('+one\n'), diff.length < 2 * 1024 ** 2, total.files, left]).toEqual([true, true, 3, 1]);
});
