/** `stator plan diff` in a terminal: a plan's change, one task's, and what it says where there is none. */
import { describe, expect, test } from 'vitest';
import { planOf, working } from '../support/cli.ts';

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
    expect(whole.stderr).toMatch(/p: [0-9a-f]{12}\.\.[0-9a-f]{12}, \d files/);
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
    expect(second.stdout).toContain('b é.txt');
    expect(second.stdout).not.toContain('a.txt');
    expect(await made.stator(['plan', 'merge', 'p'])).toMatchObject({ code: 0 });
    expect((await made.stator(['plan', 'diff', 'p'])).stdout).toBe(whole.stdout);
  });
});

test('says what is not there yet, and which task is none', async () => {
  const made = working();
  made.write('p.md', planOf(['true']));
  await made.stator(['plan', 'register', 'p.md', '--trust']);
  const none = await made.stator(['plan', 'diff', 'p']);
  expect(none).toMatchObject({ code: 1, stdout: '' });
  expect(none.stderr).toContain('plan p has no commit yet');
  expect((await made.stator(['plan', 'diff', 'p', '--task', 'two'])).code).toBe(64);
  expect((await made.stator(['plan', 'diff', 'q'])).stderr).toContain('plan not found: demo/q');
});

test('of a large change shows what fits, and says how much it left out', async () => {
  const made = working();
  made.write('p.md', planOf(['seq 1 15000 > a.txt; seq 1 15000 > b.txt; echo x > c.txt']));
  expect(await made.stator(['run', 'p.md', '--trust'])).toMatchObject({ code: 0 });
  const shown = await made.stator(['plan', 'diff', 'p']);
  expect(shown.stdout).toContain('+++ b/a.txt');
  expect(shown.stdout).not.toContain('+++ b/b.txt');
  expect(shown.stderr).toMatch(/1 file not shown, or cut: git diff [0-9a-f]{12} [0-9a-f]{12}/);
});
