/** All commands. A verb's code is loaded when the verb is called, so that the others cost nothing. */
import { agentOperations } from '../runtime/api/operations/agent.ts';
import { hookOperations } from '../runtime/api/operations/hook.ts';
import { hostOperations } from '../runtime/api/operations/host.ts';
import { intakeOperations } from '../runtime/api/operations/intake.ts';
import { issueOperations } from '../runtime/api/operations/issue.ts';
import { landingOperations } from '../runtime/api/operations/landing.ts';
import { machineOperations } from '../runtime/api/operations/machine.ts';
import { noteOperations } from '../runtime/api/operations/note.ts';
import { notifyOperations } from '../runtime/api/operations/notify.ts';
import type { Operations } from '../runtime/api/operations/operation.ts';
import { planOperations } from '../runtime/api/operations/plan.ts';
import { queueOperations } from '../runtime/api/operations/queue.ts';
import { repoOperations } from '../runtime/api/operations/repo.ts';
import { signalOperations } from '../runtime/api/operations/signal.ts';
import type { Verb } from './command.ts';
import { type Views, verbOf as verbOfOperation } from './operation-verb.ts';
import { listUsage, nounUsage, verbUsage } from './usage.ts';

export interface Entry {
  readonly name: string;
  readonly summary: string;
  /** The verbs that share this verb's help page, itself included. The first one represents them in lists. */
  readonly page: readonly string[];
  /** The verb works and has a page, but lists omit it. */
  readonly isHidden: boolean;
  /** Every failure ends with exit code 1 or 2, because programs start work with it. 130: it was interrupted. */
  readonly hasStartCodes?: boolean;
  /** The name of the verb here, for a name from kasmos or kugetsu. */
  readonly now?: string;
  /** For such a name: changes the typed arguments into those of the verb. */
  words?(rest: readonly string[]): readonly string[];
  load(): Promise<Verb>;
}

/** The verbs of a noun. */
export type Nouns = Readonly<Record<string, readonly Entry[]>>;

type Loader = () => Promise<{ default: Verb }>;
type Loaders<Name extends string> = () => Promise<{ default: Readonly<Record<Name, Verb>> }>;

function entry(name: string, summary: string, load: Loader): Entry {
  return { name, summary, page: [name], isHidden: false, load: async () => (await load()).default };
}

/** The verbs of one file, in the order in which they are listed. `pause, resume` names two verbs that share one page. */
function verbsOf<Name extends string>(
  load: Loaders<Name>,
  summaries: Readonly<Partial<Record<NoInfer<Name> | `${NoInfer<Name>}, ${string}`, string>>>,
): Entry[] {
  return Object.entries<string | undefined>(summaries).flatMap(([names, summary = '']) => {
    const page = names.split(', ');
    return page.map((name) => ({
      name,
      summary,
      page,
      isHidden: false,
      load: async () => (await load()).default[name as Name], // a key of the summaries, and each page is read by a test
    }));
  });
}

/** The verbs of a noun's operations, in their order. A verb that shares the page of another one follows it. */
function verbsOfOperations(operations: Operations, loadViews: () => Promise<{ default: Views }>): Entry[] {
  const all = Object.entries(operations).flatMap(([name, operation]) =>
    operation.verb === undefined ? [] : [{ name, operation, verb: operation.verb }],
  );
  const load = (one: (typeof all)[number]) => async () => verbOfOperation(one, operations, loadViews);
  return all.flatMap((one) => {
    const { listed } = one.verb;
    if (typeof listed !== 'string') return [];
    const others = all.filter(({ verb }) => typeof verb.listed !== 'string' && verb.listed.with === one.verb.name);
    const page = [one, ...others].map(({ verb }) => verb.name);
    return [one, ...others].map((each) => ({
      ...{ name: each.verb.name, summary: listed, page, isHidden: false, load: load(each) },
    }));
  });
}

/** Entries of any files that share one page. */
function onePage(summary: string, ...entries: readonly Entry[]): Entry[] {
  const page = entries.map(({ name }) => name);
  return entries.map((one) => ({ ...one, summary, page }));
}

/** Returns the function that finds these entries by their names. */
function pickedFrom(entries: readonly Entry[]) {
  return (...names: readonly string[]) => names.flatMap((name) => entries.filter((one) => one.name === name));
}

function hidden(entries: readonly Entry[]): Entry[] {
  return entries.map((one) => ({ ...one, isHidden: true }));
}

