/** Every command and where it is. A verb is loaded when it is called, so that the others cost nothing. */
import type { Verb } from './command.ts';
import { list } from './usage.ts';

export interface Entry {
  readonly name: string;
  readonly summary: string;
  load(): Promise<Verb>;
}

type Loader = () => Promise<{ default: Verb }>;

function entry(name: string, summary: string, load: Loader): Entry {
  return { name, summary, load: async () => (await load()).default };
}

/** Verbs of one file, in the order in which they are listed. */
function verbsOf<Name extends string>(
  load: () => Promise<{ default: Readonly<Record<Name, Verb>> }>,
  summaries: Readonly<Partial<Record<Name, string>>>,
): Entry[] {
  return Object.entries<string | undefined>(summaries).map(([name, summary = '']) => ({
    name,
    summary,
    load: async () => (await load()).default[name as Name], // a key of the summaries
  }));
}

const planDocument = () => import('./plan/document.ts');
const planShow = () => import('./plan/show.ts');
const planSignals = () => import('./plan/signals.ts');
const planLanding = () => import('./plan/landing.ts');
const instance = () => import('./instance.ts');
const daemon = () => import('./daemon.ts');

export const verbs: readonly Entry[] = [
  entry('init', 'set up this repo', () => import('./init.ts')),
  entry('run', 'run a plan to its end', () => import('./run.ts')),
  entry('demo', 'run an example', () => import('./demo.ts')),
  entry('status', 'what needs you now', () => import('./status.ts')),
  entry('monitor', 'live board in the terminal', () => import('./monitor.ts')),
  entry('inspect', 'web page in your browser', () => import('./inspect.ts')),
  entry('delegate', 'queue work for an agent', () => import('./delegate.ts')),
  entry('logs', 'the log of the engine', () => import('./logs.ts')),
  {
    name: 'completion',
    summary: 'shell completion',
    load: async () => (await import('./completion.ts')).completionVerb({ verbs, nouns }),
  },
  entry('mcp', 'tools for agents (MCP)', () => import('./mcp/serve.ts')),
  entry('gc', 'clean up after old plans', () => import('./gc.ts')),
  entry('doctor', 'check this machine', () => import('./doctor.ts')),
];

