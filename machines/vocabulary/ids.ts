/** Names and addresses: plans, trees, actors inside a tree, runs, effects, and the titles by which people know an agent. */

export type PlanTree = `plan:${string}/${string}`;
export type RepoTree = `repo:${string}`;
/** The line of a target branch. The slashes of its name are colons, which git allows in no name: no address is the beginning of another one. */
export type LandingTree = `landing:${string}/${string}`;
/** `<machine>:<id>`: a tree of a user-defined machine. */
export type MachineTree = `${string}:${string}`;
export type TreeAddress = 'supervisor' | RepoTree | PlanTree | LandingTree | MachineTree;

export const supervisorTree = 'supervisor' satisfies TreeAddress;

export function repoTree(project: string): RepoTree {
  return `repo:${project}`;
}

export function planTree(project: string, plan: string): PlanTree {
  return `plan:${project}/${plan}`;
}

export function landingTree(project: string, branch: string): LandingTree {
  return `landing:${project}/${branch.replaceAll('/', ':')}`;
}

export function machineTree(machine: string, id: string): MachineTree {
  return `${machine}:${id}`;
}

/** `kind`: the name of a user-defined machine, for `machine`. */
export type ParsedTree =
  | { kind: 'supervisor' }
  | { kind: 'repo'; project: string }
  | { kind: 'plan'; project: string; plan: string }
  | { kind: 'landing'; project: string; branch: string }
  | { kind: 'machine'; machine: string; id: string };

/** The names that a user-defined machine may have. */
const machineNamePattern = /^[a-z][a-z0-9-]{0,63}$/;
/** The machines that are built in. */
const takenNames: ReadonlySet<string> = new Set(['supervisor', 'repo', 'plan', 'landing', 'wave', 'task', 'agent']);
/** The ids that a tree of such a machine may have: they are part of addresses, keys and routes. */
const treeIdPattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;

export function isMachineName(name: string): boolean {
  return machineNamePattern.test(name) && !takenNames.has(name);
}

export function isTreeId(id: string): boolean {
  return treeIdPattern.test(id);
}

/** The parts of a tree's address; a project's name is a path component and so has no slash. Throws on an address that no function above wrote. */
export function parseTree(address: string): ParsedTree {
  if (address === supervisorTree) return { kind: 'supervisor' };
  if (address.startsWith('repo:')) return { kind: 'repo', project: address.slice(5) };
  const slash = address.indexOf('/');
  if (address.startsWith('plan:') && slash > 5) {
    return { kind: 'plan', project: address.slice(5, slash), plan: address.slice(slash + 1) };
  }
  if (address.startsWith('landing:') && slash > 8) {
    return { kind: 'landing', project: address.slice(8, slash), branch: address.slice(slash + 1).replaceAll(':', '/') };
  }
  const colon = address.indexOf(':');
  const [machine, id] = [address.slice(0, Math.max(0, colon)), address.slice(colon + 1)];
  if (isMachineName(machine) && isTreeId(id)) return { kind: 'machine', machine, id };
  throw new Error(`no tree has the address "${address}"`);
}

/** The project and the plan that rows of a tree are listed by; `''` where it belongs to none. */
export function placeOf(tree: TreeAddress): { project: string; plan: string } {
  const parsed = parseTree(tree);
  return { project: 'project' in parsed ? parsed.project : '', plan: 'plan' in parsed ? parsed.plan : '' };
}

/** `[a-z0-9][a-z0-9._-]{0,127}`: what a plan may be called. */
const planNamePattern = /^[a-z0-9][a-z0-9._-]{0,127}$/;

/** Also refuses what git forbids in a ref's last component and the pattern alone would allow. */
export function isPlanName(name: string): boolean {
  return planNamePattern.test(name) && !name.includes('..') && !name.endsWith('.') && !name.endsWith('.lock');
}

