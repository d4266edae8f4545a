/** `stator agent attach`: prints an agent's output as it is written, and sends the lines that a person types. */
import { createInterface, type Interface } from 'node:readline';
import { EngineError } from '../../machines/vocabulary/errors.ts';
import { keys } from '../../machines/vocabulary/keys.ts';
import { shellWord } from '../../machines/vocabulary/shell-word.ts';
import type { Client, InstanceEntry, SignalAnswer } from '../../runtime/api/client/client.ts';
import { isProgramPreset } from '../../runtime/base/config/preset-programs.ts';
import { type Call, defineVerb } from '../command.ts';
import { namedAgent } from '../named-agent.ts';
import { refuseAgent, requireProject } from '../place.ts';
import { askedPermissions } from '../run/permissions.ts';
import type { Asked } from '../run/prompt-line.ts';
import { askedQuestions } from '../run/questions.ts';
import { withEngine } from '../session.ts';
import { plainLines } from '../text.ts';
import { printVerdict } from '../verdict.ts';
import { followLog } from './follow.ts';

export default defineVerb({
  summary: 'Follow an agent live, and type to it: a line answers what it asks.',
  args: { title: { type: 'positional', description: 'as stator agent list shows it' } },
  examples: ['stator agent attach login-w1-t2'],
  more: 'If it asks nothing: with terminal = true under [agents.<role>] (command, sh) a line is typed into its terminal at once, Enter included; an empty line is Enter, <ctrl-c> alone on a line is that key (also <escape> <tab> <up> <down> <left> <right> <backspace> <ctrl-d> <ctrl-l> <ctrl-u>). claude and agents by ACP read the line while they work or at the end of their turn; the log shows it when they have. A reviewer, a verifier, codex, gemini and opencode read it in their next turn. Others read none while they work. If several questions are open, begin the line with the name of one: "#2 left", or "9f3a1c2e allow". Ctrl-D and Ctrl-C leave; the agent goes on. Exit code 0: the agent succeeded, or Ctrl-D. 1: it failed or was cancelled. 130: Ctrl-C.',
  async run({ title }, call) {
    refuseAgent(call, 'attach to an agent');
    const attached = { call, project: requireProject(call), title, shown: new Set<string>(), isNoteShown: false };
    await toEngine(attached, async () => {});
    const left = new AbortController();
    let failure: { readonly thrown: unknown } | null = null;
    const reader = readLines(attached, {
      leave: () => left.abort(),
      fail: (thrown) => {
        failure ??= { thrown };
        left.abort();
      },
    });
    const looked = (client: Client, entry: InstanceEntry) => {
      printKeys(attached, entry);
      return showAsked(attached, client, entry);
    };
    const last = await followLog(call, { ...attached, looked, left: left.signal }).finally(() => reader.close());
    // The compiler does not see that the callback `fail` sets it.
    const failed = failure as { readonly thrown: unknown } | null;
    if (failed !== null) throw failed.thrown;
    return last === null || last.state === 'succeeded' ? 0 : 1;
  },
});

interface Attached {
  readonly call: Call;
  readonly project: string;
  readonly title: string;
  /**
   * The keys of the questions that were shown since the last line. A line may be meant for any of them, even for one that another person has answered
   * meanwhile.
   */
  readonly shown: Set<string>;
  /** Whether the note about what a typed line does was shown. */
  isNoteShown: boolean;
}

interface Ends {
  leave(): void;
  fail(thrown: unknown): void;
}

/** The terminal edits the lines itself, so output does not change the typed text. Lines are handled one after the other. */
function readLines(attached: Attached, { leave, fail }: Ends): Interface {
  const { stdin, out } = attached.call;
  const reader = createInterface({ input: stdin, terminal: false });
  let last = Promise.resolve();
  reader.on('line', (line) => {
    last = last
      .then(() => toEngine(attached, (client) => say(attached, client, line)))
      .catch((thrown: unknown) => {
        if (thrown instanceof EngineError && thrown.code !== 'internal') out.error(thrown.toJSON());
        else fail(thrown);
      });
  });
  // The end of a pipe does not end the verb: output is still shown.
  if (stdin.isTTY === true) reader.once('close', leave);
  return reader;
}

/** Throws `no_daemon` where no engine runs. */
function toEngine({ call, title }: Attached, use: (client: Client) => Promise<void>): Promise<void> {
  const also = `or read what it said: stator agent logs ${shellWord(title)}`;
  return withEngine(call, { so: `${title} can get no message`, also }, use);
}

async function askedBy({ project }: Attached, client: Client, agent: InstanceEntry): Promise<Asked[]> {
  if (agent.permissions.length === 0 && agent.state !== 'waiting') return [];
  const plan = await client.plan(project, agent.plan);
  const questions = plan.questions.filter(({ title }) => title === agent.title);
  return [...askedPermissions(client, plan, [agent]), ...askedQuestions(client, { ...plan, questions })];
}