const planDocument = () => import('./plan/document.ts');
const planSignals = () => import('./plan/signals.ts');
const planLanding = () => import('./plan/landing.ts');
const advance = () => import('./plan/advance.ts');
const instance = () => import('./instance.ts');
const daemon = () => import('./daemon.ts');
const repo = () => import('./repo.ts');
const issueVerbs = () => import('./issue.ts');
const oneOf =
  <Name extends string>(load: Loaders<Name>, name: Name): Loader =>
  async () => ({
    default: (await load()).default[name],
  });

/** Another name of a verb, for example the name in kasmos or kugetsu. */
interface OtherName {
  /** The verb's name here. */
  readonly now: string;
  /** Default: the loader of that verb. */
  readonly load?: Loader;
  /** Changes the typed arguments into those of the verb; default: they stay as they are. */
  words?(rest: readonly string[]): readonly string[];
}

/** Puts a flag before the arguments. */
const flagged = (flag: string) => ({ words: (rest: readonly string[]) => [flag, ...rest] });

/** Names that always work and that lists omit: the commands of kasmos and kugetsu, and former verbs for steps and trust. */
const otherNames: Readonly<Record<string, OtherName>> = {
  start: { now: 'issue start' },
  continue: { now: 'issue continue' },
  list: { now: 'issue list' },
  prune: { now: 'issue prune' },
  destroy: { now: 'issue destroy' },
  context: { now: 'issue context' },
  'set-pr': { now: 'issue set-pr' },
  delegate: { now: 'issue start "<message>" --queue', load: oneOf(issueVerbs, 'delegate') },
  logs: { now: 'daemon logs, or agent logs <title>', load: () => import('./logs.ts') },
  'queue enqueue': {
    now: 'issue start <issue> "<message>" --queue',
    load: oneOf(issueVerbs, 'enqueue'),
  },
  'queue dequeue': { now: 'issue destroy <issue>' },
  'queue-daemon start': { now: 'daemon start' },
  'queue-daemon stop': { now: 'daemon stop' },
  'queue-daemon restart': { now: 'daemon restart' },
  'queue-daemon status': { now: 'daemon status' },
  'queue-daemon logs': { now: 'daemon logs' },
  'daemon add': { now: 'repo add <path>', load: oneOf(daemon, 'add') },
  'daemon remove': { now: 'repo remove <project|path>', load: oneOf(daemon, 'remove') },
  'plan create': { now: 'plan register --draft <name>', ...flagged('--draft') },
  'plan implement': { now: 'plan advance <plan> [--wave N]', load: oneOf(advance, 'implement') },
  'plan start-over': { now: 'plan advance <plan> start-over', load: oneOf(advance, 'start-over') },
  'plan reopen': { now: 'plan advance <plan> reopen', load: oneOf(advance, 'reopen') },
  'plan retry-wave': { now: 'plan advance <plan> retry-wave', load: oneOf(advance, 'retry-wave') },
  'plan advance-wave': { now: 'plan advance <plan> advance-wave', load: oneOf(advance, 'advance-wave') },
  'plan transition': { now: 'plan advance <plan> <signal>' },
  'plan resolve': { now: 'plan answer <plan> ["<answer>"]', load: oneOf(planSignals, 'resolve') },
  'plan set-status': {
    now: 'plan advance <plan> --to <status> --force',
    load: oneOf(planSignals, 'set-status'),
  },
  'instance list': { now: 'agent list' },
  'instance show': { now: 'agent show' },
  'instance logs': { now: 'agent logs' },
  'instance attach': { now: 'agent attach' },
  'instance send': { now: 'agent send' },
  'instance allow': { now: 'agent allow' },
  'instance deny': { now: 'agent deny' },
  'instance pause': { now: 'agent pause' },
  'instance resume': { now: 'agent resume' },
  'instance restart': { now: 'agent restart' },
  'instance kill': { now: 'agent kill' },
  'instance capture': { now: 'agent logs <title> --tail', ...flagged('--tail') },
  'agent capture': { now: 'agent logs <title> --tail', ...flagged('--tail') },
  'trust list': { now: 'repo trust --list', ...flagged('--list') },
  'trust show': { now: 'repo trust [project|path] --show', ...flagged('--show') },
  'trust revoke': { now: 'repo trust [project|path] --revoke', ...flagged('--revoke') },
};

