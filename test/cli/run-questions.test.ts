/** What agents ask while a plan runs is asked and answered on the terminal; in a pipe the run ends with it. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { askingClaude } from '../support/asking-claude.ts';
import { planOf, type Terminal, terminal, working } from '../support/cli.ts';
import { gate } from '../support/engine.ts';
import { git, until } from '../support/ground.ts';
import { expectProse } from '../support/prose.ts';
import { openPty, type Pty } from '../support/pty.ts';

/** Each agent asks once, and keeps the answer. */
const asking = (what: string) =>
  `test -e $STATOR_HOME/$STATOR_TITLE || { touch $STATOR_HOME/$STATOR_TITLE; stator signal emit needs_decision --payload '${what}'; exit 0; }
cp "$STATOR_PROMPT_FILE" "$STATOR_TITLE.txt"`;

const main = join(import.meta.dirname, '../../dist/bin/stator.js');

function run(made: Terminal): Pty {
  return openPty(process.execPath, [main, 'run', 'p.md', '--trust'], { cwd: made.repo, env: made.env });
}

/** What was done to the title, in order. */
function titlesOf(pty: Pty): string[] {
  return [...pty.written().matchAll(/\x1b\]0;([^\x07\x1b]*)(?:\x07|\x1b\\)|\x1b\[2([23]);0t/g)].map(
    ([, title, kind]) => title ?? (kind === '2' ? 'push' : 'pop'),
  );
}

function messagesTo(made: Terminal, title: string): string {
  return git(made.repo, 'show', `plan/p:${title}.txt`);
}

it('each agent is answered its own question while the others go on: an empty line asks again, what is typed is kept, and pasted lines are one answer', async () => {
  const made = working();
  const go = join(made.home, 'go');
  const waits = gate(go);
  made.write('p.md', planOf([asking('left or right?'), asking('tabs or spaces?'), waits]));
  const pty = run(made);
  await pty.until('asks: ');
  const open = async () => JSON.parse((await made.stator(['plan', 'show', 'p', '--json'])).stdout).questions.length;
  await until(async () => (await open()) === 2);
  // The picture is drawn again and again, and between two drawings it shows no question.
  let shown = '';
  await until(() => {
    shown = /p-w1-t[12] asks: (?:left or right|tabs or spaces)\?/.exec(pty.screen())?.[0] ?? '';
    return shown !== '';
  });
  const [first, second] = shown.startsWith('p-w1-t1') ? [1, 2] : [2, 1];
  pty.type('le');
  await pty.until('answer (Ctrl-D: later)> le_');
  writeFileSync(go, '');
  await pty.until(/✓ 3 /);
  expect(pty.screen()).toContain('answer (Ctrl-D: later)> le_');
  pty.type('ft\r');
  await pty.until(`p-w1-t${second} asks: `);
  await pty.until('answer (Ctrl-D: later)> _');
  pty.type('\r');
  // The last line has no end.
  pty.type('left at the church\rthen right\runtil the bridge');
  await pty.until('p is done');
  expect(await pty.ended).toBe(0);
  expect(messagesTo(made, `p-w1-t${first}`)).toContain('\nleft\n');
  expect(messagesTo(made, `p-w1-t${second}`)).toContain('\nleft at the church\nthen right\nuntil the bridge\n');
});

it('the history has the time of each question and each answer, with its words and who gave it', async () => {
  const made = working();
  made.write('p.md', planOf([asking('left or right?'), asking('tabs or spaces?'), asking('four or two?')]));
  expect((await made.stator(['run', 'p.md', '--trust'])).code).toBe(1);
  // Another plan has a question of the same number.
  made.write('q.md', '# An idea\n');
  await made.stator(['plan', 'register', 'q.md']);
  await made.stator(['signal', 'emit', 'needs_decision', 'q', '--payload', 'which?']);
  expect((await made.stator(['plan', 'answer', '1', 'left'])).stderr).toContain('stator plan answer q#1 ');
  await made.stator(['plan', 'answer', 'q#1', 'this']);
  const shown = JSON.parse((await made.stator(['plan', 'show', 'p', '--json'])).stdout);
  const numberOf = (title: string) => shown.questions.find((one: { title: string }) => one.title === title).number;
  const [first, second] = [numberOf('p-w1-t1'), numberOf('p-w1-t2')];
  // The other questions do not hold its agent.
  const answered = await made.stator(['plan', 'answer', String(first), 'left']);
  expect(answered.stderr).toContain('nothing starts yet: no engine starts its agents now');
  expect((await made.stator(['plan', 'answer', 'p', 'left'])).stderr).toContain(`stator plan answer p#${second} `);
  expect((await made.stator(['plan', 'answer', `p#${first}`, 'right'])).code).toBe(1);
  expect((await made.stator(['plan', 'answer', 'p', '--all', 'tabs'])).code).toBe(0);
  expect((await made.stator(['run', 'p.md'])).code).toBe(0);
  expect(messagesTo(made, 'p-w1-t1')).toContain('\nleft\n');
  for (const title of ['p-w1-t2', 'p-w1-t3']) expect(messagesTo(made, title)).toContain('\ntabs\n');
  const history = (await made.stator(['plan', 'history', 'p'])).stdout;
  expect(history).toMatch(/^\d\d:\d\d:\d\d +wave 1 task 1 asks: left or right\? +by p-w1-t1$/m);
  expect(history).toMatch(/^\d\d:\d\d:\d\d +wave 1 task 1 is answered: left +by a person$/m);
  expect(history).toMatch(/ questions \d, \d are answered: tabs +by a person$/m);
});

