/** The actions of the board's keys. Each sends the same request as the verb of that name, and gets the same refusals. */
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import { taskName } from '../../../machines/vocabulary/ids.ts';
import { counted } from '../../../machines/vocabulary/numbers.ts';
import { shellWord } from '../../../machines/vocabulary/shell-word.ts';
import { signals, signalTypeOf } from '../../../machines/vocabulary/signal.ts';
import { clockTime } from '../../../machines/vocabulary/time-text.ts';
import type { Client, PlanShow, SignalAnswer } from '../../../runtime/api/client/client.ts';
import { permissionsOf, permissionText } from '../../instance/permission.ts';
import { noPaint, type Tone } from '../../output.ts';
import { changeLines } from '../../plan/change-lines.ts';
import { diffTone } from '../../plan/diff.ts';
import { mergeReport, outcomeOf } from '../../plan/merging.ts';
import { planLines } from '../../plan/view.ts';
import { factText, hasFailed, whyOf } from '../../run/fact-line.ts';
import { journalOf } from '../../run/journal.ts';
import { askedText } from '../../run/questions.ts';
import { plain, plainLines } from '../../text.ts';
import { refusalLines, verdictLine, verdictMs } from '../../verdict.ts';
import type { BoardAction, Confirmation, Input, Message, Page, PageKind, Target } from './state.ts';

export type PageText = Pick<Page, 'title' | 'lines'>;

/** The refusal with the code, the message and the hint that a verb would print. */
export function messageOfError(thrown: unknown): Message {
  if (!(thrown instanceof EngineError)) throw thrown;
  const { error, code, hint } = thrown.toJSON();
  return { tone: 'bad', lines: [`${code}: ${plain(error)}`, ...(hint === '' ? [] : [`hint: ${plain(hint)}`])] };
}

function messageOf(answer: SignalAnswer): Message {
  if (answer.signal.status === 'failed') return { tone: 'bad', lines: refusalLines(answer).map(plain) };
  return { tone: 'good', lines: [plain(verdictLine(answer))] };
}

/** The name of the plan. Throws if the row is a repo. */
function planOf({ project, plan }: Target): string {
  if (plan !== null) return plan;
  throw new EngineError(
    'refused',
    `${project} is a repo, and has no plan here`,
    'see what is wrong with it: stator doctor',
  );
}

export interface Doing {
  readonly action: BoardAction;
  readonly target: Target;
  readonly input?: Input | undefined;
  /** The question that `allow` and `deny` answer. */
  readonly permission?: string | undefined;
}

/** The signals that start or continue a plan. The first one that the plan accepts is sent. */
const starts = ['implement_start', 'plan_start', 'reopen', 'resume'];

/** The signal of an action; null: the action is an answer, which needs no confirmation. Throws the client's errors. */
async function actOf(
  client: Client,
  { action, target, input }: Doing,
): Promise<{ type: string; payload: unknown } | null> {
  const { project, title } = target;
  const plan = planOf(target);
  const ofAgent = (type: string) => ({ type, payload: { title } });
  const ofPlan = (type: string) => ({ type, payload: {} });
  switch (action) {
    case 'transition':
      return ofPlan(input?.text.trim() ?? '');
    case 'start': {
      const { accepts } = await client.explain(project, plan);
      return ofPlan(starts.find((type) => accepts.includes(type)) ?? 'implement_start');
    }
    case 'retry':
      return title === null ? ofPlan('retry_wave') : ofAgent('agent_restart');
    case 'end':
      return title === null ? ofPlan('cancel') : ofAgent('agent_kill');
    case 'pause': {
      if (title === null) return ofPlan((await client.plan(project, plan)).paused ? 'resume' : 'pause');
      const agent = (await client.instances({ project, plan })).find((entry) => entry.title === title);
      return ofAgent(agent?.state === 'paused' ? 'agent_resume' : 'agent_pause');
    }
    case 'merge':
      return ofPlan('merge');
    case 'answer':
    case 'allow':
    case 'deny':
    case 'send':
      return null;
    default:
      return action satisfies never;
  }
}

/** The confirmation before an action; null: none is needed, or the action would be refused anyway. One key must not end anything. Throws the client's errors. */
export async function confirmationOf(client: Client, doing: Doing): Promise<Confirmation | null> {
  const act = await actOf(client, doing);
  if (act === null) return null;
  const { action, target, input } = doing;
  const plan = planOf(target);
  const { accepted, asks, says } = await client.previewAct({ project: target.project, plan, ...act });
  if (!asks && !(action === 'end' && accepted)) return null;
  const end = target.title === null ? `cancels ${plan}; it can be reopened` : `ends ${target.title}`;
  return { lines: says.length > 0 ? says : [end], action, target, input };
}

