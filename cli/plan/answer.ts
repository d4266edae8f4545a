/** `stator plan answer`. */
import { answerCommand } from '../../machines/plan/advice.ts';
import { EngineError } from '../../machines/vocabulary/errors.ts';
import { shellWord } from '../../machines/vocabulary/shell-word.ts';
import type { Client, PlanEntry } from '../../runtime/api/client/client.ts';
import { type Call, defineVerb } from '../command.ts';
import { requireProject } from '../place.ts';
import { type PlanAddress, withClient, withPlan } from '../session.ts';
import { brief, plain } from '../text.ts';
import { missingWord } from '../usage.ts';
import { printVerdict, verdictMs } from '../verdict.ts';
import { sendResolve, waitArg } from './signals.ts';

export default defineVerb({
  summary: 'Answer a question of an agent, or let a blocked plan continue.',
  args: {
    question: {
      type: 'positional',
      required: true,
      description: '<plan>#<number>; number or plan alone, if unambiguous',
    },
    answer: { type: 'positional', required: false, description: 'the answer, in quotes; not if nothing is asked' },
    accept: {
      type: 'boolean',
      default: false,
      description: 'take the work as it is, or go on without what was lost',
    },
    restore: { type: 'boolean', default: false, description: 'bring work that was lost from its branch back onto it' },
    all: { type: 'boolean', default: false, description: 'the same answer to every open question of the plan' },
    ...waitArg,
  },
  mayBeEmpty: ['answer'],
  examples: [
    'stator plan answer login#2 "use port 8080"',
    'stator plan answer login    # go on, such as with another fix round',
    'stator plan answer login --accept    # the work is good as it is',
  ],
  more: 'stator status lists open questions. Only the agent that asked is answered.',
  async run({ question, answer, all, accept, restore, wait }, call) {
    const asked = readQuestion(question);
    if (accept || restore) {
      const { plan } = refuseMixed(asked, { question, all, accept, restore });
      return sendResolve(call, { plan, answer, accept, restore, wait });
    }
    if (all && asked.number !== null)
      throw new EngineError(
        'usage',
        `--all is about every question, and ${question} names one`,
        'leave out --all, or give the plan alone',
      );
    const { plan } = asked;
    const isEmpty = answer !== undefined && answer.trim() === '';
    if (isEmpty || (answer === undefined && (asked.number !== null || all)))
      throw missingWord('<answer>', `say it: stator plan answer ${question} "<your answer>"`);
    const isOfPlan = plan !== null && asked.number === null && !all;
    if (isOfPlan && (answer === undefined || !(await isAsking(call, plan))))
      return sendResolve(call, { plan, answer, wait });
    const send = async (client: Client, address: PlanAddress) => {
      const questions = asked.number === null ? await meant(client, address, all) : [asked.number];
      const payload = { questions, body: answer };
      return client.send({ ...address, type: 'answer', payload, waitMs: wait ? verdictMs : 0 });
    };
    const sent =
      plan !== null
        ? await withPlan(call, 'write', plan, send)
        : await withClient(call, 'write', async (client) => send(client, await planAsking(call, client, asked.number)));
    return printVerdict(call, sent);
  },
});

/** A decision on the plan's work takes no number of a question. Throws `usage`. */
function refuseMixed(
  asked: Asked,
  { question, all, accept, restore }: { question: string; all: boolean; accept: boolean; restore: boolean },
): { readonly plan: string } {
  if (accept && restore)
    throw new EngineError(
      'usage',
      'lost work is either brought back (--restore) or done without (--accept)',
      'leave one of them out',
    );
  const flag = accept ? '--accept' : '--restore';
  if (asked.plan === null || asked.number !== null || all)
    throw new EngineError(
      'usage',
      `${flag} is about the work of a plan, and ${all ? '--all' : question} names questions`,
      `name the plan alone: stator plan answer <plan> ${flag}`,
    );
  return { plan: asked.plan };
}

/** Whether an agent of the plan waits for an answer. */
async function isAsking(call: Call, said: string): Promise<boolean> {
  const shown = await withPlan(call, 'read', said, (client, { project, plan }) => client.plan(project, plan));
  return shown.questions.length > 0;
}

type Asked =
  | { readonly plan: string; readonly number: number | null }
  | { readonly plan: null; readonly number: number };

/** `login#2`, `#2` or `2`, or a plan alone. */
function readQuestion(said: string): Asked {
  const [, plan = '', digits] = /^(.*?)#(\d{1,9})$/.exec(said) ?? [];
  if (digits !== undefined)
    return plan === '' ? { plan: null, number: Number(digits) } : { plan, number: Number(digits) };
  return /^\d{1,9}$/.test(said) ? { plan: null, number: Number(said) } : { plan: said, number: null };
}

/** The questions that are meant if only the plan was typed: its one open question, or with `all` every one. Throws `conflict` if several are open. */
async function meant(client: Client, { project, plan }: PlanAddress, all: boolean): Promise<number[]> {
  const { questions } = await client.plan(project, plan);
  if (questions.length === 0)
    throw new EngineError(
      'refused',
      `${plan} asks nothing now`,
      `see what it waits for: stator plan explain ${shellWord(plan)}`,
    );
  if (questions.length > 1 && !all)
    throw new EngineError(
      'conflict',
      `${questions.length} questions of ${plan} are open:\n${questionLines(plan, questions).join('\n')}`,
      'name the one that you answer, or give all of them the same answer with --all',
    );
  return questions.map(({ number }) => number);
}

/** The plan of this repo that has an open question of that number. Throws `conflict` if none or several have one. */
async function planAsking(call: Call, client: Client, number: number | null): Promise<PlanAddress> {
  const project = requireProject(call);
  const asking = (await client.plans(project)).filter(({ questions }) => questions.length > 0);
  const found = asking.filter(({ questions }) => questions.some((question) => question.number === number));
  const [only] = found;
  if (only !== undefined && found.length === 1) return { project, plan: only.plan };
  const message =
    only === undefined
      ? `no question ${number} is open in ${project}`
      : `question ${number} is open in ${found.length} plans`;
  const lines = asking.flatMap(({ plan, questions }) => questionLines(plan, questions));
  if (lines.length === 0) throw new EngineError('conflict', message, 'no agent asks anything now: stator status');
  throw new EngineError('conflict', `${message}; open:\n${lines.join('\n')}`, 'name the plan as well: <plan>#<number>');
}

function questionLines(plan: string, questions: PlanEntry['questions']): string[] {
  return questions.map(({ number, title, question }) => {
    const who = title === null ? '' : `${plain(title)}: `;
    return `  ${who}${brief(question)}\n    ${answerCommand(plan, number)}`;
  });
}
