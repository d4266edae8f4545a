/**
 * Reads that need the files of another host, such as logs, prompts and diffs, are carried out there: the path of the request and what is answered pass through
 * the store.
 */
import { EngineError, messageOf } from '../../machines/vocabulary/errors.ts';
import type { Relay } from '../api/control/route.ts';
import type { Log } from '../base/platform/log.ts';
import type { Store } from '../core/store/port.ts';
import type { Projects } from '../work/repos/registry.ts';

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

/** A diff may be long; the store is no place for more. */
const answerLimitChars = 4 * 1024 * 1024;
const waitMs = 10_000;

/** null: the store is of one machine. */
export function createRelay({
  store: { hosts },
  projects,
}: {
  readonly store: Pick<Store, 'hosts'>;
  readonly projects: Pick<Projects, 'find'>;
}): Relay | null {
  if (hosts === undefined) return null;
  return async (project, path) => {
    const { host, path: files } = projects.find(project) ?? {};
    const isAlive = (await hosts.list()).some(({ name, isAlive: is }) => name === host && is);
    if (host === undefined || !isAlive) return null;
    const refused = (why: string) =>
      new EngineError(
        'elsewhere',
        `the repo ${project} belongs to the host ${host}, ${why}: its files are there, in ${files}`,
        `ask again, or on ${host}; the hosts: stator host list`,
      );
    const text = await hosts.ask(host, path, waitMs);
    if (text === null) throw refused(`which has not answered within ${waitMs / 1_000} s`);
    const { status, type, body } = JSON.parse(text) as Answer; // as `answerFrom` of that host wrote it
    if (body.length > answerLimitChars) throw refused('and the answer is longer than 4 MiB');
    return new Response(body, { status, headers: { 'content-type': type } });
  };
}

/** Answers what other hosts ask of the repos of this one. `app` hands nothing on. Ends with the returned function. */
export function answerHosts(
  { hosts }: Pick<Store, 'hosts'>,
  app: { request(path: string): Response | Promise<Response> },
  log: Pick<Log, 'warn'>,
): () => void {
  if (hosts === undefined) return () => {};
  return hosts.answer(async (path) => {
    try {
      if (!/^\/v1\/(?:repos|trust)\//.test(path)) throw new Error('it is no read of a repo');
      const response = await app.request(path);
      const type = response.headers.get('content-type') ?? 'text/plain';
      const body = (await response.text()).slice(0, answerLimitChars + 1);
      return JSON.stringify({ status: response.status, type, body } satisfies Answer);
    } catch (thrown) {
      log.warn(`what another host asked (${path.slice(0, 500)}): ${messageOf(thrown)}`);
      const body = JSON.stringify({ error: messageOf(thrown), code: 'internal', hint: 'see daemon.log on that host' });
      return JSON.stringify({ status: 500, type: 'application/json', body } satisfies Answer);
    }
  });
}