/** Shows the note about typing once, if a person can type. */
function printKeys(attached: Attached, agent: InstanceEntry): void {
  const { stdin, out } = attached.call;
  if (attached.isNoteShown || stdin.isTTY !== true || agent.state !== 'running') return;
  attached.isNoteShown = true;
  out.note(`${typedText(agent)}; Ctrl-D leaves, and it goes on`);
}

function typedText({ preset, takes_input: takesInput, takes_keys: takesKeys }: InstanceEntry): string {
  if (takesKeys) return 'what you type goes into its terminal';
  if (takesInput) return 'it reads what you type while it works';
  return preset !== null && isProgramPreset(preset)
    ? 'it reads what you type in its next turn'
    : 'it reads nothing while it works';
}

/** Shows each question once. */
async function showAsked(attached: Attached, client: Client, agent: InstanceEntry): Promise<void> {
  for (const asked of await askedBy(attached, client, agent)) show(attached, asked);
}

function show({ call, shown }: Attached, { key, question, name, form }: Asked): void {
  if (shown.has(key)) return;
  shown.add(key);
  call.out.note(`${plainLines(question)}\ntype: ${form} (${name})`);
}

/** Throws `conflict` where it is not clear which question is meant, and nothing is answered then. */
async function say(attached: Attached, client: Client, typed: string): Promise<void> {
  const { call, project, title, shown } = attached;
  const agent = await namedAgent(client, { project, title });
  const open = await askedBy(attached, client, agent);
  if (open.length === 0 && agent.takes_keys) return type(attached, client, typed);
  const line = typed.trim();
  if (line === '') return;
  const [, name = '', rest = ''] = /^(\S+)\s*(.*)$/.exec(line) ?? [];
  const named = open.find((one) => one.name === name);
  const [only] = open;
  const isMeant = only !== undefined && open.length === 1 && shown.has(only.key) && shown.size === 1;
  const asked = named ?? (isMeant && !/^#\d+$/.test(name) ? only : undefined);
  const choices = open.map((one) => `  ${one.name} <${one.form}>: ${plainLines(one.question).split('\n')[0]}`);
  // The open questions were just shown: a later line cannot be meant for those that others answered before.
  shown.clear();
  for (const { key } of open) shown.add(key);
  if (open.length === 0)
    return agent.takes_input ? sayNow(attached, client, agent, line) : sendMessage(attached, client, agent, line);
  if (asked === undefined)
    throw new EngineError(
      'conflict',
      `nothing was answered, since it is not clear which question is meant; open:\n${choices.join('\n')}`,
      'begin the line with the name of one',
    );
  const send = asked.answerBy(named === undefined ? line : rest);
  if (send === null) throw new EngineError('usage', `"${line}" does not answer ${asked.name}`, `type: ${asked.form}`);
  printVerdict(call, await send());
  shown.delete(asked.key);
}

/** Types the line into the agent's terminal. The terminal's echo shows it, so only a refusal is printed. */
async function type({ call, project, title }: Attached, client: Client, line: string): Promise<void> {
  const [, name] = /^<([a-z-]+)>$/.exec(line.trim()) ?? [];
  const key = line === '' ? 'enter' : keys.find((one) => one === name);
  const answer = await client.typeToInstance({ project, title, ...(key === undefined ? { text: line } : { key }) });
  if (answer.signal.status !== 'done') printVerdict(call, answer);
}

/** The agent's program reads the line while it works. If the agent has ended meanwhile, the line becomes a message. */
async function sayNow(attached: Attached, client: Client, agent: InstanceEntry, line: string): Promise<void> {
  const answer = await client.typeToInstance({ project: attached.project, title: agent.title, text: line });
  if (answer.signal.status === 'failed') await sendMessage(attached, client, agent, line);
  else printSent(attached.call, answer, 'typed; the log repeats it when it has been read');
}

/** For an agent without an open question that does not read while it works. */
async function sendMessage(
  { call, project }: Attached,
  client: Client,
  agent: InstanceEntry,
  line: string,
): Promise<void> {
  const { title, preset } = agent;
  // Such programs continue their conversation in the next turn, so a message reaches them then.
  if (preset === null || !isProgramPreset(preset))
    throw new EngineError(
      'refused',
      `${title} asks nothing, and ${preset === null ? 'has not begun' : `its program (${preset}) reads nothing while it works`}`,
      `leave it a message for its next run: stator agent send ${shellWord(title)} "<message>"; or begin anew: stator agent restart ${shellWord(title)}`,
    );
  printSent(call, await client.sendToInstance(project, title, line), 'sent; it is read in the next turn');
}

function printSent(call: Call, answer: SignalAnswer, done: string): void {
  if (answer.signal.status === 'done' && !call.out.json) call.out.say(done);
  else printVerdict(call, answer);
}
