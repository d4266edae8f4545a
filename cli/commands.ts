/** Every command and where it is. A verb is loaded when it is called, so that the others cost nothing. */
import type { Verb } from './command.ts';

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

/** Commands of one word. */
export const verbs: readonly Entry[] = [
  entry('run', 'run a plan to its end, with live progress', () => import('./run.ts')),
  entry('demo', 'see it work in a throw-away repo', () => import('./demo.ts')),
  entry('doctor', 'check this machine and this repo', () => import('./doctor.ts')),
];

export const nouns: Readonly<Record<string, readonly Entry[]>> = {
  plan: [
    entry('check', 'read a plan without registering it', () => import('./plan/check.ts')),
    entry('list', 'the plans of this repo', () => import('./plan/list.ts')),
    entry('show', 'one plan with its waves and tasks', () => import('./plan/show.ts')),
    entry('register', 'take a file as a plan', () => import('./plan/register.ts')),
    entry('create', 'make a plan without a file', () => import('./plan/create.ts')),
    entry('update-content', "replace a plan's document", () => import('./plan/update-content.ts')),
    entry('delete', 'forget a plan', () => import('./plan/delete.ts')),
    planSignal('start', 'start planning'),
    entry('implement', 'start implementing', () => import('./plan/implement.ts')),
    entry('pause', 'stop its agents, start nothing new', () => import('./plan/pause.ts')),
    planSignal('resume', 'go on after a pause'),
    entry('resolve', 'answer what a plan asks, and let it go on', () => import('./plan/resolve.ts')),
    planSignal('retry-wave', 'run again what failed in the wave'),
    planSignal('advance-wave', 'go on without what failed in the wave'),
    planSignal('cancel', 'stop a plan for good'),
    planSignal('reopen', 'take a cancelled plan up again'),
    entry('transition', 'send any lifecycle event', () => import('./plan/transition.ts')),
    entry('set-status', 'override the status', () => import('./plan/set-status.ts')),
    entry('history', 'what happened to a plan', () => import('./plan/history.ts')),
    entry('explain', 'what a plan waits for, what it would take', () => import('./plan/explain.ts')),
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
    entry('kill', "end an agent's attempt", () => import('./instance/kill.ts')),
  ],
  queue: [entry('list', 'who waits for a slot', () => import('./queue/list.ts'))],
  repo: [
    entry('list', 'the registered repos', () => import('./repo/list.ts')),
    entry('add', 'register a repo', () => import('./repo/add.ts')),
  ],
  machine: [entry('export', 'the statecharts that run, as Mermaid or JSON', () => import('./machine/export.ts'))],
};

export function topUsage(version: string): string {
  const rows: [string, string][] = [
    ...verbs.map(({ name, summary }): [string, string] => [name, summary]),
    ...Object.entries(nouns).map(([noun, list]): [string, string] => [noun, list.map(({ name }) => name).join(', ')]),
  ];
  const width = Math.max(...rows.map(([left]) => left.length));
  const lines = rows.flatMap(([left, right]) =>
    wrap(right, 76 - width).map((text, index) => [index, left, text] as const),
  );
  return [
    `stator ${version}: runs plans through coding agents in git worktrees`,
    '',
    'usage: stator <command>',
    '',
    ...lines.map(([index, left, text]) => `  ${(index === 0 ? left : '').padEnd(width)}  ${text}`),
    '',
    'always: --json --project <name> --quiet --verbose --help, and --version',
    'more about one: stator <command> --help',
    'example: stator run docs/plans/login.md',
  ].join('\n');
}

function wrap(text: string, width: number): string[] {
  const lines = [''];
  for (const word of text.split(' ')) {
    const line = lines.at(-1) ?? '';
    if (line !== '' && line.length + word.length + 1 > width) lines.push(word);
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`;
  }
  return lines;
}
