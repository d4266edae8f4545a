/** `stator inspect`: the page of a running daemon. */
import { spawn } from 'node:child_process';
import { EngineError, errorFromDocument, isErrorDocument } from '../machines/vocabulary/errors.ts';
import { callSocket } from '../runtime/client/call.ts';
import { type Call, defineVerb } from './command.ts';
import { answerMs, requireDaemon } from './daemon/presence.ts';
import { portOf } from './number.ts';

export default defineVerb({
  summary: 'The live page of the daemon: the fleet, each plan with its statechart, its agents and its journal.',
  args: {
    open: { type: 'boolean', description: 'in your browser, too' },
    port: {
      type: 'string',
      valueHint: 'n',
      description: 'where it is served; default: where it was, else any that is free',
    },
  },
  examples: ['stator inspect --open', 'stator inspect --port 7434', 'stator inspect --json'],
  more: `It prints the address and ends; the daemon serves the page on 127.0.0.1, to whoever has the token in the address. Keep that to yourself: it may do
all that you may. It counts until the daemon ends; a page that is open goes on with the next daemon. Over ssh: ssh -L <port>:127.0.0.1:<port>.
Exit code 69: no daemon runs.`,
  async run({ open = false, port }, call) {
    const number = port === undefined ? undefined : portOf(port);
    const { owner } = await requireDaemon(call);
    const ask = callSocket(owner.socketPath ?? '', call.env.STATOR_TOKEN);
    const url = await addressFrom(ask, number, false);
    call.out.answer({ url }, () => [url]);
    if (open) await openInBrowser(call, await addressFrom(ask, number, true));
    return 0;
  },
});

/** Throws what the daemon refuses with. */
async function addressFrom(
  ask: ReturnType<typeof callSocket>,
  port: number | undefined,
  once: boolean,
): Promise<string> {
  const body = { ...(port === undefined ? {} : { port }), ...(once ? { once } : {}) };
  const answer = await ask('POST', '/v1/inspect', { body, signal: AbortSignal.timeout(answerMs) });
  const value: unknown = await answer.json();
  if (typeof value === 'object' && value !== null && 'url' in value && typeof value.url === 'string') return value.url;
  if (isErrorDocument(value) && value.code !== 'not_found') throw errorFromDocument(value);
  throw new EngineError(
    'other_version',
    'this daemon has no page',
    'start it anew: stator daemon restart; agents live on',
  );
}

/** Its command line is for all users of the machine to read: what stands in this address is spent by whoever comes first. */
async function openInBrowser({ out }: Call, url: string): Promise<void> {
  const program = process.platform === 'darwin' ? 'open' : 'xdg-open';
  const child = spawn(program, [url], { detached: true, stdio: 'ignore' });
  const isThere = await new Promise<boolean>((resolve) => {
    child.once('spawn', () => resolve(true));
    child.once('error', () => resolve(false));
  });
  if (!isThere) out.remark(`${program} is not there: open the address yourself`);
  child.unref();
}
