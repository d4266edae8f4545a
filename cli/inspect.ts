/** `stator inspect`: the page of a running daemon. */
import { spawn } from 'node:child_process';
import { EngineError, errorFromDocument, isErrorDocument } from '../machines/vocabulary/errors.ts';
import { callSocket } from '../runtime/api/client/call.ts';
import { type Call, defineVerb } from './command.ts';
import { answerMs, requireEngine } from './daemon/presence.ts';
import { portOf } from './number.ts';

export default defineVerb({
  summary: 'Print the address of the web page of the engine: all plans with their statecharts, agents and journals.',
  args: {
    open: { type: 'boolean', description: 'open it in your browser' },
    port: {
      type: 'string',
      valueHint: 'n',
      description: 'the port; default: the same as before, else a free one',
    },
    stately: { type: 'boolean', description: "print the addresses for Stately's inspector" },
  },
  examples: ['stator inspect --open', 'stator inspect --json', 'stator inspect --stately'],
  more: `The daemon, a running stator run or your program serves the page on 127.0.0.1. The address contains a token: keep it secret, because with it anybody can do what you can. It is valid until that engine ends; an open page continues with the next daemon. Over ssh: ssh -L <port>:127.0.0.1:<port>.
--stately prints a page that sends states and names to https://stately.ai when you press its button (no prompt, document or output), and the WebSocket for @statelyai/inspect; both can only watch. Exit code 69: no engine runs.`,
  async run({ open = false, port, stately = false }, call) {
    const number = port === undefined ? undefined : portOf(port);
    const { owner } = await requireEngine(call);
    const ask = callSocket(owner.socketPath ?? '', call.env.STATOR_TOKEN);
    const wanted = { ...(number === undefined ? {} : { port: number }), ...(stately ? { stately } : {}) };
    const { url, websocket } = await addressFrom(ask, wanted);
    const answer = websocket === undefined ? { url } : { url, websocket };
    call.out.answer(answer, () => Object.values(answer));
    if (open) await openInBrowser(call, (await addressFrom(ask, { ...wanted, once: true })).url);
  },
});

interface Wanted {
  readonly port?: number;
  readonly stately?: boolean;
  readonly once?: boolean;
}

async function addressFrom(
  ask: ReturnType<typeof callSocket>,
  body: Wanted,
): Promise<{ url: string; websocket?: string }> {
  const answer = await ask('POST', '/v1/inspect', { body, signal: AbortSignal.timeout(answerMs) });
  const value: unknown = await answer.json();
  if (isErrorDocument(value)) {
    // A daemon of an earlier version does not know this route or this field.
    if (value.code !== 'not_found' && !(body.stately && value.code === 'bad_request')) throw errorFromDocument(value);
  } else if (hasWord(value, 'url')) {
    if (!body.stately || body.once) return { url: value.url };
    if (hasWord(value, 'websocket')) return { url: value.url, websocket: value.websocket };
  }
  throw new EngineError(
    'other_version',
    body.stately ? "this daemon does not speak Stately's protocol" : 'this daemon has no page',
    'start it anew: stator daemon restart; agents live on',
  );
}

function hasWord<K extends string>(value: unknown, key: K): value is Record<K, string> {
  return typeof value === 'object' && value !== null && typeof (value as Record<string, unknown>)[key] === 'string';
}

/** All users of the machine can read the browser's command line, so the key in this address works only once. */
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
