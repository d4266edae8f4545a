/** Sentences, answers and further words in the agent panel of an editor whose agent is stator. */
import { chmodSync, existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { createShownPlan } from '../../cli/acp/shown-plan.ts';
import { acpAgent, acpCalls } from '../support/acp.ts';
import { editor, text } from '../support/acp-editor.ts';
import {
  afterwards,
  asks,
  begin,
  gate,
  ground,
  planText,
  startDaemonHere,
  startEngine,
  untilStatus,
} from '../support/engine.ts';
import { git, until } from '../support/ground.ts';
import { processesWith } from '../support/leftovers.ts';

const shell = '[agents.default]\npreset = "sh"\nattempts = 1\n';
const coderAlone = (root: string) => {
  const { program, mode } = acpAgent(root, 'slow');
  const off = ['planner', 'reviewer'].map((role) => `[agents.${role}]\nenabled = false\n`).join('');
  return `[agents.default]\npreset = "acp"\nprogram = "${program}"\nmode = "${mode}"\nattempts = 1\n${off}`;
};

/** A block that asks, and works until it may end; it begins again, and writes down the answer. */
const asksFor = (question: string, file: string) =>
  `if grep -q "^A person answers" "$STATOR_PROMPT_FILE"; then grep -A 4 "^A person answers" "$STATOR_PROMPT_FILE" > ${file}
else ${asks(question)}; ${openedBy(file)}; fi`;
/** The same, but its agent ends with its question. */
const asksAndEnds = (question: string, file: string) => asksFor(question, file).replace(openedBy(file), 'true');
const openedBy = (file: string) => gate(`$STATOR_HOME/${file}`);

type Editor = Awaited<ReturnType<typeof editor>>;

/** The one plan; null: its engine begins or ends just now. */
async function planOf({ stator }: Editor): Promise<{ blocked: object | null; paused: boolean } | null> {
  const { code, stdout } = await stator(['plan', 'list', '--json']);
  return code === 0 ? JSON.parse(stdout)[0] : null;
}

/** The agent may end once the answer exists: otherwise it would be stopped only after 30 s. */
async function untilAnswered(on: Editor, question: string, file: string) {
  await until(async () => {
    const plan = await planOf(on);
    return plan !== null && !JSON.stringify(plan.blocked).includes(question);
  });
  writeFileSync(join(on.home, file), '');
}

/** The run has ended, and its engine with it. */
async function untilRunEnded(on: Editor): Promise<void> {
  await until(() => processesWith((entries) => entries.includes(`STATOR_HOME=${on.home}`)).length === 0);
}

/** What each agent got is in the file that it wrote. */
async function expectAnswers(on: Editor, answers: Readonly<Record<string, string>>): Promise<void> {
  const [{ branch }] = JSON.parse((await on.stator(['plan', 'list', '--json'])).stdout) as [{ branch: string }];
  for (const [what, answer] of Object.entries(answers))
    expect(git(on.repo, 'show', `${branch}:${what}.txt`)).toContain(answer);
}

it('a sentence is planned and carried out; a prompt after a cancel continues the plan that its planner wrote', async () => {
  const on = await editor((root) => `${shell}[agents.planner]\npreset = "command"\nprogram = "${root}/planner"\n`);
  const [begun, go] = [join(on.root, 'begun'), join(on.root, 'gate')];
  const written = planText([`echo >> ${begun}; ${gate(go)}; cp ${on.root}/asked a.txt`]);
  writeFileSync(join(on.root, 'plan.md'), written);
  writeFileSync(
    join(on.root, 'planner'),
    `#!/bin/sh\ncp "$STATOR_PROMPT_FILE" ${on.root}/asked\nstator plan update-content "$STATOR_PLAN" --file ${on.root}/plan.md && stator signal emit planner_finished\n`,
  );
  chmodSync(join(on.root, 'planner'), 0o755);
  on.send({ prompt: text('Give the shop a door.') });
  await until(() => existsSync(begun));
  on.send({ cancel: true });
  await until(() => on.stops().length === 1);
  writeFileSync(go, '');
  on.send({ prompt: text('go on') });
  await until(() => on.stops().length === 2);
  expect([on.stops(), on.said()]).toEqual([['cancelled', 'end_turn'], expect.stringContaining('is done: 1 task')]);
  const plans = JSON.parse((await on.stator(['plan', 'list', '--json'])).stdout) as { plan: string; branch: string }[];
  expect(plans.map(({ plan }) => plan)).toEqual([expect.stringMatching(/^give-the-shop-a-door-[0-9a-f]{6}$/)]);
  expect(git(on.repo, 'show', `${plans[0]?.branch}:a.txt`)).toContain('Give the shop a door.');
});

it('without a planner one coder carries out a sentence, and after a cancel receives the next prompt', async () => {
  const on = await editor(coderAlone);
  // So that one of the two is a client of a daemon, and the one before an engine of its own.
  await startDaemonHere(on);
  on.send({ prompt: text('Give the shop a door.') });
  await until(() => acpCalls(on.root, 'session/prompt').length === 1);
  on.send({ cancel: true });
  await until(() => on.stops().length === 1);
  // The daemon goes on without the run, so the cancel pauses there.
  expect(await planOf(on)).toMatchObject({ paused: true });
  writeFileSync(join(on.root, 'acp', 'go'), '');
  on.send({ prompt: text('a red one, please') });
  await until(() => on.stops().length === 2);
  expect([on.stops(), on.said()]).toEqual([['cancelled', 'end_turn'], expect.stringContaining('is done: 1 task')]);
  const prompts = acpCalls(on.root, 'session/prompt').map(({ params }) => params.prompt?.[0]?.text ?? '');
  expect(prompts[0]).toContain('Give the shop a door.');
  expect(prompts.slice(1).join('\n')).toContain('a red one, please');
  const entries = on.seen().findLast(({ sessionUpdate }) => sessionUpdate === 'plan')?.entries;
  expect(entries).toEqual([{ content: 'wave 1: Give the shop a door.', priority: 'medium', status: 'completed' }]);
});

// Three agents ask and begin again, and the run ends twice: at the cancel, and because nobody works while the last one waits.
it('what agents ask is asked one by one, and the next prompt is the answer: while others work, after a cancel, and after the run has ended', async () => {
  const on = await editor(() => shell);
  const first = [asksFor('which colour?', 'colour.txt'), asksFor('which size?', 'size.txt')];
  on.send({ prompt: text(planText(first, [asksAndEnds('which shape?', 'shape.txt')])) });
  await until(() => on.stops().length === 1);
  const asked =
    /question (\d), a-plan-[0-9a-f]{6}-w1-t(\d) asks: which (colour|size)\?\nyour next prompt is the answer/;
  const [, , , what = ''] = asked.exec(on.said()) ?? [];
  const answers = { colour: 'blue as the sky', size: 'as a house' };
  on.send({ prompt: text(answers[what as keyof typeof answers]) });
  await untilAnswered(on, `which ${what}?`, `${what}.txt`);
  await until(() => on.stops().length === 2);
  const other = what === 'colour' ? 'size' : 'colour';
  expect(on.said()).toContain(`asks: which ${other}?\nyour next prompt is the answer`);

  // A cancel pauses the plan, also while a question is open.
  on.send({ cancel: true });
  await until(async () => (await planOf(on))?.paused === true);
  writeFileSync(join(on.home, `${other}.txt`), '');
  on.send({ prompt: text(answers[other]) });
  await until(() => on.stops().length === 3);
  expect(on.said()).toContain('asks: which shape?\nyour next prompt is the answer');

  // The agent has ended, and its run with it as blocked: a cancel then claims no pause.
  await untilRunEnded(on);
  const before = on.said().length;
  on.send({ cancel: true });
  on.send({ prompt: text('round') });
  await until(() => on.stops().length === 4);
  expect(on.stops()).toEqual(Array(4).fill('end_turn'));
  expect(on.said().slice(before)).toMatch(/a-plan-[0-9a-f]{6} is done: 3 tasks/);
  expect(on.said().slice(before)).not.toMatch(/paused|"error"/);
  await expectAnswers(on, { ...answers, shape: 'round' });
});

it('an editor with forms gets a question as a form, also after its agent and the run have ended, and one that is declined as words', async () => {
  const on = await editor(() => shell, { forms: true });
  const forms = () => on.seen().filter(({ form }) => form !== undefined).length;
  const waves = [asksAndEnds('which shape?', 'shape.txt'), asksFor('which colour?', 'colour.txt')];
  on.send({ prompt: text(planText(...waves.map((task) => [task]), [asksFor('which size?', 'size.txt')])) });
  await until(() => forms() === 1);
  await untilRunEnded(on);
  on.send({ answer: 'round' });
  await until(() => forms() === 2);
  on.send({ answer: 'blue as the sky' });
  await untilAnswered(on, 'which colour?', 'colour.txt');
  await until(() => forms() === 3);
  expect(on.stops()).toEqual([]);
  on.send({ answer: null });
  await until(() => on.stops().length === 1);
  on.send({ prompt: text('as a house') });
  await untilAnswered(on, 'which size?', 'size.txt');
  await until(() => on.stops().length === 2);
  expect(on.said()).toMatch(/a-plan-[0-9a-f]{6} is done: 3 tasks/);
  expect(forms()).toBe(3);
  await expectAnswers(on, { shape: 'round', colour: 'blue as the sky', size: 'as a house' });
});

it('a permission to which the editor gave no answer is asked again in the next turn', async () => {
  const on = ground();
  const agents = { default: acpAgent(on.root, 'ask', { permissions: 'ask' }) };
  const engine = await startEngine({ on, agents });
  await begin(engine, 'asks', planText([{ title: 'the work', sh: null }]));
  const outcomes: object[] = [{ outcome: 'cancelled' }, { outcome: 'selected', optionId: 'allow' }];
  let count = 0;
  const request = async () => {
    count += 1;
    return { outcome: outcomes[count - 1] };
  };
  const shown = createShownPlan({ call: { env: on.env }, rpc: { request }, sessionId: 's', update: () => {} });
  afterwards(() => shown.stop(null));
  shown.watch({ project: 'demo', plan: 'asks' });
  await until(() => count === 1);
  shown.again();
  await untilStatus(engine, 'asks', 'done');
  expect(count).toBe(2);
});