/** Letters that become two letters in the range a to z, or that Unicode does not decompose. */
const spelledOut: Readonly<Record<string, string>> = {
  ä: 'ae',
  ö: 'oe',
  ü: 'ue',
  ß: 'ss',
  æ: 'ae',
  œ: 'oe',
  ø: 'oe',
  þ: 'th',
  ð: 'd',
  đ: 'd',
  ł: 'l',
};

/** In lower case, with as many letters as possible in the range a to z: `Plän-Ü` is `plaen-ue`, `café` is `cafe`. */
function latinOf(text: string): string {
  const lower = text.normalize('NFC').toLowerCase();
  return lower
    .replace(/[äöüßæœøþðđł]/g, (letter) => spelledOut[letter] ?? letter)
    .normalize('NFKD')
    .replace(/\p{M}+/gu, '');
}

/**
 * The plan's name for a document's file name or a title: the last path component without `.md` or `.markdown`, in lower case and without accents, each
 * run of other characters as one dash, at most 128 characters. null where nothing usable is left. The table of letters is our own, not a library's: a document's
 * `**After:**` is read with it, and a replay must give the same name in every version.
 */
export function planNameOf(fileOrTitle: string): string | null {
  const base = fileOrTitle.slice(fileOrTitle.lastIndexOf('/') + 1).replace(/\.(md|markdown)$/i, '');
  const slug = latinOf(base)
    .replace(/[^a-z0-9._-]+/g, '-')
    .replace(/\.{2,}/g, '.')
    .replace(/^[^a-z0-9]+/, '')
    .slice(0, 128)
    .replace(/(\.lock|[-.])+$/, '');
  return isPlanName(slug) ? slug : null;
}

/** The path of a child inside its tree; the root's own path is the empty string. */
export function childPath(parent: string, child: string): string {
  return parent === '' ? child : `${parent}/${child}`;
}

/** The id of a run or a timer: the path of the actor that asked for it and that actor's counter. */
export function requestId(path: string, count: number | string): string {
  return `${path}#${count}`;
}

/** The id that a machine gave to its request. Without one the machine has a fault: throws a plain Error, and the step is thrown away. */
export function idOf(id: string | null): string {
  if (id === null) throw new Error('a machine asked for something before it gave it an id');
  return id;
}

/** The path of the actor that requested it. */
export function pathOfRequest(id: string): string {
  return id.slice(0, id.lastIndexOf('#'));
}

/** The child of the actor at `path` that asked for it, or below which it was asked for. */
export function childOfRequest(path: string, id: string): string {
  const asker = pathOfRequest(id);
  const [child = ''] = (path === '' ? asker : asker.slice(path.length + 1)).split('/');
  return child;
}

/** The unique key of an effect in the outbox: `<tree>/<its name>`. */
export function effectKey(tree: TreeAddress, id: string): string {
  return `${tree}/${id}`;
}

/** The dedupe key of an effect's one result. */
export function resultKey(key: string): string {
  return `${key}:done`;
}

/** Longest run name: it is a folder's name and a ref's last component. */
const runNameLimit = 190;

/**
 * A run's id as a folder name and ref component: one name for each run, at most 200 characters of `A-Z a-z 0-9 . _ # -`. Actor paths and plan names have only
 * these. A project's name may have others or be long; then a hash identifies it.
 */
