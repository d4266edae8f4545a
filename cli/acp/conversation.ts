/** One conversation of an editor: at most one plan at a time, which `stator run` works through. */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { FactEntry, RunFinished } from '../../runtime/api/client/client.ts';
import { homeFolder } from '../../runtime/base/config/home.ts';
import { inPackage } from '../../runtime/base/platform/package-files.ts';
import { attach } from '../../runtime/engine/attach.ts';
import type { Rpc } from '../../runtime/work/agents/relay/json-rpc.ts';
import type { Call } from '../command.ts';
import { factLines } from '../run/fact-line.ts';
import { counted, plainLines } from '../text.ts';
import { verdictMs } from '../verdict.ts';
import { nameOfText, type Prompt } from './prompt.ts';
import { createShownPlan } from './shown-plan.ts';

export interface Conversation {
  /** Answers why the turn is over. */
  prompt(prompt: Prompt): Promise<'end_turn' | 'cancelled' | 'refusal'>;
  cancel(): void;
  /** The editor is gone: what goes on here is paused. */
  end(): Promise<void>;
}

interface Parts {
  /** From the folder of the conversation. */
  readonly call: Call;
  readonly rpc: Rpc;
  readonly sessionId: string;
}

/** What was handed over last, and may be gone on with. */
interface Handed {
  readonly words: readonly string[];
  /** The document, where it is no file. */
  readonly input: string;
  of: { readonly project: string; readonly plan: string } | null;
}

const interruptedCode = 130;
/** The end of what a command says of its failure. */
const troubleLength = 4_000;

export function createConversation({ call, rpc, sessionId }: Parts): Conversation {
  let handed: Handed | null = null;
  let running: { readonly child: ChildProcess; readonly ended: Promise<unknown> } | null = null;
  let isCancelled = false;
  const update = (one: Readonly<Record<string, unknown>>) => rpc.notify('session/update', { sessionId, update: one });
  const say = (text: string) =>
    update({ sessionUpdate: 'agent_message_chunk', content: { type: 'text', text: `${plainLines(text)}\n` } });

  /** Its exit code, and what it said of what went wrong. Each line of its output is read as it comes. */
  async function stator(words: readonly string[], input: string, onLine: (line: string) => void) {
    const child = spawn(process.execPath, [inPackage('dist', 'bin', 'stator.js'), ...words], {
      cwd: call.cwd,
      env: call.env,
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    const ended = once(child, 'close');
    running = { child, ended };
    let trouble = '';
    child.stderr.on('data', (chunk: Buffer) => {
      trouble = `${trouble}${chunk.toString()}`.slice(-troubleLength);
    });
    child.stdin.on('error', () => {});
    child.stdin.end(input);
    const lines = createInterface({ input: child.stdout });
    lines.on('line', onLine);
    try {
      const [code] = (await ended) as [number | null];
      return { code, trouble: trouble.trim() };
    } finally {
      running = null;
    }
  }

  function take(prompt: Prompt): Handed {
    const flags = ['--json', '--yes'];
    return prompt.kind === 'file'
      ? { words: ['run', prompt.path, ...flags], input: '', of: null }
      : {
          words: ['run', '-', '--name', nameOfText(prompt.text, randomUUID().slice(0, 6)), ...flags],
          input: prompt.text,
          of: null,
        };
  }

  /** Where the plan that was handed over waits for an answer, the prompt is that. */
  async function answer({ of }: Handed, { text }: Prompt): Promise<void> {
    const client = of === null || text === '' ? null : await attach(homeFolder(call.env), call.env);
    const shown = of === null ? null : await client?.plan(of.project, of.plan).catch(() => null);
    await client?.close();
    const isAsked = shown != null && (shown.blocked !== null || shown.questions.length > 0);
    if (of === null || !(isAsked || client === null)) return;
    const { code, trouble } = await stator(['plan', 'answer', of.plan, text], '', () => {});
    if (code !== 0 && isAsked) say(trouble);
  }

  async function work(one: Handed): Promise<'end_turn' | 'cancelled' | 'refusal'> {
    const shown = createShownPlan({ call, rpc, sessionId, update });
    let finished: RunFinished | null = null;
    const { code, trouble } = await stator(one.words, one.input, (line) => {
      const said = lineOf(line);
      if (said === null) return;
      if (said.type === 'run_finished') finished = said;
      else if (said.type === 'fact' && said.project !== null && said.plan !== null) {
        one.of = { project: said.project, plan: said.plan };
        shown.watch(one.of);
        for (const text of factLines(said, shown.around()) ?? []) say(text);
      }
    });
    const end = finished as RunFinished | null; // set while it ran
    await shown.stop(end);
    if (isCancelled || code === interruptedCode) {
      say('paused; your next prompt goes on with it');
      return 'cancelled';
    }
    if (end !== null) say(endText(end));
    if (code === 0) handed = null;
    else if (trouble !== '') say(trouble);
    return code === 0 || code === 1 ? 'end_turn' : 'refusal';
  }

  async function pause(): Promise<void> {
    const { child } = running ?? {};
    const of = handed?.of ?? null;
    // Whoever only watches the plan of a daemon detaches, and the plan would go on.
    const client = of === null ? null : await attach(homeFolder(call.env), call.env).catch(() => null);
    if (client !== null && of !== null) {
      await client.send({ ...of, type: 'pause', waitMs: verdictMs }).catch(() => {});
      await client.close();
    }
    child?.kill('SIGINT');
  }

  return {
    async prompt(prompt) {
      if (running !== null) {
        say('a plan of this conversation is at work; cancel first, which pauses it');
        return 'refusal';
      }
      isCancelled = false;
      if (handed === null) handed = take(prompt);
      else await answer(handed, prompt);
      return work(handed);
    },
    cancel() {
      isCancelled = true;
      void pause();
    },
    async end() {
      const ended = running?.ended;
      if (ended === undefined) return;
      await pause();
      await ended;
    },
  };
}

/** null: no line of the output of `run --json`. */
function lineOf(line: string): ({ readonly type: 'fact' } & FactEntry) | RunFinished | null {
  try {
    return JSON.parse(line) as ({ readonly type: 'fact' } & FactEntry) | RunFinished; // as `run` writes them
  } catch {
    return null; // a word of another program
  }
}

function endText({ plan, status, tasks_done: done, tasks_failed: failed, diff }: RunFinished): string {
  const lines = diff === null ? '' : `; ${counted(diff.files, 'file')}, +${diff.insertions} -${diff.deletions}`;
  return `${plan} is ${status}: ${counted(done, 'task')} done${failed === 0 ? '' : `, ${failed} failed`}${lines}`;
}
