/** An editor that speaks the Agent Client Protocol by the client of its SDK, with `stator acp` as its agent. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { PassThrough, Readable, Writable } from 'node:stream';
import { type ContentBlock, client, ndJsonStream, type RequestPermissionOutcome } from '@agentclientprotocol/sdk';
import { expect } from 'vitest';
import { runProgram } from '../../cli/program.ts';
import { type DaemonGround, daemonGround } from './daemon.ts';
import { afterwards } from './engine.ts';
import { hangMs } from './hang.ts';

const program = join(import.meta.dirname, '../../dist/bin/stator.js');

export interface Seen {
  readonly sessionUpdate?: string;
  readonly stopReason?: string;
  readonly entries?: readonly { readonly content: string; readonly status: string }[];
  readonly content?: { readonly text?: string };
  readonly asked?: { readonly title: string };
  readonly [key: string]: unknown;
}

interface Sent {
  readonly prompt?: ContentBlock[];
  readonly cancel?: true;
  /** An option, or the text of a form; null: the form is declined. */
  readonly answer?: string | null;
}

interface How {
  /** The editor shows forms. */
  readonly forms?: boolean;
  /** `stator acp` is a process of its own, as for a real editor, and not a call in this one. */
  readonly separate?: boolean;
}

/** An editor with `stator acp` in the repository, and the home of a daemon that does not run. */
export async function editor(config: (root: string) => string, { forms = false, separate = false }: How = {}) {
  const made = daemonGround();
  made.configure(`blueprint_skip_threshold = 0\n${config(made.root)}`);
  // A person has trusted the repository before.
  expect((await made.stator(['repo', 'add', made.repo, '--trust'])).code).toBe(0);
  const { input, output, ended, kill } = separate ? startAcp(made) : callAcp(made);
  const all: Seen[] = [];
  const see = (what: object) => void all.push(what as Seen); // as the protocol has it
  void ended.then((exit) => see({ exit }));
  afterwards(async () => {
    input.end();
    const late = setTimeout(() => kill?.(), hangMs);
    await ended;
    clearTimeout(late);
  });
  const answers: (string | null)[] = [];
  const waiting: ((answer: string | null) => void)[] = [];
  const answered = async () => {
    const first = answers.shift();
    return first === undefined ? new Promise<string | null>((resolve) => waiting.push(resolve)) : first;
  };
  const { agent } = client({ name: 'editor' })
    .onNotification('session/update', ({ params }) => see(params.update))
    .onRequest('session/request_permission', async ({ params }) => {
      see({ asked: params.toolCall, options: params.options.map(({ optionId, kind }) => `${optionId}: ${kind}`) });
      return {
        outcome: { outcome: 'selected', optionId: (await answered()) ?? '' } satisfies RequestPermissionOutcome,
      };
    })
    .onRequest('elicitation/create', async ({ params }) => {
      see({ form: params.message });
      const answer = await answered();
      return answer === null ? { action: 'decline' } : { action: 'accept', content: { answer } };
    })
    .connect(ndJsonStream(Writable.toWeb(input), Readable.toWeb(output) as ReadableStream<Uint8Array>));
  const clientCapabilities = forms ? { elicitation: { form: {} } } : {};
  see({ about: await agent.request('initialize', { protocolVersion: 1, clientCapabilities }) });
  const { sessionId } = await agent.request('session/new', { cwd: made.repo, mcpServers: [] });
  return {
    ...made,
    seen: () => all,
    stops: () => all.flatMap(({ stopReason }) => stopReason ?? []),
    send({ prompt, cancel, answer }: Sent) {
      if (prompt !== undefined)
        agent.request('session/prompt', { sessionId, prompt }).then(
          ({ stopReason }) => see({ stopReason }),
          ({ code, message }) => see({ error: { code, message } }),
        );
      if (cancel) void agent.notify('session/cancel', { sessionId });
      if (answer === undefined) return;
      const resolve = waiting.shift();
      if (resolve === undefined) answers.push(answer);
      else resolve(answer);
    },
    close: () => void input.end(),
    said: () =>
      all
        .filter(({ sessionUpdate }) => sessionUpdate === 'agent_message_chunk')
        .map(({ content }) => content?.text ?? '')
        .join(''),
  };
}

function startAcp({ env, repo: cwd }: DaemonGround) {
  const child = spawn(process.execPath, [program, 'acp'], { cwd, env, stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = once(child, 'exit').then(([code]) => code as number | null); // as node says it
  return { input: child.stdin, output: child.stdout, ended, kill: () => void child.kill('SIGKILL') };
}

function callAcp({ env, repo: cwd }: DaemonGround) {
  const [stdin, stdout] = [new PassThrough(), new PassThrough()];
  // The verb reads lines, and asks for nothing that only a terminal has.
  const asStdin = stdin as unknown as NodeJS.ReadStream;
  const ended = runProgram({ argv: ['acp'], env, cwd, stdin: asStdin, stdout, stderr: process.stderr });
  return { input: stdin, output: stdout, ended, kill: null };
}

export function text(words: string): ContentBlock[] {
  return [{ type: 'text', text: words }];
}
