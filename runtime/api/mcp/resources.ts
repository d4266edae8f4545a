/** The resources that can be read and watched: documents and journals of plans, and logs of agents. */

import { EngineError } from '../../../machines/vocabulary/errors.ts';
import { pause } from '../../base/platform/pause.ts';
import type { Client } from '../client/client.ts';
import { type McpCaller, withCaller } from './caller.ts';
import { followFacts } from './wait.ts';

/** How often a watched log is read while its agent lives: no fact reports that it grew. */
const logLookMs = 2_000;
/** The most resources that one connection may watch. */
const watchLimit = 256;
/** The most plans, and agents, that are listed. Any other can still be read by its address. */
const listLimit = 200;

interface Resource {
  readonly uri: string;
  readonly name: string;
  readonly title: string;
  readonly mimeType: string;
}

type Address =
  | { readonly kind: 'plan' | 'journal'; readonly project: string; readonly plan: string }
  | { readonly kind: 'log'; readonly project: string; readonly title: string };

export const resourceTemplates = [
  {
    uriTemplate: 'stator://{project}/plans/{plan}',
    name: 'plan',
    title: 'Document of a plan',
    mimeType: 'text/markdown',
  },
  {
    uriTemplate: 'stator://{project}/plans/{plan}/journal',
    name: 'journal',
    title: 'Journal of a plan: its last 1,000 lines',
    mimeType: 'application/json',
  },
  {
    uriTemplate: 'stator://{project}/agents/{title}/log',
    name: 'log',
    title: 'Log of an agent’s newest run',
    mimeType: 'text/plain',
  },
] as const;

/** An agent inside its run sees its own plan, and no logs. */
export async function listResources(caller: McpCaller): Promise<Resource[]> {
  const { own } = caller;
  if (own !== null) return planResources(own.project, own.plan);
  return withCaller(caller, 'read', async (client) => {
    const plans = (await client.plans()).toSorted((a, b) => b.updated_at.localeCompare(a.updated_at));
    // The newest come first.
    const agents = (await client.instances({})).filter(({ log }) => log !== null).slice(0, listLimit);
    return [
      ...plans.slice(0, listLimit).flatMap(({ project, plan }) => planResources(project, plan)),
      ...agents.map(({ project, title }) => ({
        uri: `${planRoot(project)}/agents/${encodeURIComponent(title)}/log`,
        name: `${title} log`,
        title: `Log of ${title}`,
        mimeType: 'text/plain',
      })),
    ];
  });
}

/** Throws `not_found`, and the engine's errors. */
export async function readResource(caller: McpCaller, uri: string) {
  const address = addressOf(uri);
  const { text, mimeType } = await withCaller(caller, 'read', (client) => textOf(client, address));
  return { uri, mimeType, text };
}

export interface Subscriptions {
  /** Throws `not_found`, `limit_reached`. */
  add(uri: string): void;
  remove(uri: string): void;
  /**
   * While the client does not listen, nothing is followed for it. When it does again, it is notified of each watched resource, which may have changed meanwhile.
   * At first it listens.
   */
  listen(isListening: boolean): void;
  close(): void;
}

/** Reports each change of a watched resource, until it is closed. One stream of facts serves all resources. */
export function createSubscriptions(
  caller: Pick<McpCaller, 'attach' | 'open'>,
  changed: (uri: string) => Promise<void>,
): Subscriptions {
  const watched = new Map<string, Address>();
  const logs = new Map<string, AbortController>();
  /** Aborted: the client does not listen. */
  let listening = new AbortController();
  let followed: AbortSignal | null = null;
  const notify = (uri: string) => void changed(uri).catch(() => undefined); // the client went away, and this is closed soon

  async function follow(signal: AbortSignal): Promise<void> {
    const facts = followFacts(caller, { plan: null, since: null, signal });
    while (!signal.aborted) {
      facts.mustBeWell();
      const plans = new Set(facts.seen.splice(0).map(({ project, plan }) => `${project}/${plan}`));
      for (const [uri, address] of watched)
        if (address.kind !== 'log' && plans.has(`${address.project}/${address.plan}`)) notify(uri);
      if (facts.seen.length === 0) await facts.next(signal);
    }
  }

  function watch(uri: string, address: Address): void {
    const { signal } = listening;
    if (signal.aborted) return;
    if (address.kind === 'log') {
      if (logs.has(uri)) return;
      const end = new AbortController();
      logs.set(uri, end);
      void watchLog(caller, { address, signal: AbortSignal.any([end.signal, signal]), grown: () => notify(uri) });
    } else if (followed !== signal) {
      followed = signal;
      follow(signal).catch(() => {
        if (followed === signal) followed = null; // the next subscription begins anew
      });
    }
  }

  return {
    add(uri) {
      const address = addressOf(uri);
      if (watched.size >= watchLimit && !watched.has(uri))
        throw new EngineError('limit_reached', `${watchLimit} resources are watched`, 'unsubscribe from one');
      watched.set(uri, address);
      watch(uri, address);
    },
    remove(uri) {
      watched.delete(uri);
      logs.get(uri)?.abort();
      logs.delete(uri);
    },
    listen(isListening) {
      if (isListening !== listening.signal.aborted) return;
      listening.abort();
      logs.clear();
      if (!isListening) return;
      listening = new AbortController();
      for (const [uri, address] of watched) {
        watch(uri, address);
        notify(uri);
      }
    },
    close: () => listening.abort(),
  };
}

