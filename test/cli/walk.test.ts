/**
 * A plan in which everything needs a person, on a terminal of 80 x 24: two agents ask, a check cannot be made to pass, a reviewer is never satisfied, and the budget is
 * used up. Each stop is read from `run`, from `status` and from `plan show`, which must say the same; it is one long evening, so it takes its time.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { type Terminal, terminal } from '../support/cli.ts';
import { git } from '../support/ground.ts';
import { openPty, type Pty } from '../support/pty.ts';

const main = join(import.meta.dirname, '../../dist/bin/stator.js');
const asks = (what: string) =>
  `test -e $STATOR_HOME/$STATOR_TITLE || { touch $STATOR_HOME/$STATOR_TITLE; stator signal emit needs_decision --payload '${what}'; exit 0; }
cp "$STATOR_PROMPT_FILE" "$STATOR_TITLE.txt"`;
const documentOf = (fixed: string) => `# The shop

## Wave 1

### Task 1: The store
\`\`\`sh
${asks('Postgres or SQLite?')}
\`\`\`

### Task 2: The server
\`\`\`sh
${asks('which port?')}
\`\`\`

### Task 3: The page
**Check:** echo "2 of 7 tests failed: cart.test.ts" >&2; test -e '${fixed}'
\`\`\`sh
echo page > page.txt
\`\`\`
`;
const config = `max_review_fix_cycles = 2
[agents.default]
preset = "sh"
attempts = 1
[agents.reviewer]
preset = "command"
program = "echo 'the cart is not tested'; exit 1"
[agents.fixer]
preset = "command"
program = "date +%N >> fixes.txt"
[agents.planner]
enabled = false
`;

function shop(): Terminal {
  const made = terminal();
  made.write('.stator/config.toml', config);
  made.write('shop.md', documentOf(join(made.home, 'fixed')));
  git(made.repo, 'add', '-A');
  git(made.repo, 'commit', '-qm', 'shop');
  return made;
}

function run(made: Terminal): Pty {
  return openPty(process.execPath, [main, 'run', 'shop.md', '--trust', '--yes'], { cwd: made.repo, env: made.env });
}

function onOneLine(shown: Pty | string): string {
  return (typeof shown === 'string' ? shown : shown.text()).replace(/\s+/g, ' ');
}

async function seen(made: Terminal, ...args: string[]): Promise<string> {
  const pty = openPty(process.execPath, [main, ...args], { cwd: made.repo, env: made.env });
  await pty.ended;
  return pty.text();
}

async function piped({ stator }: Terminal, ...args: string[]): Promise<string> {
  return (await stator(args)).stdout;
}

/** What all three say about the plan's state. */
async function stateShown(made: Terminal, see = piped): Promise<string> {
  const [status, shown, explained] = [
    await see(made, 'status'),
    await see(made, 'plan', 'show', 'shop'),
    await see(made, 'plan', 'explain', 'shop'),
  ];
  return `--- status\n${status}\n--- plan show\n${shown}\n--- plan explain\n${explained}`;
}