/** The other names below a noun, or without a noun (''). The verb itself is looked up at its use, since it may be in a table below. */
function othersOf(noun: string): Entry[] {
  return Object.entries(otherNames).flatMap(([full, { now, load, ...words }]) => {
    const name = full.split(' ').at(-1) ?? '';
    if (full !== (noun === '' ? name : `${noun} ${name}`)) return [];
    const own = async () => (load === undefined ? verbOf(now).load() : (await load()).default);
    const one = { name, summary: '', page: [name], isHidden: true, now, load: own, ...words };
    return [verbHasStartCodes.has(now) ? { ...one, hasStartCodes: true } : one];
  });
}

const verbHasStartCodes: ReadonlySet<string> = new Set(['issue start', 'issue continue']);

/** The verb with which the typed line begins. */
function verbOf(line: string): Entry {
  const [noun = '', name = ''] = todayOf({ now: line }).split(' ');
  const found = nouns[noun]?.find((one) => one.name === name);
  if (found === undefined) throw new Error(`stator ${line} is no verb`);
  return found;
}

const machine = () => import('./machine.ts');
const ofMachine = pickedFrom(verbsOfOperations(machineOperations, () => import('./views/machine.ts')));
const ofPlan = pickedFrom(verbsOfOperations(planOperations, () => import('./views/plan.ts')));
const ofAgent = pickedFrom(verbsOfOperations(agentOperations, () => import('./views/agent.ts')));
const ofIssue = pickedFrom(verbsOfOperations(issueOperations, () => import('./views/issue.ts')));
const ofRepo = pickedFrom(verbsOfOperations(repoOperations, () => import('./views/repo.ts')));

const issue: readonly Entry[] = [
  ...verbsOf(issueVerbs, {
    start: 'start a session for an issue',
    continue: 'continue a session, or answer its agent',
  }).map((one) => ({ ...one, hasStartCodes: true })),
  ...ofIssue('list', 'context', 'comment', 'set-pr'),
  ...verbsOf(issueVerbs, {
    destroy: 'delete a session',
    prune: 'delete ended sessions',
  }),
];

const daemonVerbs: readonly Entry[] = [
  entry('start', 'start the daemon', () => import('./daemon/start.ts')),
  ...verbsOf(daemon, {
    'stop, restart': 'stop or restart it; agents keep running',
    status: 'show whether it runs, and its repos',
  }),
  entry('logs', 'print its log', () => import('./daemon/logs.ts')),
  ...verbsOf(daemon, { reload: 'read the configuration again' }),
  ...verbsOf(() => import('./daemon/install.ts'), {
    'install, uninstall': 'make it a service of your user; remove that',
  }),
  ...othersOf('daemon'),
];

export const verbs: readonly Entry[] = [
  entry('init', 'set up this repo', () => import('./init.ts')),
  entry('run', 'run a plan to its end', () => import('./run.ts')),
  entry('demo', 'run an example', () => import('./demo.ts')),
  entry('status', 'what needs you now', () => import('./status.ts')),
  entry('monitor', 'live board in the terminal', () => import('./monitor.ts')),
  ...hidden([entry('report', 'what was done since a time', () => import('./report.ts'))]),
  entry('inspect', 'web page in your browser', () => import('./inspect.ts')),
  entry('gc', 'clean up after old plans', () => import('./gc.ts')),
  entry('doctor', 'check this machine', () => import('./doctor.ts')),
  ...hidden([
    entry('completion', 'shell completion', async () => ({
      default: (await import('./completion.ts')).completionVerb({ verbs, nouns }),
    })),
    entry('mcp', 'tools for agents (MCP)', () => import('./mcp/serve.ts')),
    entry('acp', 'an agent for editors (ACP)', () => import('./acp/serve.ts')),
    entry('uninstall', 'remove all of stator', () => import('./uninstall.ts')),
  ]),
  ...othersOf(''),
];

const agent: readonly Entry[] = [
  ...onePage('list the agents; show one', ...ofAgent('list'), ...verbsOf(instance, { show: '' })),
  entry('logs', 'print the log of an agent', () => import('./instance/logs.ts')),
  entry('attach', 'follow it live, and type to it', () => import('./instance/attach.ts')),
  ...verbsOf(instance, { send: 'send a message for its next turn' }),
  ...verbsOf(() => import('./instance/answer.ts'), { 'allow, deny': 'answer what it asks permission for' }),
  ...ofAgent('pause', 'resume', 'restart', 'kill', 'messages'),
  ...othersOf('agent'),
];