export const nouns: Readonly<Record<string, readonly Entry[]>> = {
  plan: [
    entry('check', 'check a document', () => import('./plan/check.ts')),
    ...verbsOf(planShow, {
      list: 'list plans',
      show: 'show waves and tasks',
    }),
    ...verbsOf(planDocument, {
      register: 'register a file',
      create: 'create without a file',
      'update-content': 'replace the document',
      export: 'print the document',
    }),
    entry('delete', 'delete a plan', () => import('./plan/delete.ts')),
    ...verbsOf(planSignals, {
      start: 'start planning',
      implement: 'start implementing',
      pause: 'stop its agents',
      resume: 'continue it',
    }),
    entry('answer', 'answer an agent', () => import('./plan/answer.ts')),
    entry('raise-budget', 'raise its budget', () => import('./plan/raise-budget.ts')),
    ...verbsOf(planSignals, {
      resolve: 'continue when blocked',
      'retry-wave': 'retry failed tasks',
      'advance-wave': 'skip failed tasks',
      cancel: 'cancel a plan',
      reopen: 'undo a cancel',
      'start-over': 'plan it again',
      transition: 'send any signal',
      'set-status': 'force a status',
    }),
    ...verbsOf(planLanding, {
      push: 'push its branch',
      pr: 'make a pull request',
      merge: 'merge it when done',
    }),
    entry('history', 'print its history', () => import('./plan/history.ts')),
    ...verbsOf(planShow, {
      explain: 'why it waits',
    }),
    ...verbsOf(() => import('./plan/past.ts'), {
      replay: 'show it as it was',
      verify: 'check its journal',
    }),
    entry('simulate', 'try a document out', () => import('./plan/simulate.ts')),
    entry('diff', 'print its diff', () => import('./plan/diff.ts')),
    ...verbsOf(planShow, {
      prompt: 'print a prompt',
    }),
  ],
  signal: [
    entry('emit', 'send a signal', () => import('./signal/emit.ts')),
    ...verbsOf(() => import('./signal.ts'), {
      list: 'list the signals',
      show: 'show one signal',
      retry: 'deliver a failed signal again',
    }),
  ],
  instance: [
    ...verbsOf(instance, {
      list: 'list the agents',
      show: 'show one agent',
    }),
    entry('logs', 'print the log of an agent', () => import('./instance/logs.ts')),
    ...verbsOf(instance, {
      capture: 'print the end of its output',
      send: 'send a message for its next turn',
    }),
    ...verbsOf(() => import('./instance/answer.ts'), {
      allow: 'allow what it asks permission for',
      deny: 'deny what it asks permission for',
    }),
    ...verbsOf(instance, {
      pause: 'freeze an agent',
      resume: 'continue a frozen agent',
      restart: 'end the attempt and start a new one',
      kill: "end an agent's attempt",
    }),
  ],
  queue: verbsOf(() => import('./queue.ts'), {
    list: 'list the agents and what they wait for',
    enqueue: 'queue work on an issue',
    stats: 'count waiting, working and ended agents',
    pause: 'start no agents until resumed',
    resume: 'start agents again',
    clear: 'remove ended agents from the list',
  }),
  hook: verbsOf(() => import('./hook.ts'), {
    list: 'list the hooks',
    deliveries: 'list the deliveries',
    show: 'show one delivery',
    redeliver: 'deliver again',
    test: 'send a test event',
    enable: 'turn a hook on',
    disable: 'turn a hook off',
  }),
  issue: verbsOf(() => import('./issue.ts'), {
    start: 'start a session for an issue',
    continue: 'continue a session, or answer its agent',
    list: 'list the sessions',
    context: 'print the messages about an issue',
    'set-pr': 'record its pull request',
    comment: 'comment on the issue',
    destroy: 'delete a session',
    prune: 'delete ended sessions',
  }),
  notify: verbsOf(() => import('./notify.ts'), {
    list: 'list unread notifications',
    clear: 'mark notifications as read',
  }),
  server: verbsOf(() => import('./server.ts'), {
    list: 'list the known forges',
    add: 'add a forge',
    remove: 'remove a forge',
    default: 'show or set the default forge',
    get: 'show a forge and where its token comes from',
  }),
  daemon: [
    entry('start', 'start the daemon', () => import('./daemon/start.ts')),
    ...verbsOf(daemon, {
      stop: 'stop it; agents keep running',
      restart: 'restart it; agents keep running',
      status: 'show whether it runs, and its repos',
    }),
    entry('logs', 'print its log', () => import('./daemon/logs.ts')),
    ...verbsOf(daemon, {
      add: 'register a repo',
      remove: 'unregister a repo; its plans are kept',
      reload: 'read the configuration again',
    }),
    ...verbsOf(() => import('./daemon/install.ts'), {
      install: 'run it as a service of your user',
      uninstall: 'remove that service',
    }),
  ],
  repo: verbsOf(() => import('./repo.ts'), {
    list: 'list the registered repos',
    add: 'register a repo',
    remove: 'unregister a repo',
    show: 'show a repo, its configuration and its plans',
    trust: 'trust its files in their present state',
    pause: 'start none of its plans',
    resume: 'start its plans again',
  }),
  mcp: [entry('permissions', "how an agent's program asks a person", () => import('./mcp/permissions.ts'))],
  store: verbsOf(() => import('./store.ts'), {
    backup: 'copy the store',
    check: 'whether it is damaged, and its copies',
    restore: 'put a copy in its place',
  }),
  import: [
    entry('kasmos', 'bring its repos, plans and profiles', () => import('./import/kasmos.ts')),
    entry('kugetsu', 'bring its sessions, queue and servers', () => import('./import/kugetsu.ts')),
  ],
  token: verbsOf(() => import('./token.ts'), {
    show: 'print the token for the control API over TCP',
    rotate: 'make a new token; the old one becomes invalid',
  }),
  trust: verbsOf(() => import('./trust.ts'), {
    list: 'list the trusted repos',
    show: 'show what is trusted, and what has changed',
    revoke: 'revoke the trust: nothing new starts',
  }),
  machine: verbsOf(() => import('./machine.ts'), {
    list: 'list the state machines',
    export: 'print one as a picture, Mermaid or JSON',
    start: 'start a tree of your own machine',
    send: 'send it a signal',
    show: 'show its state',
    delete: 'delete it',
    explain: 'explain what it waits for',
    history: 'print its history',
  }),
};

export function topUsage(version: string): string {
  const rows = verbs.map(({ name, summary }): [string, string] => [name, summary]);
  const own = new Set(verbs.map(({ name }) => name));
  const groups = Object.entries(nouns).filter(([noun]) => !own.has(noun));
  const nounRows = groups.map(([noun, entries]): [string, string] => [
    noun,
    entries.map(({ name }) => name).join(', '),
  ]);
  const all = [...rows, ...nounRows];
  return [
    `stator ${version}: runs plans through coding agents in git worktrees`,
    '',
    'usage: stator <command>',
    '',
    ...list(all),
    '',
    'always: --json --project <name> --quiet --verbose --help, and --version',
    'more about one: stator <command> --help',
    'example: stator run docs/plans/login.md',
  ].join('\n');
}