export async function carryOut(client: Client, { action, target, input, permission }: Doing): Promise<Message> {
  const { project, title } = target;
  const plan = planOf(target);
  const send = async (type: string, payload?: unknown) =>
    messageOf(await client.send({ project, plan, type, payload, waitMs: verdictMs }));
  switch (action) {
    case 'answer': {
      const said = input?.text.trim() ?? '';
      const number = input?.number ?? null;
      const [way] = Object.entries(blockWays).find(([word]) => said === word) ?? [];
      if (number === null && way !== undefined) return send('resolve', blockWays[way]);
      if (number === null) return send('resolve', said === '' ? undefined : { body: said });
      return send('answer', { questions: [number], body: said });
    }
    case 'allow':
    case 'deny': {
      if (permission === undefined) throw new Error(`no question to ${action}`);
      const message = action === 'deny' ? input?.text.trim() : undefined;
      return messageOf(await client.answerPermission(project, title ?? '', { answer: action, permission, message }));
    }
    case 'send':
      return messageOf(await client.sendToInstance(project, title ?? '', input?.text.trim() ?? ''));
    case 'merge':
      return merge(client, project, plan);
    case 'start':
    case 'transition':
    case 'retry':
    case 'end':
    case 'pause': {
      const act = await actOf(client, { action, target, input });
      if (act === null) throw new Error(`${action} is no signal`);
      return send(act.type, act.payload);
    }
    default:
      return action satisfies never;
  }
}

async function merge(client: Client, project: string, plan: string): Promise<Message> {
  const answer = await client.send({ project, plan, type: 'merge', payload: {}, waitMs: verdictMs });
  const { status, result } = answer.signal;
  if (status !== 'done') return messageOf(answer);
  const { isMissing, text } = mergeReport(await outcomeOf(client, { project, plan }, ({ merging }) => merging), {
    isRepeated: result === 'already',
  });
  return { tone: isMissing ? 'bad' : 'good', lines: [isMissing ? `refused: ${plain(text)}` : plain(text)] };
}

/** Texts that act as the flags of `plan answer` when they are typed alone. */
const blockWays: Readonly<Record<string, object>> = { '--accept': { accept: true }, '--restore': { restore: true } };
const wayTexts: Readonly<Record<string, string>> = {
  '--accept': 'accepts the work as it is',
  '--restore': 'brings lost work back',
};

/** An open question. A blocked plan without a question accepts a text too. Throws the client's errors, and `refused` if the plan needs nothing. */
export async function questionOf(client: Client, target: Target): Promise<Input> {
  const plan = planOf(target);
  const shown = await client.plan(target.project, plan);
  // The marked agent's question comes first.
  const own = shown.questions.find(({ title }) => title === target.title);
  const next = own ?? shown.questions[0];
  const input = { kind: 'answer', target, text: '', permission: null } as const;
  if (next !== undefined) {
    const { number, title } = next;
    return { ...input, title: title ?? plan, question: plain(askedText(next)), number, mayBeEmpty: false };
  }
  if (shown.blocked === null)
    throw new EngineError('refused', `${plan} asks nothing now`, `see what it waits for: stator plan explain ${plan}`);
  const ways = Object.keys(blockWays).filter((way) => shown.need?.do.some((command) => command.endsWith(` ${way}`)));
  const more = ways.map((way) => `; ${way} ${wayTexts[way] ?? ''}`).join('');
  const question = `${plain(shown.blocked.reason)}; Enter goes on, with a word to it where that helps${more}`;
  return { ...input, title: plan, question, number: null, mayBeEmpty: true };
}

/** The most signals that can be chosen by one digit. */
const digitsMost = 9;

/** Whether the signal may be sent by its name alone. */
function isBare(type: string): boolean {
  const known = signalTypeOf(type);
  return known !== null && signals[known].payload.safeParse({}).success;
}

/** The signals that the plan accepts now without further values, as a choice. Throws the client's errors. */
export async function eventInput(client: Client, target: Target): Promise<Input> {
  const plan = planOf(target);
  const accepts = (await client.explain(target.project, plan)).accepts.filter(isBare);
  const numbered = accepts.map((type, index) => (index < digitsMost ? `${index + 1} ${type}` : type));
  const question = `${plan} takes: ${numbered.join(', ')}`;
  return {
    kind: 'transition',
    choices: accepts.slice(0, digitsMost),
    target,
    text: '',
    title: plan,
    question,
    number: null,
    mayBeEmpty: false,
    permission: null,
  };
}