it('one that is left for later ends the run with the way to answer it, and Ctrl-C pauses; the same command asks again, and what somebody else answers goes away', async () => {
  const made = working();
  const first = `test -e $STATOR_HOME/first || { touch $STATOR_HOME/first; stator signal emit needs_decision --payload 'left or right?'; exit 0; }`;
  made.write('p.md', planOf([`${first}\n${asking('up or down?')}`]));
  const question = /p-coder asks: left or right\?[\s\S]*later\)> _/;
  const later = run(made);
  await later.until(question);
  later.type('\x04');
  await later.until('answer later with: stator plan answer p#1 "<your answer>"');
  expect(await later.ended).toBe(1);
  // The terminal itself notified the person: it rang once, and its title said so until the end.
  expect(later.written().split('\x07')).toHaveLength(2);
  expect(titlesOf(later)).toEqual(['push', 'stator: p needs you', '', 'pop']);
  const paused = run(made);
  await paused.until(question);
  paused.type('\x03');
  await paused.until('p is paused');
  expect(await paused.ended).toBe(130);
  expect(titlesOf(paused).at(-1)).toBe('pop');
  writeFileSync(join(made.home, 'daemon.toml'), '[notifications]\nterminal = false\n');
  const again = run(made);
  await again.until(question);
  again.type('left\r');
  await again.until(/p-coder asks: up or down\?[\s\S]*later\)> _/);
  expect((await made.stator(['plan', 'answer', 'p', 'down'])).code).toBe(0);
  expect(await again.ended).toBe(0);
  expect(messagesTo(made, 'p-coder')).toMatch(/\nA person answered: left\n[\s\S]*\ndown\n/);
  expect(again.written()).not.toContain('\x07');
  expect(titlesOf(again)).toEqual([]);
});

it('what an agent may not do unasked is allowed or denied by a whole word, with its deadline in sight', async () => {
  const made = terminal();
  const asks = [['echo one > one.txt'], ['touch two.txt'], ['touch three.txt']];
  askingClaude(made, asks);
  made.write('p.md', planOf(['true']));
  const pty = run(made);
  await pty.until(/p-w1-t1 asks whether it may use Bash \(denied in 59m \d\ds\):\n {2}\| echo one > one\.txt\n/);
  // What was typed for another question allows nothing.
  pty.type('y');
  await pty.until('later)> y_');
  pty.type('\r');
  await pty.until('later)> _');
  pty.type('allow\r');
  await pty.until('  | touch two.txt\n');
  pty.type('deny use the other one\r');
  await pty.until(/ {2}\| touch three\.txt\n[\s\S]*later\)> _/);
  pty.type('\x04');
  const [, id = ''] = await pty
    .until(/answer later with: stator agent allow p-w1-t1 --question (\w+), or deny/)
    .then(() => /--question (\w+), or deny/.exec(pty.text()) ?? []);
  await pty.until(`! needs you: stator agent allow p-w1-t1 --question ${id}, or deny`);
  await pty.until(/1 piece 1\.1 {2}asks to use Bash, denied in 59m \d\ds {2}touch three\.txt/);
  const status = (await made.stator(['status'])).stdout.split('\n');
  expectProse(status.find((line) => line.includes('touch three.txt')) ?? '', 'Bash: ', 'denied in 59m ');
  const unsure = openPty(process.execPath, [main, 'agent', 'allow'], { cwd: made.repo, env: made.env });
  await unsure.until('allow it?');
  unsure.type('\r');
  expect(await unsure.ended).toBe(1);
  expect((await made.stator(['agent', 'deny', '--question', id])).code).toBe(0);
  expect(await pty.ended).toBe(0);
  const log = (await made.stator(['agent', 'logs', 'p-w1-t1'])).stdout;
  expect(log).toContain('did echo one > one.txt');
  expect(log).toContain('denied: use the other one');
  expect(git(made.repo, 'ls-tree', '--name-only', 'plan/p')).not.toContain('three.txt');
});
