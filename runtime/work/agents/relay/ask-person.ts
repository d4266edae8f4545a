/** Asks a person through the engine, over the run's own socket, as long as the program waits for the answer. If the engine is away, it waits for it. */
import { randomBytes } from 'node:crypto';
import { timeLimit } from '../../../base/platform/pause.ts';
import { type JsonObject, objectOf, textAt } from '../reports/json-line.ts';
import type { PermissionText } from './acp-permission.ts';

export interface PersonAnswer {
  readonly isAllowed: boolean;
  /** A person's comment, or why it was not allowed; may be empty. */
  readonly message: string;
}

export type AskPerson = (question: PermissionText, cancelled: AbortSignal) => Promise<PersonAnswer>;

/** The engine may be restarting: it serves the same socket again. */
const retryMs = 1_000;
/** The time limit of one request; the engine answers after 20 s at the latest. */
const requestMs = 60_000;
const answerLimitBytes = 1024 * 1024;

export function createAskPerson(env: NodeJS.ProcessEnv): AskPerson {
  const place = [env.STATOR_PROJECT, env.STATOR_PLAN].map((name) => encodeURIComponent(name ?? ''));
  const path = `/v1/repos/${place[0]}/plans/${place[1]}/permissions`;
  return async (question, cancelled) => {
    const id = randomBytes(4).toString('hex');
    while (!cancelled.aborted) {
      const { status, body } = await call(env, { method: 'POST', path, body: { id, ...question }, cancelled });
      const state = body === null ? null : textAt(body, 'state');
      const message = body === null ? '' : (textAt(body, 'message') ?? '');
      if (state === 'allowed' || state === 'denied') return { isAllowed: state === 'allowed', message };
      // A refusal by the engine is a denial; an engine that is away, busy or ending is not.
      if (status >= 400 && status < 500 && status !== 429)
        return {
          isAllowed: false,
          message: (body === null ? null : textAt(body, 'error')) ?? `refused with ${status}`,
        };
      if (state !== 'open') await pause(cancelled);
    }
    // Its deadline also closes it.
    await call(env, { method: 'DELETE', path: `${path}/${id}`, body: null, cancelled: null });
    return { isAllowed: false, message: '' };
  };
}

interface Asked {
  readonly method: string;
  readonly path: string;
  readonly body: JsonObject | null;
  readonly cancelled: AbortSignal | null;
}

/** Status 0: there was no answer. */
async function call(env: NodeJS.ProcessEnv, { method, path, body, cancelled }: Asked) {
  const { request } = await import('node:http');
  const text = body === null ? undefined : JSON.stringify(body);
  const headers = {
    authorization: `Bearer ${env.STATOR_TOKEN ?? ''}`,
    ...(text === undefined ? {} : { 'content-type': 'application/json' }),
  };
  return new Promise<{ readonly status: number; readonly body: JsonObject | null }>((resolve) => {
    const none = () => resolve({ status: 0, body: null });
    const limit = timeLimit(requestMs);
    const signal = cancelled === null ? limit : AbortSignal.any([limit, cancelled]);
    const asked = request({ socketPath: env.STATOR_SOCKET, method, path, headers, signal }, (answer) => {
      let said = '';
      answer
        .setEncoding('utf8')
        .on('data', (piece: string) => {
          if (said.length < answerLimitBytes) said += piece;
        })
        .on('error', none)
        .on('end', () => resolve({ status: answer.statusCode ?? 0, body: objectOf(said.trim()) }));
    });
    asked.on('error', none);
    asked.end(text);
  });
}

function pause(cancelled: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, retryMs);
    cancelled.addEventListener(
      'abort',
      () => {
        clearTimeout(timer);
        resolve();
      },
      { once: true },
    );
  });
}
