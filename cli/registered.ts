/** Registers the repo of a plan. A person first sees what the repo enables, or how that has changed, and trusts exactly that. */
import { EngineError } from '../machines/vocabulary/errors.ts';
import { shellWord } from '../machines/vocabulary/shell-word.ts';
import type { AddRepoRequest, Client, RepoAdded, RepoRemoved, TrustLooked } from '../runtime/api/client/client.ts';
import type { Call } from './command.ts';
import { formerRepoText } from './former-repo.ts';
import { isInRun, requireProject, requireRepository } from './place.ts';
import { canAsk, confirm } from './sure.ts';
import { plain } from './text.ts';
import type { TrustFlag } from './trust/flag.ts';

export interface Registering {
  /** A path inside of the repo. */
  readonly path: string;
  readonly trust: TrustFlag;
  readonly way: NonNullable<AddRepoRequest['way']>;
  /** Refuses a repo that is already registered, instead of updating it. */
  readonly mustBeNew?: boolean;
  /** A call that cannot ask a person continues with the trusted version. false: it refuses if that has changed. Default: true. */
  readonly keepsTrust?: boolean;
}

/**
 * Registers the repo if necessary. On a terminal it asks a person if nobody has trusted what the repo enables now, and in any case before the first
 * plan of the repo. If the person does not trust a change, a known repo continues with the trusted version. Throws `untrusted` for a new repo, or one
 * whose trust was revoked, and the errors of registering.
 */
export async function addRepo(call: Call, client: Client, registering: Registering): Promise<RepoAdded> {
  const { path, trust, way, mustBeNew = false, keepsTrust = true } = registering;
  const former = isInRun(call) ? null : await formerRepoText({ ...call, cwd: path }, client);
  if (former !== null) call.out.warn(former);
  const add = (yes: TrustFlag) => client.addRepo(path, { trust: yes, way, mustBeNew });
  // This comes before the question, since a question before a certain refusal is useless.
  const look = trust !== true && keepsTrust && !canAsk(call) ? null : await client.lookAtTrust({ path, way });
  if (look?.state === 'changed' && trust === false && !keepsTrust && !canAsk(call)) throw changedSince(look);
  if (trust === true && look !== null) {
    const added = await add(look.digest);
    if (look.state !== 'trusted') printTrusted(call, look);
    return added;
  }
  if (trust === false && look !== null && canAsk(call) && isAskedAbout(look, way)) {
    if (await confirmed(call, look)) return add(look.digest);
    if (look.state !== 'changed') throw declined(look);
    call.out.note('not trusted: what was trusted before stays in force; --trust says yes');
    return add(false);
  }
  const added = await add(trust);
  if (added.untrusted.length > 0) printChanged(call, added);
  else if (added.trusted_now !== null && isOfPlan(way)) call.out.note(`trusted ${added.project}: ${added.trusted_now}`);
  return added;
}

/** Describes the registered repo, and what its configuration may start. */
export function printAdded({ out }: Call, added: RepoAdded): void {
  const { status, project, path, enables, digest, notes } = added;
  const allowed = enables.length === 0 ? [] : [...enables.map(plain), `digest ${digest}`].map((line) => `  ${line}`);
  const done = status === 'added' ? `added ${project} (${path})` : `${project} is registered already (${path})`;
  out.done(added, done, ...allowed);
  for (const note of notes) out.note(note);
}

export function printRemoved({ out }: Pick<Call, 'out'>, removed: RepoRemoved): void {
  out.done(removed, `removed ${removed.project} (${removed.path})`);
  for (const note of removed.notes) out.note(note);
}

/** A person who runs a plan in a folder is asked once, whatever the repo enables. A person who types `repo add` has named the folder on purpose. */
function isAskedAbout({ state, may_act: mayAct }: TrustLooked, way: Registering['way']): boolean {
  if (state === 'new') return !mayAct || isOfPlan(way);
  return state !== 'trusted';
}

function isOfPlan(way: Registering['way']): boolean {
  return way === 'run' || way === 'plan register';
}

const checks =
  "checks: the **Check:** commands of the repo's plans; like setup they run the branch's files, which may be what an agent wrote";

async function confirmed(call: Call, look: TrustLooked): Promise<boolean> {
  const { project, path, state, enables, agents, changes, digest } = look;
  const isChanged = state === 'changed';
  const first = {
    new: `${project} (${path}) is not trusted yet; its files start, or turn off:`,
    revoked: `the trust in ${project} was revoked; its files start, or turn off:`,
    changed: `${project} has changed since it was trusted:`,
    trusted: '',
  }[state];
  const shown = isChanged ? changes : [...enables, ...agents, checks];
  call.out.warn([first, ...shown.map((line) => `  ${plainKept(line)}`), `  digest ${digest}`].join('\n'));
  return confirm(call, isChanged ? 'take it as it is now?' : 'let it act?');
}

function declined({ project }: TrustLooked): EngineError {
  return new EngineError(
    'untrusted',
    `${project} is not trusted: nothing was started`,
    'the same command asks again; --trust says yes',
  );
}

/** No person can agree, and continuing with the trusted version would ignore the changed files. */
function changedSince({ project, changes, digest }: TrustLooked): EngineError {
  return new EngineError(
    'config_untrusted',
    [`${project} has changed since it was trusted:`, ...changes.map((line) => `  ${plainKept(line)}`)].join('\n'),
    `say yes to that with --trust=${digest}, or: stator repo trust ${shellWord(project)}; go on with what was trusted before: --trust=before`,
  );
}

/** Reports what was trusted without a question. */
function printTrusted(
  { out }: Call,
  { project, trusted_digest: before, changes, enables, agents, digest }: TrustLooked,
): void {
  const lines = before === null ? [...enables, ...agents] : changes;
  const shown = [...(lines.length > 0 ? lines : ['what it was before']), `digest ${digest}`];
  out.note([`trusted ${project}:`, ...shown.map((line) => `  ${plainKept(line)}`)].join('\n'));
}

function printChanged({ out }: Call, { project, changes, untrusted }: RepoAdded): void {
  const lines = changes.length > 0 ? changes : untrusted;
  const shown = lines.map((line) => `  ${plainKept(line)}`);
  out.note([`${project} has changed since it was trusted:`, ...shown].join('\n'));
  out.note(
    `not trusted: what was trusted before stays in force; say yes with: stator repo trust ${shellWord(project)}, or --trust`,
  );
}

/** A line without control characters; its indentation stays. */
export function plainKept(line: string): string {
  const indent = /^ */.exec(line)?.[0] ?? '';
  return `${indent}${plain(line)}`;
}

/** The repo for `plan register` and similar verbs: the named one, or that of this folder, which is registered first. Returns its name. */
export async function projectForPlans(call: Call, client: Client, trust: TrustFlag): Promise<string> {
  if (call.project !== undefined) return requireProject(call);
  return ensureRegistered(call, client, { path: requireRepository(call), trust, way: 'plan register' });
}

/** Registers the main repository at `path` if necessary, and returns the project's name. */
export async function ensureRegistered(call: Call, client: Client, registering: Registering): Promise<string> {
  const { project, path, status, notes } = await addRepo(call, client, registering);
  const where = call.out.verbose ? ` (${path})` : '';
  if (status === 'added') for (const line of [`registered ${project}${where}`, ...notes]) call.out.note(line);
  return project;
}