export function runName(project: string, plan: string, run: string): string {
  const full = [plan, ...run.split('/'), project].join('#');
  const plain = full.replace(/[^A-Za-z0-9._#-]/g, '-').replace(/\.(?=[^#]*$)/g, '-');
  return plain === full && full.length <= runNameLimit ? full : `${plain.slice(0, runNameLimit - 9)}-${hashOf(full)}`;
}

/** FNV-1a, 32 bits, as eight hex digits: tells texts apart, and does not protect against forgery. */
export function hashOf(text: string): string {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash.toString(16).padStart(8, '0');
}

/** The name in the origin `person:<name>`; null: another origin. */
export function personName(origin: string): string | null {
  return /^person:(.*)$/s.exec(origin)?.[1] ?? null;
}

export interface TitleParts {
  plan: string;
  role: Role;
  wave: number | null;
  task: number | null;
  /** Counts the rounds of a role that comes again: reviews, fixes, verifications. */
  round: number;
}

/** How a task is called within its plan: `w1-t2`. */
export function taskName(wave: number, task: number): string {
  return `w${wave}-t${task}`;
}

/** Where a task is in its plan. Both count from 1. */
export interface TaskPlace {
  readonly wave: number;
  readonly task: number;
}

/** The task that is called so; null: no task is. */
export function taskNamed(word: string): TaskPlace | null {
  return /^w\d+-t\d+$/.test(word) ? taskIn(`-${word}`) : null;
}

const taskSuffix = /-w(\d+)-t(\d+)$/;

/** The task that a title or a branch ends with; null: it has none. */
export function taskIn(titleOrBranch: string): TaskPlace | null {
  const found = taskSuffix.exec(titleOrBranch);
  return found === null ? null : { wave: Number(found[1]), task: Number(found[2]) };
}

/** The task of the agent with that title in that plan; null: it works on no single task. */
export function taskOfTitle(plan: string, title: string): TaskPlace | null {
  return title.startsWith(`${plan}-`) ? taskNamed(title.slice(plan.length + 1)) : null;
}

/** A title or a branch without the task that it ends with: the part of its plan. */
export function withoutTask(titleOrBranch: string): string {
  return titleOrBranch.replace(taskSuffix, '');
}

/** How people address an agent, over all its attempts. */
export function instanceTitle({ plan, role, wave, task, round }: TitleParts): string {
  switch (role) {
    case 'planner':
      return `${plan}-plan`;
    case 'architect':
      return `${plan}-architect`;
    case 'coder':
      return wave === null || task === null ? `${plan}-coder` : `${plan}-${taskName(wave, task)}`;
    case 'session':
      return `${plan}-session`;
    case 'reviewer':
      return `${plan}-review-${round}`;
    case 'fixer':
      return `${plan}-fix-${round}`;
    case 'verifier':
      return `${plan}-verify-${round}`;
    default:
      return role satisfies never;
  }
}

/** Whether an agent of that plan may have this title. */
export function isTitleIn(plan: string, title: string): boolean {
  const word = title.startsWith(`${plan}-`) ? title.slice(plan.length + 1) : '';
  return taskNamed(word) !== null || /^(?:plan|architect|coder|session|(?:review|fix|verify)-\d+)$/.test(word);
}

export function planBranch(plan: string): string {
  return `plan/${plan}`;
}

/** A sibling of the plan's branch, never below it: git cannot hold `plan/x` and `plan/x/y` at once. */
export function taskBranch(planBranchName: string, wave: number, task: number): string {
  return `${planBranchName}-${taskName(wave, task)}`;
}

/** The child of a plan's root that writes the draft of that number, as one of several planners. */
export function draftChild(number: number, count: number): string {
  return `draft-${number}.${count}`;
}

/** The number of the draft that an actor below the plan's root writes, by its path or a run of it; null: it is not one of those. */
export function draftNumber(path: string): number | null {
  const [, digits] = /^draft-(\d+)\./.exec(path) ?? [];
  return digits === undefined ? null : Number(digits);
}

/** The branch where one of several planners works. It is never merged. */
export function draftBranch(planBranchName: string, number: number): string {
  return `${planBranchName}-draft-${number}`;
}

/** The folder of a branch's worktree below the repo's worktree folder. */
export function worktreeName(branch: string): string {
  return branch.replaceAll('/', '-');
}

/** The purpose of an agent. */
export const roles = ['planner', 'architect', 'coder', 'reviewer', 'fixer', 'verifier', 'session'] as const;
export type Role = (typeof roles)[number];

/** Workers change files and take worker slots; the others are coordinators: they report by signal; a judge also by exit code or by its last message. */
export function isWorker(role: Role): boolean {
  return role === 'coder' || role === 'fixer' || role === 'session';
}

/** Roles that look at the work of others and say whether it is good. */
export function isJudge(role: Role): role is 'reviewer' | 'verifier' {
  return role === 'reviewer' || role === 'verifier';
}