/** The permission question of the marked agent, or of any agent of the plan; null: none. Throws the client's errors. */
export async function permissionPage(client: Client, target: Target) {
  const { project } = target;
  const plan = planOf(target);
  const open = permissionsOf(await client.instances({ project, plan }));
  const [asked, ...more] = open.filter(({ agent }) => target.title === null || agent.title === target.title);
  if (asked === undefined) return null;
  const { agent, question } = asked;
  const task = agent.task_number === 0 ? null : taskName(agent.wave_number, agent.task_number);
  const others = more.length === 0 ? [] : [`${counted(more.length, 'more question')} after this one`];
  const head = [`denied at ${clockTime(question.until)} if nobody answers until then`, ...others, ''];
  return {
    target: { project, plan, title: agent.title, task, role: agent.role },
    title: permissionText(asked),
    lines: [
      ...head.map((text): PageLine => ({ tone: 'dim', text })),
      ...linesOf(question.detail).map(({ tone, text }): PageLine => ({ tone, text: `| ${text}` })),
    ],
    permission: question.id,
  };
}

type PageLine = Page['lines'][number];

/** Foreign text as lines, without control sequences. */
function linesOf(text: string, toneOf: (line: string) => Tone = () => 'plain'): PageLine[] {
  const clean = plainLines(text).replace(/\n$/, '');
  if (clean === '') return [];
  return clean.split('\n').map((line) => ({ tone: toneOf(line), text: line.replaceAll('\t', '    ') }));
}

export async function readPage(client: Client, kind: PageKind, target: Target): Promise<PageText> {
  const { project, task, role } = target;
  const plan = planOf(target);
  const name = `${project}/${plan}`;
  switch (kind) {
    case 'log': {
      const title = target.title ?? (await agentOf(client, project, plan));
      const lines = linesOf(await client.capture({ project, title }));
      return { title: `log of ${title}`, lines: orNothing(lines, 'it has said nothing yet') };
    }
    case 'diff': {
      const shown = await client.planDiff(project, plan, task === null ? {} : { task });
      const what = task === null ? name : `${name} ${task}`;
      const more = shown.files_left_out === 0 ? [] : [`${shown.files_left_out} more files are not shown, or cut`];
      const stat = changeLines(shown, { width: null, most: 20, more: `stator plan diff ${shellWord(plan)} --stat` });
      const lines = [
        ...stat.flatMap((line) => linesOf(line)),
        { tone: 'plain' as const, text: '' },
        ...linesOf(shown.diff, diffTone),
      ];
      return {
        title: `diff of ${what}`,
        lines: [...lines, ...more.map((text): PageLine => ({ tone: 'attention', text }))],
      };
    }
    case 'history':
      return {
        title: `history of ${name}`,
        lines: orNothing(await historyLines(client, project, plan), 'nothing happened yet'),
      };
    case 'prompt': {
      const whom = task !== null ? { task } : role !== null ? { role } : {};
      const { prompt, source, role: of, task: ofTask } = await client.prompt(project, plan, whom);
      return {
        title: `prompt of the ${ofTask === null ? of : `${of} of ${ofTask}`} (${plain(source)})`,
        lines: linesOf(prompt),
      };
    }
    case 'plan': {
      const shown = await client.plan(project, plan);
      return {
        title: name,
        lines: planLines(shown, {
          width: null,
          nowMs: Date.now(),
          paint: noPaint,
          implied: project,
        }).flatMap((line) => linesOf(line)),
      };
    }
    default:
      return kind satisfies never;
  }
}

function orNothing(lines: PageLine[], text: string): PageLine[] {
  return lines.length === 0 ? [{ tone: 'dim', text }] : lines;
}

/** The running agent, otherwise the one that began last. */
async function agentOf(client: Client, project: string, plan: string): Promise<string> {
  const agents = await client.instances({ project, plan });
  const begun = agents
    .filter(({ started_at: at }) => at !== null)
    .toSorted((a, b) => (b.started_at ?? '').localeCompare(a.started_at ?? ''));
  const found = begun.find(({ active }) => active) ?? begun[0];
  if (found !== undefined) return found.title;
  throw new EngineError(
    'not_found',
    `no agent of ${plan} has begun yet`,
    `see what it waits for: stator plan explain ${plan}`,
  );
}

/** The newest at the end. */
async function historyLines(client: Client, project: string, plan: string): Promise<PageLine[]> {
  const around: PlanShow = await client.plan(project, plan);
  const lines: PageLine[] = [];
  for await (const fact of journalOf(client, { project, plan })) {
    const text = factText(fact, around);
    if (text === null) continue;
    const isBad = fact.refused !== null || hasFailed(fact);
    lines.push({ tone: isBad ? 'bad' : 'plain', text: `${clockTime(fact.at)} ${text}` });
    lines.push(...whyOf(fact).map((why): PageLine => ({ tone: 'dim', text: `         ${why}` })));
  }
  return lines;
}
