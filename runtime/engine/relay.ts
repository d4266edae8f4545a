/**
 * A request that needs the files of another host, such as logs, prompts and diffs, is answered there: the request and its answer pass through the store.
 */
import { EngineError, messageOf } from '../../machines/vocabulary/errors.ts';
import type { Relay, RelayedRequest } from '../api/control/route.ts';
import type { Log } from '../base/platform/log.ts';
import type { Store } from '../core/store/port.ts';
import type { Projects } from '../work/repos/registry.ts';

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

/** A diff may be long; a longer answer should not pass through the store. */
const answerLimitChars = 4 * 1024 * 1024;
const waitMs = { read: 10_000, change: 60_000 };

/** null: the store belongs to one machine. */
export function createRelay({
  store: { hosts },
  projects,
}: {
  readonly store: Pick<Store, 'hosts'>;
  readonly projects: Pick<Projects, 'find'>;
}): Relay | null {
  if (hosts === undefined) return null;
  return async (project, request) => {
    const { host, path: files } = projects.find(project) ?? {};
    // The repo is moving to this host, and has not arrived yet.
    if (host === hosts.own) return null;
    const isAlive = (await hosts.list()).some(({ name, isAlive: is }) => name === host && is);
    if (host === undefined || !isAlive) return null;
    const refused = (why: string) =>
      new EngineError(
        'elsewhere',
        `the repo ${project} belongs to the host ${host}, ${why}: its files are there, in ${files}`,
        `ask again, or on ${host}; the hosts: stator host list`,
      );
    const limitMs = request.method === 'GET' ? waitMs.read : waitMs.change;
    const text = await hosts.ask(host, JSON.stringify(request), limitMs);
    if (text === null) throw refused(`which has not answered within ${limitMs / 1_000} s`);
    const { status, type, body } = JSON.parse(text) as Answer; // as `answerFrom` of that host wrote it
    if (body.length > answerLimitChars) throw refused('and the answer is longer than 4 MiB');
    return new Response(body, { status, headers: { 'content-type': type } });
  };
}

/**
 * Answers requests of other hosts about the repos of this one, until the returned function is called. Any process that can write to the store can send such a
 * request, so `app` has only the routes for other hosts.
 */
export function answerHosts(
  { hosts }: Pick<Store, 'hosts'>,
  app: { request(path: string, init: RequestInit): Response | Promise<Response> },
  log: Pick<Log, 'warn'>,
): () => void {
  if (hosts === undefined) return () => {};
  return hosts.answer(async (question) => {
    try {
      const { method, path, body: sent } = JSON.parse(question) as RelayedRequest; // as `createRelay` of that host wrote it
      const response = await app.request(path, {
        method,
        ...(sent === undefined ? {} : { body: JSON.stringify(sent), headers: { 'content-type': 'application/json' } }),
      });
      const type = response.headers.get('content-type') ?? 'text/plain';
      const body = (await response.text()).slice(0, answerLimitChars + 1);
      return JSON.stringify({ status: response.status, type, body } satisfies Answer);
    } catch (thrown) {
      log.warn(`what another host asked (${question.slice(0, 500)}): ${messageOf(thrown)}`);
      const body = JSON.stringify({ error: messageOf(thrown), code: 'internal', hint: 'see daemon.log on that host' });
      return JSON.stringify({ status: 500, type: 'application/json', body } satisfies Answer);
    }
  });
}
