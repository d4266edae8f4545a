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

/** The verbs that are nothing but one signal to a plan share a file. */
function planSignal(name: string, summary: string): Entry {
  return { name, summary, load: async () => (await import('./plan/signals.ts')).planSignalVerb(name) };
}

/** The verbs that are nothing but one word to an agent share a file. */
function instanceAnswer(name: string, summary: string): Entry {
  return { name, summary, load: async () => (await import('./instance/answer.ts')).answerVerb(name) };
}

function instanceWord(name: string, summary: string): Entry {
  return { name, summary, load: async () => (await import('./instance/word.ts')).instanceWordVerb(name) };
}

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
    entry('list', 'the plans of this repo', () => import('./plan/list.ts')),
    entry('show', 'one plan with its waves and tasks', () => import('./plan/show.ts')),
    entry('register', 'take a file as a plan', () => import('./plan/register.ts')),
    entry('create', 'make a plan without a file', () => import('./plan/create.ts')),
    entry('update-content', "replace a plan's document", () => import('./plan/update-content.ts')),
    entry('export', 'its document, printed or written back to its file', () => import('./plan/export.ts')),
    entry('delete', 'forget a plan', () => import('./plan/delete.ts')),
    planSignal('start', 'start planning'),
    entry('implement', 'start implementing', () => import('./plan/implement.ts')),
    entry('pause', 'stop its agents, start nothing new', () => import('./plan/pause.ts')),
    planSignal('resume', 'go on after a pause'),
    entry('answer', 'answer a question of an agent', () => import('./plan/answer.ts')),
    entry('raise-budget', 'allow a plan more than its budget', () => import('./plan/raise-budget.ts')),
    entry('resolve', 'let a plan that is blocked go on', () => import('./plan/resolve.ts')),
    planSignal('retry-wave', 'run again what failed in the wave'),
    planSignal('advance-wave', 'go on without what failed in the wave'),
    planSignal('cancel', 'stop a plan for good'),
    planSignal('reopen', 'take a cancelled plan up again'),
    planSignal('start-over', 'plan anew on a new branch'),
    entry('transition', 'send any lifecycle event', () => import('./plan/transition.ts')),
    entry('set-status', 'override the status', () => import('./plan/set-status.ts')),
    entry('push', 'its branch to the remote', () => import('./plan/push.ts')),
    entry('pr', 'its pull request on the forge', () => import('./plan/pr.ts')),
    entry('merge', 'merge a done plan into your branch', () => import('./plan/merge.ts')),
    entry('history', 'what happened to a plan', () => import('./plan/history.ts')),
    entry('explain', 'what a plan waits for, what it would take', () => import('./plan/explain.ts')),
    entry('diff', 'what a plan has changed', () => import('./plan/diff.ts')),
    entry('prompt', 'what an agent would be told now', () => import('./plan/prompt.ts')),
  ],
  signal: [
    entry('emit', 'send a signal', () => import('./signal/emit.ts')),
    entry('list', 'the inbox', () => import('./signal/list.ts')),
    entry('show', 'one signal', () => import('./signal/show.ts')),
    entry('retry', 'deliver a failed signal again', () => import('./signal/retry.ts')),
  ],
  instance: [
    entry('list', 'the agents', () => import('./instance/list.ts')),
    entry('show', 'one agent', () => import('./instance/show.ts')),
    entry('logs', 'what an agent said', () => import('./instance/logs.ts')),
    entry('capture', 'the end of what it said', () => import('./instance/capture.ts')),
    entry('send', 'leave a message for its next turn', () => import('./instance/send.ts')),
    instanceAnswer('allow', 'let it do what it asks for'),
    instanceAnswer('deny', 'forbid what it asks for'),
    instanceWord('pause', 'freeze an agent'),
    instanceWord('resume', 'let a frozen agent go on'),
    instanceWord('restart', 'end the attempt, start a new one'),
    instanceWord('kill', "end an agent's attempt"),
  ],
  queue: [
    entry('list', 'who waits for a slot', () => import('./queue/list.ts')),
    entry('enqueue', 'put work on an issue into the queue', () => import('./queue/enqueue.ts')),
    entry('stats', 'how many wait, run and have ended', () => import('./queue/stats.ts')),
    entry('pause', 'start no agent until it is resumed', () => import('./queue/pause.ts')),
    entry('resume', 'start agents again', () => import('./queue/resume.ts')),
    entry('clear', 'take ended runs off the list', () => import('./queue/clear.ts')),
  ],
  hook: [
    entry('list', 'the hooks in force', () => import('./hook/list.ts')),
    entry('deliveries', 'what hooks were told', () => import('./hook/deliveries.ts')),
    entry('show', 'one delivery', () => import('./hook/show.ts')),
    entry('redeliver', 'deliver again', () => import('./hook/redeliver.ts')),
    entry('test', 'try a hook out', () => import('./hook/test.ts')),
    entry('enable', 'switch a hook on', () => import('./hook/enable.ts')),
    entry('disable', 'switch a hook off', () => import('./hook/disable.ts')),
  ],
  issue: [
    entry('start', 'begin a session for an issue', () => import('./issue/start.ts')),
    entry('continue', 'go on with it, or answer it', () => import('./issue/continue.ts')),
    entry('list', 'the sessions', () => import('./issue/list.ts')),
    entry('context', 'what was said about an issue', () => import('./issue/context.ts')),
    entry('set-pr', 'note its pull request', () => import('./issue/set-pr.ts')),
    entry('comment', 'write on the issue', () => import('./issue/comment.ts')),
    entry('destroy', 'take a session away', () => import('./issue/destroy.ts')),
    entry('prune', 'take away those that are over', () => import('./issue/prune.ts')),
  ],
  notify: [
    entry('list', 'what you were told and have not read', () => import('./notify/list.ts')),
    entry('clear', 'what you were told is read', () => import('./notify/clear.ts')),
  ],
  server: [
    entry('list', 'the forges that you know', () => import('./server/list.ts')),
    entry('add', 'name a forge', () => import('./server/add.ts')),
    entry('remove', 'forget a forge', () => import('./server/remove.ts')),
    entry('default', 'which one owner/repo#n is on', () => import('./server/default.ts')),
    entry('get', 'one forge, and where its token comes from', () => import('./server/get.ts')),
  ],
  daemon: [
    entry('start', 'start the engine that stays', () => import('./daemon/start.ts')),
    entry('stop', 'stop it; its agents go on', () => import('./daemon/stop.ts')),
    entry('restart', 'stop and start it; agents live on', () => import('./daemon/restart.ts')),
    entry('status', 'whether it runs, and its repos', () => import('./daemon/status.ts')),
    entry('logs', 'what it says', () => import('./daemon/logs.ts')),
    entry('add', 'give it a repo', () => import('./daemon/add.ts')),
    entry('remove', 'take a repo out; its plans are kept', () => import('./daemon/remove.ts')),
    entry('reload', 'read the configuration again', () => import('./daemon/reload.ts')),
  ],
  repo: [
    entry('list', 'the registered repos', () => import('./repo/list.ts')),
    entry('add', 'register a repo', () => import('./repo/add.ts')),
    entry('remove', 'take a repo out', () => import('./repo/remove.ts')),
    entry('show', 'one repo, its configuration and its plans', () => import('./repo/show.ts')),
    entry('trust', 'let what its files enable now act', () => import('./repo/trust.ts')),
    entry('pause', 'let none of its plans begin', () => import('./repo/pause.ts')),
    entry('resume', 'let its plans begin again', () => import('./repo/resume.ts')),
  ],
  mcp: [entry('permissions', "how an agent's program asks a person", () => import('./mcp/permissions.ts'))],
  token: [
    entry('show', 'print the token of the control API over TCP', () => import('./token/show.ts')),
    entry('rotate', 'make a new one; the old one counts no more', () => import('./token/rotate.ts')),
  ],
  trust: [
    entry('list', 'which repos are trusted, since when', () => import('./trust/list.ts')),
    entry('show', 'what of a repo is trusted, and what has changed', () => import('./trust/show.ts')),
    entry('revoke', 'take it back: nothing new of it starts', () => import('./trust/revoke.ts')),
  ],
  machine: [
    entry('list', 'the statecharts that decide everything', () => import('./machine/list.ts')),
    entry('export', 'one of them, as a picture, Mermaid or JSON', () => import('./machine/export.ts')),
    entry('start', 'begin a tree of a machine of your own', () => import('./machine/start.ts')),
    entry('send', 'a message to such a tree', () => import('./machine/send.ts')),
    entry('show', 'where such a tree stands', () => import('./machine/show.ts')),
    entry('delete', 'take such a tree away', () => import('./machine/delete.ts')),
    entry('explain', 'what such a tree waits for, what it would take', () => import('./machine/explain.ts')),
    entry('history', 'what happened to such a tree', () => import('./machine/history.ts')),
  ],
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