export const nouns: Nouns = {
  plan: [
    ...ofPlan('list', 'show', 'prompt'),
    entry('check', 'check a document', () => import('./plan/check.ts')),
    ...verbsOf(planDocument, { register: 'register a file' }),
    ...hidden(verbsOf(planDocument, { import: 'register all that are in folders' })),
    ...verbsOf(planDocument, { 'update-content, export': 'replace or print the document' }),
    ...verbsOf(planSignals, { start: 'start planning' }),
    ...verbsOf(advance, { advance: 'take the next step, or the one that you name' }),
    ...onePage(
      'answer or unblock it; choose a draft',
      entry('answer', '', () => import('./plan/answer.ts')),
      entry('choose', '', () => import('./plan/choose.ts')),
    ),
    ...verbsOf(planSignals, { 'pause, resume': 'stop its agents; continue it' }),
    entry('raise-budget', 'raise its budget', () => import('./plan/raise-budget.ts')),
    ...verbsOf(planSignals, { cancel: 'cancel a plan' }),
    entry('delete', 'delete a plan', () => import('./plan/delete.ts')),
    ...verbsOf(planLanding, { merge: 'merge it when done' }),
    ...onePage('push it; open a pull request', ...ofPlan('push'), ...verbsOf(planLanding, { pr: '' })),
    ...hidden(verbsOf(planLanding, { land: 'put it in the line of its target branch' })),
    ...ofPlan('diff', 'explain', 'history', 'replay', 'verify'),
    entry('simulate', 'try a document without agents', () => import('./plan/simulate.ts')),
    ...hidden([entry('move', 'move it to another host, with its repo', () => import('./plan/move.ts'))]),
    ...othersOf('plan'),
  ],
  agent,
  issue,
  queue: [...verbsOfOperations(queueOperations, () => import('./views/queue.ts')), ...othersOf('queue')],
  landing: hidden(verbsOfOperations(landingOperations, () => import('./views/landing.ts'))),
  repo: [
    ...ofRepo('list', 'show'),
    ...onePage('register or unregister a repo', ...verbsOf(repo, { add: '' }), ...ofRepo('remove')),
    ...verbsOf(repo, { trust: 'show what it may start, and allow that' }),
    ...ofRepo('pause', 'resume'),
    ...hidden(verbsOf(repo, { compose: 'make one of several', move: 'give it to another host of the store' })),
  ],
  hook: verbsOfOperations(hookOperations, () => import('./views/hook.ts')),
  store: verbsOf(() => import('./store.ts'), {
    'check, backup': 'look for damage, list the copies; copy it',
    restore: 'replace it by a copy',
    copy: 'copy all of it to PostgreSQL or back',
  }),
  daemon: daemonVerbs,
  host: hidden(verbsOfOperations(hostOperations, () => import('./views/host.ts'))),
  intake: hidden(verbsOfOperations(intakeOperations, () => import('./views/intake.ts'))),
  note: hidden([
    ...verbsOf(() => import('./note.ts'), { add: 'note something for the next agents' }),
    ...verbsOfOperations(noteOperations, () => import('./views/note.ts')),
  ]),
  notify: hidden(verbsOfOperations(notifyOperations, () => import('./views/notify.ts'))),
  machine: hidden([
    ...verbsOf(machine, { list: 'list the state machines', export: 'print one as a picture, Mermaid or JSON' }),
    ...ofMachine('schedules'),
    ...ofMachine('start', 'send'),
    ...onePage('show its state, what it waits for, its history', ...ofMachine('show', 'explain', 'history')),
    ...onePage('begin no more of its effects, or go on', ...ofMachine('pause', 'resume')),
    ...ofMachine('verify', 'delete'),
  ]),
  signal: hidden([
    ...onePage(
      'send a signal',
      entry('send', '', () => import('./signal/emit.ts')),
      entry('emit', '', () => import('./signal/emit.ts')),
    ),
    ...verbsOfOperations(signalOperations, () => import('./views/signal.ts')),
  ]),
  server: hidden(
    verbsOf(() => import('./server.ts'), {
      'list, get': 'list the known forges; show one',
      'add, remove': 'add or remove a forge',
      default: 'show or set the default forge',
    }),
  ),
  token: hidden(
    verbsOf(() => import('./token.ts'), {
      'show, rotate': 'print your token for the control API over TCP; renew it',
      'add, list, remove': 'tokens for other people, each with a role',
    }),
  ),
  import: hidden([
    entry('kasmos', 'bring its repos, plans and profiles', () => import('./import/kasmos.ts')),
    entry('kugetsu', 'bring its sessions, queue and servers', () => import('./import/kugetsu.ts')),
  ]),
  mcp: hidden([
    entry('permissions', "pass an agent's permission question to a person", () => import('./mcp/permissions.ts')),
  ]),
  instance: othersOf('instance'),
  trust: othersOf('trust'),
  'queue-daemon': othersOf('queue-daemon'),
};

