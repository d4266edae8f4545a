/** Words that are no verbs: a step of a plan, a signal, or what other programs call a verb. Each is answered with a command that the command line takes. */
import { expect, it } from 'vitest';
import { nouns } from '../../cli/commands.ts';
import { meantCommands, otherWords } from '../../cli/meant.ts';
import { planSteps } from '../../cli/plan/steps.ts';
import { publicSignalTypes, signals } from '../../machines/vocabulary/signal.ts';
import type { NamedSignalKind } from '../../machines/vocabulary/signal-kind.ts';
import { terminal } from '../support/cli.ts';
import { commandProblem, commandsIn } from '../support/printed-commands.ts';

it.each([
  ['plan repoen login', 'stator plan advance login reopen?'],
  ['plan RETRY_WAVE login --yes', 'stator plan advance login retry-wave?'],
  ['plan retry "my login"', "stator plan advance 'my login' retry-wave?"],
  ['plan approve', 'stator plan advance <plan> review-approved or stator plan advance <plan> verify-approved?'],
  ['plan needs-input login', 'stator signal emit needs_decision login?'],
  ['plan accept login', 'stator plan answer login --accept?'],
  ['plan run login.md', 'stator run login.md?'],
  ['plan logs login', 'stator plan history login or stator agent logs <title>?'],
  ['plan lits', 'list?'],
  ['reopen login', 'stator plan advance login reopen?'],
  ['stop login', 'stator plan pause login or stator daemon stop?'],
  ['board', 'stator monitor?'],
  ['answer', 'stator plan answer?'],
  ['login.md', 'stator run login.md?'],
  ['agent stop login-w1-t1', 'stator agent pause login-w1-t1 or stator agent kill login-w1-t1?'],
  ['issue reopen shop#1', "stator issue continue 'shop#1'?"],
  ['machine approve release 1.2', 'stator machine send release 1.2 approve?'],
  ['machine exprot plan', 'export?'],
  ['Plan list', 'plan?'],
  ['STATUS', 'status?'],
])('stator %s: did you mean %s', async (typed, meant) => {
  const words = typed.match(/"[^"]+"|\S+/g) ?? [];
  const { code, stderr } = await terminal().stator(words.map((word) => word.replaceAll('"', '')));
  expect(code).toBe(64);
  expect(stderr).toContain(`hint: did you mean ${meant}\n`);
});

it.each([
  ['constructor', 'unknown command "constructor"'],
  ['plan constructor', 'unknown verb "plan constructor"'],
  ['plan advance login constructor', 'a plan has no step "constructor"'],
  ['plan list --constructor', 'unknown flag --constructor'],
  ['plan list --__proto__', 'unknown flag --__proto__'],
])('stator %s: %s, though every object has it', async (typed, error) => {
  const { code, stderr } = await terminal().stator(typed.split(' '));
  expect([code, stderr.split('\n')[0]]).toEqual([64, `error: ${error}`]);
});

it.each(['note add', 'plan answer login#2', 'agent send login-w1-t1'])(
  'stator %s with a text that begins with a dash says where to write it',
  async (verb) => {
    const { code, stderr } = await terminal().stator([...verb.split(' '), '- use port 8080\n- and no other']);
    expect(code).toBe(64);
    expect(stderr).toContain(`after two dashes: stator ${verb.split(' ').slice(0, 2).join(' ')} … -- "- <text>"\n`);
  },
);

/** Each signal that a person may send to a plan, by all of its names. */
const signalNames = publicSignalTypes.flatMap((type) => {
  const kind: NamedSignalKind = signals[type];
  return kind.to === 'plan' ? [type, ...(kind.aliases ?? [])] : [];
});

it('every signal of a plan is a verb, or is answered with the command that sends it', async () => {
  expect(signalNames.length).toBeGreaterThan(30);
  for (const name of signalNames) {
    const verb = name.replaceAll('_', '-');
    if (nouns.plan?.some((one) => one.name === verb)) continue;
    const commands = meantCommands({ noun: 'plan', given: name, rest: [] }, nouns);
    expect(commands.length, name).toBe(1);
  }
  expect([...planSteps.keys()].filter((step) => !signalNames.includes(step.replaceAll('-', '_')))).toEqual([]);
});

it('the command line takes every command that is answered, and no word has an answer that is a verb already', async () => {
  const typed = [
    ...signalNames.map((word) => ['plan', word] as const),
    ...Object.entries(otherWords).flatMap(([noun, words]) => Object.keys(words).map((word) => [noun, word] as const)),
  ];
  for (const [noun, given] of typed) {
    for (const rest of [[], ['login', 'x']]) {
      const said = meantCommands({ noun, given, rest }, nouns);
      const problems = await Promise.all(said.flatMap((one) => commandsIn(`: stator ${one}`)).map(commandProblem));
      expect([noun, given, problems.filter((problem) => problem !== null)]).toEqual([noun, given, []]);
    }
  }
  const verbs = Object.entries(otherWords).flatMap(([noun, words]) =>
    Object.keys(words).filter((word) => nouns[noun]?.some(({ name }) => name === word)),
  );
  expect(verbs).toEqual([]);
});
