/** The plan of a file: a plan is bound to the file that it was registered from. */
import { existsSync, realpathSync } from 'node:fs';
import { dirname, isAbsolute, join, relative, resolve } from 'node:path';
import { EngineError } from '../machines/vocabulary/errors.ts';
import { otherFile } from '../machines/vocabulary/plan-file.ts';
import type { Client, PlanEntry, PlanShow } from '../runtime/api/client/client.ts';
import { textDigest } from '../runtime/base/platform/text-digest.ts';
import type { Call } from './command.ts';
import { mainRepository } from './place.ts';
import type { ReadPlanFile } from './plan-file.ts';

/** A plan's file as it was read, and the path by which its plan knows it. */
export interface BoundFile extends Omit<ReadPlanFile, 'path' | 'reading'> {
  /** The path from the root of the repo's working tree, with `/`; absolute outside of it; null for a text that is not in a file. */
  readonly bound: string | null;
}

export interface FoundPlan {
  readonly plan: string;
  /** null: the plan is not registered yet. */
  readonly shown: PlanShow | null;
}

/**
 * Reads the file again as the family that a person chose earlier; null: no family was chosen, or one is given now. Throws the errors of reading it.
 */
export async function readAsBefore(
  call: Call,
  client: Client,
  project: string,
  { file, bound, name, isNamed, as: said }: Pick<BoundFile, 'file' | 'bound' | 'name' | 'isNamed' | 'as'>,
): Promise<ReadPlanFile | null> {
  if (bound === null || said !== undefined) return null;
  const plans = (await client.plans(project)).filter((plan) => plan.file !== null);
  const own = plans.filter((plan) => plan.file === bound);
  const before = own.find(({ plan }) => plan === name) ?? own[0] ?? (await movedPlan(client, project, { plans, name }));
  const as = before === undefined ? null : (await client.plan(project, before.plan)).file_as;
  if (as === null) return null;
  const { readPlanFile } = await import('./plan-file.ts');
  return readPlanFile(call.cwd, file, { name: isNamed ? name : undefined, as });
}

/** The plan of that name, if its file no longer exists. */
async function movedPlan(
  client: Client,
  project: string,
  { plans, name }: { plans: readonly PlanEntry[]; name: string },
): Promise<PlanEntry | undefined> {
  const found = plans.find(({ plan }) => plan === name);
  const isGone = found?.file != null && !existsSync(resolve((await client.repo({ project })).path, found.file));
  return isGone ? found : undefined;
}

/** `repo` is the main repository's folder. A file in a worktree counts as the same file in the main folder. */
export function bindingOf(
  call: Pick<Call, 'env'>,
  repo: string,
  { path, reading: _reading, ...read }: ReadPlanFile,
): BoundFile {
  return { ...read, bound: path === null ? null : boundPath(call, repo, path) };
}

/** The path under which a plan is bound to the file at the absolute `path`, whether or not the file exists. */
export function boundPath(call: Pick<Call, 'env'>, repo: string, path: string): string {
  const folder = nearestFolder(dirname(path));
  const real = existsSync(path) ? realpathSync(path) : join(realpathSync(folder), relative(folder, path));
  return pathIn(workingTree(call, repo, nearestFolder(dirname(real))) ?? repo, real);
}

function nearestFolder(folder: string): string {
  return existsSync(folder) ? folder : nearestFolder(dirname(folder));
}

/** The path of a plan's file, relative to `cwd` for a person. */
export function placeOf(call: Pick<Call, 'env' | 'cwd'>, repo: string, bound: string): string {
  return resolve(workingTree(call, repo, call.cwd) ?? repo, bound);
}

function pathIn(root: string, path: string): string {
  const inside = relative(root, path);
  return inside.startsWith('..') || isAbsolute(inside) ? path : inside;
}

/** The root of that repository's working tree which contains the folder; null: no working tree contains it. */
function workingTree({ env }: Pick<Call, 'env'>, repo: string, folder: string): string | null {
  for (let root = realpathSync(folder); ; root = dirname(root)) {
    if (existsSync(join(root, '.git'))) {
      const main = mainRepository({ cwd: root, env });
      return main !== null && realpathSync(main) === repo ? root : null;
    }
    if (dirname(root) === root) return null;
  }
}

