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

/** Commands of one word. */
export const verbs: readonly Entry[] = [
  entry('init', 'set up this repo', () => import('./init.ts')),
  entry('run', 'run a plan to its end', () => import('./run.ts')),
  entry('demo', 'see it work at once', () => import('./demo.ts')),
  entry('status', 'what needs you now', () => import('./status.ts')),
  entry('monitor', 'what happens, live', () => import('./monitor.ts')),
  entry('inspect', 'the same in your browser', () => import('./inspect.ts')),
  entry('delegate', 'hand work on an issue to an agent', () => import('./delegate.ts')),
  entry('logs', 'what the engine says', () => import('./logs.ts')),
  {
    name: 'completion',
    summary: 'completion for shells',
    load: async () => (await import('./completion.ts')).completionVerb({ verbs, nouns }),
  },
  entry('gc', 'clear away what plans left behind', () => import('./gc.ts')),
  entry('doctor', 'check this machine', () => import('./doctor.ts')),
];

export const nouns: Readonly<Record<string, readonly Entry[]>> = {
  plan: [
    entry('check', 'read a plan without registering it', () => import('./plan/check.ts')),
    ...verbsOf(planShow, {
      list: 'the plans of this repo',
      show: 'one plan with its waves and tasks',
    }),
    ...verbsOf(planDocument, {
      register: 'take a file as a plan',
      create: 'make a plan without a file',
      'update-content': "replace a plan's document",
      export: 'its document, printed or written back to its file',
    }),
    entry('delete', 'forget a plan', () => import('./plan/delete.ts')),
    ...verbsOf(planSignals, {
      start: 'start planning',
      implement: 'start implementing',
      pause: 'stop its agents, start nothing new',
      resume: 'go on after a pause',
    }),
    entry('answer', 'answer a question of an agent', () => import('./plan/answer.ts')),
    entry('raise-budget', 'allow a plan more than its budget', () => import('./plan/raise-budget.ts')),
    ...verbsOf(planSignals, {
      resolve: 'let a plan that is blocked go on',
      'retry-wave': 'run again what failed in the wave',
      'advance-wave': 'go on without what failed in the wave',
      cancel: 'stop a plan for good',
      reopen: 'take a cancelled plan up again',
      'start-over': 'plan anew on a new branch',
      transition: 'send any lifecycle event',
      'set-status': 'override the status',
    }),
    ...verbsOf(planLanding, {
      push: 'its branch to the remote',
      pr: 'its pull request on the forge',
      merge: 'merge a done plan into your branch',
    }),
    entry('history', 'what happened to a plan', () => import('./plan/history.ts')),
    ...verbsOf(planShow, {
      explain: 'what a plan waits for, what it would take',
    }),
    ...verbsOf(() => import('./plan/past.ts'), {
      replay: 'what a plan was at a moment of the past',
      verify: 'whether what is stored follows from the journal',
    }),
    entry('diff', 'what a plan has changed', () => import('./plan/diff.ts')),
    ...verbsOf(planShow, {
      prompt: 'what an agent would be told now',
    }),
  ],
  signal: [
    entry('emit', 'send a signal', () => import('./signal/emit.ts')),
    ...verbsOf(() => import('./signal.ts'), {
      list: 'the inbox',
      show: 'one signal',
      retry: 'deliver a failed signal again',
    }),
  ],
  instance: [
    ...verbsOf(instance, {
      list: 'the agents',
      show: 'one agent',
    }),
    entry('logs', 'what an agent said', () => import('./instance/logs.ts')),
    ...verbsOf(instance, {
      capture: 'the end of what it said',
      send: 'leave a message for its next turn',
    }),
    ...verbsOf(() => import('./instance/answer.ts'), {
      allow: 'let it do what it asks for',
      deny: 'forbid what it asks for',
    }),
    ...verbsOf(instance, {
      pause: 'freeze an agent',
      resume: 'let a frozen agent go on',
      restart: 'end the attempt, start a new one',
      kill: "end an agent's attempt",
    }),
  ],
  queue: verbsOf(() => import('./queue.ts'), {
    list: 'who waits for a slot',
    enqueue: 'put work on an issue into the queue',
    stats: 'how many wait, run and have ended',
    pause: 'start no agent until it is resumed',
    resume: 'start agents again',
    clear: 'take ended runs off the list',
  }),
  hook: verbsOf(() => import('./hook.ts'), {
    list: 'the hooks in force',
    deliveries: 'what hooks were told',
    show: 'one delivery',
    redeliver: 'deliver again',
    test: 'try a hook out',
    enable: 'switch a hook on',
    disable: 'switch a hook off',
  }),
  issue: verbsOf(() => import('./issue.ts'), {
    start: 'begin a session for an issue',
    continue: 'go on with it, or answer it',
    list: 'the sessions',
    context: 'what was said about an issue',
    'set-pr': 'note its pull request',
    comment: 'write on the issue',
    destroy: 'take a session away',
    prune: 'take away those that are over',
  }),
  notify: verbsOf(() => import('./notify.ts'), {
    list: 'what you were told and have not read',
    clear: 'what you were told is read',
  }),
  server: verbsOf(() => import('./server.ts'), {
    list: 'the forges that you know',
    add: 'name a forge',
    remove: 'forget a forge',
    default: 'which one owner/repo#n is on',
    get: 'one forge, and where its token comes from',
  }),
  daemon: [
    entry('start', 'start the engine that stays', () => import('./daemon/start.ts')),
    ...verbsOf(daemon, {
      stop: 'stop it; its agents go on',
      restart: 'stop and start it; agents live on',
      status: 'whether it runs, and its repos',
    }),
    entry('logs', 'what it says', () => import('./daemon/logs.ts')),
    ...verbsOf(daemon, {
      add: 'give it a repo',
      remove: 'take a repo out; its plans are kept',
      reload: 'read the configuration again',
    }),
  ],
  repo: verbsOf(() => import('./repo.ts'), {
    list: 'the registered repos',
    add: 'register a repo',
    remove: 'take a repo out',
    show: 'one repo, its configuration and its plans',
    trust: 'let what its files enable now act',
    pause: 'let none of its plans begin',
    resume: 'let its plans begin again',
  }),
  mcp: [entry('permissions', "how an agent's program asks a person", () => import('./mcp/permissions.ts'))],
  store: verbsOf(() => import('./store.ts'), {
    backup: 'copy the store',
    check: 'whether it is damaged, and its copies',
    restore: 'put a copy in its place',
  }),
  token: verbsOf(() => import('./token.ts'), {
    show: 'print the token of the control API over TCP',
    rotate: 'make a new one; the old one counts no more',
  }),
  trust: verbsOf(() => import('./trust.ts'), {
    list: 'which repos are trusted, since when',
    show: 'what of a repo is trusted, and what has changed',
    revoke: 'take it back: nothing new of it starts',
  }),
  machine: verbsOf(() => import('./machine.ts'), {
    list: 'the statecharts that decide everything',
    export: 'one of them, as a picture, Mermaid or JSON',
    start: 'begin a tree of a machine of your own',
    send: 'a message to such a tree',
    show: 'where such a tree stands',
    delete: 'take such a tree away',
    explain: 'what such a tree waits for, what it would take',
    history: 'what happened to such a tree',
  }),
};

export function topUsage(version: string): string {
  const rows = verbs.map(({ name, summary }): [string, string] => [name, summary]);
  const nounRows = Object.entries(nouns).map(([noun, entries]): [string, string] => [
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