interface LogWatch {
  readonly address: Extract<Address, { kind: 'log' }>;
  readonly signal: AbortSignal;
  grown(): void;
}

async function watchLog(
  caller: Pick<McpCaller, 'attach' | 'open'>,
  { address, signal, grown }: LogWatch,
): Promise<void> {
  let before: string | null = null;
  while (!signal.aborted) {
    // The engine may be starting again, and the agent may begin later: the next look is the next try. A read of the resource reports the reason.
    const now = await withLive(caller, (client) => client.capture({ project: address.project, title: address.title }));
    if (now !== null && before !== null && now !== before) grown();
    before = now ?? before;
    await pause(logLookMs, signal);
  }
}

/** null: no engine runs now, or it refuses. */
async function withLive<Answer>(
  caller: Pick<McpCaller, 'attach'>,
  use: (client: Client) => Promise<Answer>,
): Promise<Answer | null> {
  try {
    const client = await caller.attach();
    return client === null ? null : await use(client).finally(() => client.close());
  } catch {
    return null;
  }
}

async function textOf(client: Client, address: Address): Promise<{ text: string; mimeType: string }> {
  const { project } = address;
  switch (address.kind) {
    case 'plan':
      return { text: (await client.plan(project, address.plan)).content, mimeType: 'text/markdown' };
    case 'journal':
      return { text: JSON.stringify(await lastLines(client, address)), mimeType: 'application/json' };
    case 'log':
      return { text: await client.capture({ project, title: address.title }), mimeType: 'text/plain' };
    default:
      return address satisfies never;
  }
}

/** The most lines of a journal page. */
const pageLines = 1_000;

async function lastLines(client: Client, { project, plan }: { project: string; plan: string }) {
  let lines = await client.history(project, plan);
  for (let page = lines; page.length === pageLines; ) {
    page = await client.history(project, plan, { after: lines.at(-1)?.seq ?? 0 });
    lines = [...lines, ...page].slice(-pageLines);
  }
  return lines;
}

function planRoot(project: string): string {
  return `stator://${encodeURIComponent(project)}`;
}

function planResources(project: string, plan: string): Resource[] {
  const uri = `${planRoot(project)}/plans/${encodeURIComponent(plan)}`;
  return [
    { uri, name: plan, title: `Plan ${project}/${plan}`, mimeType: 'text/markdown' },
    {
      uri: `${uri}/journal`,
      name: `${plan} journal`,
      title: `Journal of ${project}/${plan}`,
      mimeType: 'application/json',
    },
  ];
}

/** Throws `not_found`. */
function addressOf(uri: string): Address {
  const [, project = '', plan, journal, title] =
    /^stator:\/\/([^/]+)\/(?:plans\/([^/]+)(\/journal)?|agents\/([^/]+)\/log)$/.exec(uri) ?? [];
  try {
    if (plan !== undefined)
      return {
        kind: journal === undefined ? 'plan' : 'journal',
        project: decodeURIComponent(project),
        plan: decodeURIComponent(plan),
      };
    if (title !== undefined)
      return { kind: 'log', project: decodeURIComponent(project), title: decodeURIComponent(title) };
  } catch {
    // Not percent-encoded UTF-8: the error below follows.
  }
  throw new EngineError(
    'not_found',
    `no resource ${uri.slice(0, 500)}`,
    `the addresses are ${resourceTemplates.map(({ uriTemplate }) => uriTemplate).join(', ')}`,
  );
}