/**
 * The plan that is bound to the file; otherwise the plan with the file's name, if it is not bound to another file, or the one whose file was renamed to it.
 * Throws `conflict` if that plan has another file, or if several plans are bound to this one.
 */
export async function planOfFile(client: Client, project: string, file: BoundFile): Promise<FoundPlan> {
  const plan = await nameOf(client, project, file);
  const shown = await findPlan(client, project, plan);
  if (shown === null || shown.file === null || file.bound === null || shown.file === file.bound) return { plan, shown };
  if (isMovedTo(file, shown, (await client.repo({ project })).path)) return { plan, shown };
  throw otherFile(plan, { bound: shown.file, given: file.bound });
}

/** A plan follows a file that was moved: the file is recognized by its text, or a person confirms it. */
export function isMovedTo(file: BoundFile, shown: PlanShow, repo: string): boolean {
  return shown.file !== null && !existsSync(resolve(repo, shown.file)) && (file.isNamed || !isEdited(file, shown));
}

async function nameOf(client: Client, project: string, file: BoundFile): Promise<string> {
  const { name, isNamed, bound } = file;
  if (isNamed || bound === null) return name;
  const plans = await client.plans(project);
  const own = plans.filter((entry) => entry.file === bound).map((entry) => entry.plan);
  const [first, ...more] = own;
  if (own.includes(name)) return name;
  if (first === undefined)
    return plans.some(({ plan }) => plan === name) ? name : ((await renamedFrom(client, plans, file)) ?? name);
  if (more.length === 0) return first;
  throw new EngineError(
    'conflict',
    `${bound} is the file of several plans: ${own.join(', ')}`,
    `say which is meant: --name ${first}`,
  );
}

/** The unfinished plan whose file is gone and had this text. null: none, or several. */
async function renamedFrom(client: Client, plans: readonly PlanEntry[], file: BoundFile): Promise<string | null> {
  const open = plans.filter((plan) => plan.file !== null && plan.status !== 'done' && plan.status !== 'cancelled');
  if (open[0] === undefined) return null;
  const repo = (await client.repo({ project: open[0].project })).path;
  const gone = open.filter((plan) => !existsSync(resolve(repo, plan.file ?? '')));
  const shown = await Promise.all(gone.map(({ project, plan }) => client.plan(project, plan)));
  const [only = null, ...others] = shown.filter((each) => isMovedTo(file, each, repo)).map(({ plan }) => plan);
  return others.length === 0 ? only : null;
}

export async function findPlan(client: Client, project: string, plan: string): Promise<PlanShow | null> {
  try {
    return await client.plan(project, plan);
  } catch (thrown) {
    if (thrown instanceof EngineError && thrown.code === 'plan_not_found') return null;
    throw thrown;
  }
}

/** Whether the file was edited since the plan read it. A planner's change of the plan's text is no edit of the file. */
export function isEdited({ content }: Pick<ReadPlanFile, 'content'>, shown: PlanShow): boolean {
  return content !== shown.content && (shown.file_digest === null || textDigest(content) !== shown.file_digest);
}

/** Whether the plan's document differs from its file, if that is known. */
export function differsFromFile(shown: Pick<PlanShow, 'content' | 'file' | 'file_digest'>): boolean {
  return shown.file !== null && shown.file_digest !== null && textDigest(shown.content) !== shown.file_digest;
}

/** Binds the plan to its file if the plan has another path or text. The file is not edited. */
export async function bind(client: Client, shown: PlanShow, { bound, content, as }: BoundFile): Promise<void> {
  const isKnown = shown.file === bound && shown.file_digest === textDigest(content);
  if (bound === null || (isKnown && (as === undefined || as === shown.file_as))) return;
  await client.takeFile(shown.project, shown.plan, { file: bound, content, as: 'stator', fileAs: as });
}