/** The lines of a list for a noun, or for the verbs without a noun: one for each page. */
export function listed(entries: readonly Entry[]): Entry[] {
  return entries.filter(({ name, page, now }) => page[0] === name && now === undefined);
}

/** The most common verbs of a noun; all of its verbs if the noun itself is hidden. */
function everyDay(entries: readonly Entry[]): Entry[] {
  return listed(entries).filter(({ isHidden }) => !isHidden || isHiddenNoun(entries));
}

/** Whether all verbs of the noun are other names. */
export function isOtherNoun(entries: readonly Entry[]): boolean {
  return entries.every(({ now }) => now !== undefined);
}

function isHiddenNoun(entries: readonly Entry[]): boolean {
  return entries.every(({ isHidden }) => isHidden);
}

/** The verb with this other name: `repo add`. */
export function todayOf({ now = '' }: Pick<Entry, 'now'>): string {
  return (now.match(/[a-z-]+/g) ?? []).slice(0, 2).join(' ');
}

/** The help page of a verb, which may describe related verbs too. Another name shows the page of its verb. */
export async function pageOf(noun: string | null, entry: Entry): Promise<string> {
  const named = (name: string) => (noun === null ? name : `${noun} ${name}`);
  if (entry.now !== undefined) {
    const [word = '', verb] = todayOf(entry).split(' ');
    const today = nouns[word]?.find(({ name }) => name === verb);
    const note = `stator ${named(entry.name)} is: stator ${entry.now}`;
    return today === undefined ? note : `${note}\n\n${await pageOf(word, today)}`;
  }
  const entries = noun === null ? verbs : (nouns[noun] ?? []);
  const shown = entry.page.flatMap((name) => entries.filter((one) => one.name === name));
  return verbUsage(
    await Promise.all(shown.map(async ({ name, load }) => ({ name: named(name), ...(await load()).definition }))),
  );
}

/** The help page of a noun. Another name of a noun shows the page of that noun, unless its verbs are flags there. */
export function nounPage(noun: string, entries: readonly Entry[]): string {
  const [today = ''] = entries[0]?.now?.split(' ') ?? [];
  if (isOtherNoun(entries)) {
    if (entries.some((one) => todayOf(one) === `${today} ${one.name}`)) return nounPage(today, nouns[today] ?? []);
    const rows = entries.map(({ name, now = '' }): [string, string] => [name, `stator ${now}`]);
    return nounUsage(noun, rows, `stator ${todayOf(entries[0] ?? {})} --help`);
  }
  const rows = everyDay(entries).map(({ page, summary }): [string, string] => [page.join(', '), summary]);
  return nounUsage(noun, rows, `stator ${noun} ${entries[0]?.name} --help`);
}

/** The other names of verbs, and the verbs that they name. */
export function otherNameRows(): [name: string, now: string][] {
  return Object.entries(otherNames).map(([name, { now }]) => [name, now]);
}

/** The other names in few lines: a noun whose verbs are those of another noun takes one line. */
function otherNameLines(): [string, string][] {
  const rows = new Map<string, string[]>();
  for (const [name, { now }] of Object.entries(otherNames)) {
    const words = name.split(' ');
    const [noun = '', verb] = todayOf({ now }).split(' ');
    const isSame = verb === words.at(-1) && words.length <= 2;
    const meaning = isSame ? `${noun} …` : now;
    const [first = ''] = words;
    const shown = isSame && words.length === 2 && isOtherNoun(nouns[first] ?? []) ? `${first} …` : name;
    rows.set(meaning, [...(rows.get(meaning) ?? []).filter((each) => each !== shown), shown]);
  }
  return [...rows].map(([now, names]) => [names.join(', '), now]);
}

/** The most common commands; `--all`: every command. */
export function topUsage(version: string, { all = false }: { all?: boolean } = {}): string {
  const words = listed(verbs).filter(({ isHidden }) => all || !isHidden);
  const groups = Object.entries(nouns).filter(
    ([noun, entries]) =>
      !isOtherNoun(entries) && (all || !isHiddenNoun(entries)) && !words.some(({ name }) => name === noun),
  );
  const rows = [
    ...words.map(({ name, summary }): [string, string] => [name, summary]),
    ...groups.map(([noun, entries]): [string, string] => [
      noun,
      everyDay(entries)
        .flatMap(({ page }) => page)
        .join(', '),
    ]),
  ];
  return listUsage(version, rows, all ? otherNameLines() : []);
}