it('each stop of a plan names the question or problem, where it comes from, and the command that goes on', async () => {
  const made = shop();

  // Two agents ask, and a check fails meanwhile.
  const first = run(made);
  // A key before the prompt is there is lost.
  await first.until(/question 1, [\s\S]*\(Ctrl-D: later\)>/);
  first.type('\x04');
  await first.until('answer later with: stator plan answer shop#1 "<your answer>"');
  await first.until(/question 2, [\s\S]*\(Ctrl-D: later\)>/);
  first.type('\x04');
  await first.until('answer later with: stator plan answer shop#2 "<your answer>"');
  expect(await first.ended).toBe(1);
  const asked = await stateShown(made, seen);
  // What is long is broken at words, whatever the width.
  for (const text of [onOneLine(first), asked]) {
    expect(text).toMatch(/question \d of shop-w1-t1: Postgres or SQLite\?/);
    expect(text).toMatch(/question \d of shop-w1-t2: which port\?/);
    for (const number of [1, 2]) expect(text).toContain(`stator plan answer shop#${number} "<your answer>"`);
    expect(text).not.toContain('done: needs_decision');
  }
  expect(first.screen()).toMatch(
    /^shop is blocked \(an agent asks\): .*\b(?:of|which|question|port\?|Postgres|or|SQLite\?)$/m,
  );
  expect((await made.stator(['plan', 'history', 'shop', '--json'])).stdout).not.toContain('done: needs_decision');
  expect(first.text()).toMatch(/● 1 The store +waits for an answer to question \d/);
  expect(asked).toContain('2 of 7 tests failed: cart.test.ts (');

  const open = JSON.parse((await made.stator(['plan', 'show', 'shop', '--json'])).stdout).questions;
  for (const { number, title } of open) {
    const words = title === 'shop-w1-t1' ? 'SQLite' : '8080';
    expect((await made.stator(['plan', 'answer', `shop#${number}`, words])).code).toBe(0);
  }
  const second = run(made);
  expect(await second.ended).toBe(1);
  expect(git(made.repo, 'show', 'plan/shop:shop-w1-t1.txt')).toContain('\nSQLite\n');
  expect(git(made.repo, 'show', 'plan/shop:shop-w1-t2.txt')).toContain('\n8080\n');
  // The check is what is left, with the line that tells, its log and both ways on.
  expect(second.text()).toMatch(/✗ 3 The page +failed: 2 of 7 tests failed: cart\.test\.ts/);
  const over = await stateShown(made);
  for (const text of [second.text(), over]) {
    expect(text).toContain('stator agent logs shop-w1-t3 --check');
    expect(text).toContain('stator plan advance shop retry-wave');
    expect(text).toContain('stator plan advance shop advance-wave');
  }

  // The reviewer asks for changes three times; two of these are fixed.
  writeFileSync(join(made.home, 'fixed'), '');
  expect((await made.stator(['plan', 'advance', 'shop', 'retry-wave'])).code).toBe(0);
  const third = run(made);
  expect(await third.ended).toBe(1);
  const limit = await stateShown(made);
  for (const text of [third.text(), limit]) {
    expect(text).toContain('the cart is not tested');
    expect(text).toMatch(/stator plan answer shop$/m);
  }
  expect(third.text()).toContain('shop is blocked (its rounds of fixing are used up)');
  expect(limit).toContain('allow one more fix round: stator plan answer shop');

  // One more round is allowed, and now there is a budget that is exceeded.
  made.write('.stator/config.toml', `${config}[budget]\nagent_minutes = 0.0001\n`);
  expect((await made.stator(['plan', 'answer', 'shop'])).code).toBe(0);
  const fourth = run(made);
  expect(await fourth.ended).toBe(1);
  const used = await stateShown(made);
  for (const text of [onOneLine(fourth), onOneLine(used)]) {
    expect(text).toContain("of 0.0001 agent minutes are used, the plan's budget");
    expect(text).toContain('stator plan raise-budget shop "+60 minutes"');
  }
  expect(used).toMatch(/[\d.]+ of 0\.0001 agent minutes of the budget of shop/);

  const dollars = await made.stator(['plan', 'raise-budget', 'shop', '5 USD']);
  expect(dollars.stderr).toMatch(
    /^it still waits, since [\d.]+ of 0\.0001 agent minutes are used; allow more, for example: stator plan raise-budget shop "\+60 minutes"$/m,
  );

  // A person who types the printed command lets the plan go on: to the reviewer, who has no limit to wait for.
  const more = openPty(process.execPath, [main, 'plan', 'raise-budget', 'shop', '+60 minutes'], {
    cwd: made.repo,
    env: made.env,
  });
  expect(await more.ended).toBe(0);
  expect(more.text()).toContain('all of its agents together may now take 60 agent minutes');
  const fifth = run(made);
  expect(await fifth.ended).toBe(1);
  expect(fifth.text()).toContain('shop is blocked (its rounds of fixing are used up)');
  expect(await stateShown(made)).toMatch(/[\d.]+ of 60 agent minutes of the budget of shop/);
  for (const pty of [first, second, third, fourth, fifth])
    expect(
      Math.max(
        ...pty
          .screen()
          .split('\n')
          .map((line) => line.length),
      ),
    ).toBeLessThanOrEqual(80);
});
