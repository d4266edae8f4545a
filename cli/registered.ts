/** Registers the repo that a plan is for. Its permissions are shown first, and the changes among them; a yes is to what was shown. */
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
  /** Any path inside of the repo. */
  readonly path: string;
  readonly trust: TrustFlag;
  readonly way: NonNullable<AddRepoRequest['way']>;
  /** An already registered repo is refused, and not brought up to date. */
  readonly mustBeNew?: boolean;
  /** A call without a question goes on with what was trusted before: false refuses where it has changed since. Default true. */
  readonly keepsTrust?: boolean;
}

/**
 * Registers the repo if it is not registered. On a terminal it asks where no person has said yes to what the repo enables, and before the first plan of a repo runs
 * there in any case. A repo that is known goes on with what was trusted before, where no person says yes to a change. Throws `untrusted` for one that is
 * new, or whose trust was taken back, and what registering throws.
 */
export async function addRepo(call: Call, client: Client, registering: Registering): Promise<RepoAdded> {
  const { path, trust, way, mustBeNew = false, keepsTrust = true } = registering;
  const former = isInRun(call) ? null : await formerRepoText({ ...call, cwd: path }, client);
  if (former !== null) call.out.warn(former);
  const add = (yes: TrustFlag) => client.addRepo(path, { trust: yes, way, mustBeNew });
  // Before the question: a certain refusal needs no question.
  const look = trust !== true && keepsTrust && !canAsk(call) ? null : await client.lookAtTrust({ path, way });
  if (look?.state === 'changed' && trust === false && !keepsTrust && !canAsk(call)) throw changedSince(look);
  if (trust === true && look !== null) {
    const added = await add(look.digest);
    if (look.state !== 'trusted') tellTrusted(call, look);
    return added;
  }
  if (trust === false && look !== null && canAsk(call) && isAskedAbout(look, way)) {
    if (await confirmed(call, look)) return add(look.digest);
    if (look.state !== 'changed') throw declined(look);
    call.out.note('not trusted: what was trusted before stays in force; --trust says yes');
    return add(false);
  }
  const added = await add(trust);
  if (added.untrusted.length > 0) tellChanged(call, added);
  else if (added.trusted_now !== null && isOfPlan(way)) call.out.note(`trusted ${added.project}: ${added.trusted_now}`);
  return added;
}

/** What was registered, and what its configuration may start. */
export function tellAdded({ out }: Call, added: RepoAdded): void {
  const { status, project, path, enables, digest, notes } = added;
  const allowed = enables.length === 0 ? [] : [...enables.map(plain), `digest ${digest}`].map((line) => `  ${line}`);
  const done = status === 'added' ? `added ${project} (${path})` : `${project} is registered already (${path})`;
  out.done(added, done, ...allowed);
  for (const note of notes) out.note(note);
}

export function tellRemoved({ out }: Pick<Call, 'out'>, removed: RepoRemoved): void {
  out.done(removed, `removed ${removed.project} (${removed.path})`);
  for (const note of removed.notes) out.note(note);
}

/** A person who runs a plan in a folder is asked about it once, whatever it enables; a person who runs `repo add` has named the folder. */
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
    `${project} is not trusted: nothing of it was started`,
    'the same command asks again; --trust says yes',
  );
}

/** No person is present who could agree, and continuing with the trusted version would ignore the files. */
function changedSince({ project, changes, digest }: TrustLooked): EngineError {
  return new EngineError(
    'config_untrusted',
    [`${project} has changed since it was trusted:`, ...changes.map((line) => `  ${plainKept(line)}`)].join('\n'),
    `say yes to that with --trust=${digest}, or: stator repo trust ${shellWord(project)}; go on with what was trusted before: --trust=before`,
  );
}

/** After a yes without a question. */
function tellTrusted(
  { out }: Call,
  { project, trusted_digest: before, changes, enables, agents, digest }: TrustLooked,
): void {
  const lines = before === null ? [...enables, ...agents] : changes;
  const shown = [...(lines.length > 0 ? lines : ['what it was before']), `digest ${digest}`];
  out.note([`trusted ${project}:`, ...shown.map((line) => `  ${plainKept(line)}`)].join('\n'));
}

function tellChanged({ out }: Call, { project, changes, untrusted }: RepoAdded): void {
  const lines = changes.length > 0 ? changes : untrusted;
  const shown = lines.map((line) => `  ${plainKept(line)}`);
  out.note([`${project} has changed since it was trusted:`, ...shown].join('\n'));
  out.note(
    `not trusted: what was trusted before stays in force; say yes with: stator repo trust ${project}, or --trust`,
  );
}

/** On one line, with the blanks that it begins with. */
export function plainKept(line: string): string {
  const indent = /^ */.exec(line)?.[0] ?? '';
  return `${indent}${plain(line)}`;
}

/** Where `plan register` and its like register: the repo that was named, or that of this folder, which is registered first. Answers its name. */
export async function projectForPlans(call: Call, client: Client, trust: TrustFlag): Promise<string> {
  if (call.project !== undefined) return requireProject(call);
  return ensureRegistered(call, client, { path: requireRepository(call), trust, way: 'plan register' });
}

/** The same for a plan's main repository at `path`; answers the project's name. */
export async function ensureRegistered(call: Call, client: Client, registering: Registering): Promise<string> {
  const { project, path, status, notes } = await addRepo(call, client, registering);
  const where = call.out.verbose ? ` (${path})` : '';
  if (status === 'added') for (const line of [`registered ${project}${where}`, ...notes]) call.out.note(line);
  return project;
}
