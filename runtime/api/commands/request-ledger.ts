/** Requests that need more than one signal. Each is carried out once: its answer is stored under its key, for a client that sends the same key again. */
import { EngineError, errorClasses, messageOf } from '../../../machines/vocabulary/errors.ts';
import { mustCommit } from '../../core/store/port.ts';
import type { CommandDependencies } from './command-dependencies.ts';
import { withRequest } from './signal-sender.ts';

export interface KeptAnswer {
  readonly status: number;
  /** The answer's body. */
  readonly text: string;
}

export interface KeyedRequest {
  readonly key: string;
  /** The digest of the whole request and its sender: a key belongs to one request. */
  readonly digest: string;
  /** false: a request that was cut off is not begun again, because its outcome cannot be checked. */
  readonly mayRepeat: boolean;
}

/** Clients repeat a request for minutes at most. */
const keptMs = 24 * 60 * 60 * 1_000;
const forgetEveryMs = 60 * 60 * 1_000;
/** A longer answer is not stored; it is built again from the state. */
const answerLimitChars = 256 * 1024;

/** The error codes of a repeated request whose first copy was carried out. */
const doneBefore: ReadonlySet<string> = new Set([
  'conflict',
  'refused',
  'not_found',
  'plan_not_found',
  'repo_not_found',
  'branch_taken',
  'limit_reached',
]);

export function createRequestLedger({ store, clock, log }: Pick<CommandDependencies, 'store' | 'clock' | 'log'>) {
  /** Requests under way in this engine. */
  const open = new Map<string, { readonly digest: string; readonly answer: Promise<KeptAnswer> }>();
  let forgotMs = Number.NEGATIVE_INFINITY;

  async function begin({ key, digest }: KeyedRequest): Promise<void> {
    const at = clock.nowMs();
    const isDue = at - forgotMs > forgetEveryMs;
    if (isDue) forgotMs = at;
    await mustCommit(store, [
      ...(isDue ? [{ do: 'request.forget', beforeMs: at - keptMs } as const] : []),
      { do: 'request.begin', key, digest, at },
    ]);
  }

  /** The answer is sent even if it cannot be stored. */
  async function keep(key: string, { status, text }: KeptAnswer): Promise<void> {
    if (text.length > answerLimitChars) return;
    await store
      .commit([{ do: 'request.end', key, status, answer: text }])
      .catch((thrown: unknown) => log.warn(`the answer to a request is not kept: ${messageOf(thrown)}`));
  }

  async function answerOf(request: KeyedRequest, work: () => Promise<KeptAnswer>): Promise<KeptAnswer> {
    const { key, digest, mayRepeat } = request;
    const known = await store.request(key);
    if (known !== null) mustBeSame(known.digest, digest);
    if (known?.status != null && known.answer !== null) return { status: known.status, text: known.answer };
    const isRepeat = known !== null;
    if (isRepeat && !mayRepeat) throw notKnown('it is not begun again');
    if (!isRepeat) await begin(request);
    const firstAtMs = known?.begun_at ?? clock.nowMs();
    const answer = await withRequest({ key, firstAtMs, isRepeat }, () => settled(work, isRepeat));
    await keep(key, answer);
    return answer;
  }

  return {
    /**
     * Carries out a request once, however often it arrives. Throws `bad_request` for the key of another request, `unavailable` if the outcome cannot be
     * known.
     */
    async once(request: KeyedRequest, work: () => Promise<KeptAnswer>): Promise<KeptAnswer> {
      const running = open.get(request.key);
      if (running !== undefined) {
        mustBeSame(running.digest, request.digest);
        return running.answer;
      }
      const answer = answerOf(request, work);
      open.set(request.key, { digest: request.digest, answer });
      try {
        return await answer;
      } finally {
        open.delete(request.key);
      }
    },
  };
}

/** A refusal is also stored as an answer. */
async function settled(work: () => Promise<KeptAnswer>, isRepeat: boolean): Promise<KeptAnswer> {
  try {
    return await work();
  } catch (thrown) {
    if (!(thrown instanceof EngineError) || thrown.code === 'internal') throw thrown;
    const error =
      isRepeat && doneBefore.has(thrown.code) ? notKnown(`begun again it is refused: ${thrown.message}`) : thrown;
    return { status: errorClasses[error.code].status, text: JSON.stringify(error.toJSON()) };
  }
}

function mustBeSame(known: string, digest: string): void {
  if (known === digest) return;
  throw new EngineError(
    'bad_request',
    'the idempotency key is that of another request',
    'make a new key for each request, such as a UUID',
  );
}

function notKnown(why: string): EngineError {
  return new EngineError(
    'unavailable',
    `the engine was cut off while it carried this out, and whether it was done is not known: ${why}`,
    'look before you give the command again: stator status, stator signal list',
  );
}
