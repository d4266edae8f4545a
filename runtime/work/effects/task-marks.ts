/**
 * Marks done tasks in the plan's own file: `- [x]`, `passes`, `status`. If the repo enables it (`[documents] write_back`), the marks are on the plan's
 * branch, in the commit that merges the task's work. Nothing else in the file changes.
 */
import { isAbsolute } from 'node:path';
import { type PlanDocument, parsePlan } from '../../../machines/document/plan-document.ts';
import { familyNames, markDone, readPlan } from '../../../machines/document/read-plan.ts';
import { taskBranch } from '../../../machines/vocabulary/ids.ts';
import { planDocumentLimitBytes } from '../../../machines/vocabulary/plan-file.ts';
import type { PlanKey, Store } from '../../core/store/port.ts';
import { advanceBranch, type EditTree } from '../git/merge.ts';
import { commitTree, treeOf } from '../git/objects.ts';
import type { Repository } from '../git/repository.ts';
import { withFile } from '../git/tree-file.ts';
import type { Site } from './workplace.ts';

/** A task by its wave and number. */
export interface TaskKey {
  readonly wave: number;
  readonly task: number;
}

/** The function that adds marks of done tasks to a tree; null: the repo does not enable it, or the plan has no file in the repo. */
export async function marksOf(
  { store }: { readonly store: Pick<Store, 'plan' | 'planText'> },
  { project, repository }: Pick<Site, 'project' | 'repository'>,
  of: PlanKey & { readonly isDone: (task: TaskKey) => boolean },
): Promise<EditTree | null> {
  if (!project.config.documents.writeBack) return null;
  const row = await store.plan(of.project, of.plan);
  const file = row?.file ?? null;
  const content = file === null ? null : await store.planText(of.project, of.plan);
  if (file === null || content === null || isAbsolute(file)) return null;
  const titles = new Map(tasksOf(parsePlan(content).document).map(({ key, title }) => [key, title]));
  const wanted = (task: TaskKey, title: string) => of.isDone(task) && titles.get(keyOf(task)) === title;
  return (tree) =>
    withFile(repository, tree, { path: file, edit: (text) => marked(text, { file, as: row?.fileAs ?? null, wanted }) });
}

/** A predicate for the task that works on that branch. */
export function isTaskOf({ branch, from }: { readonly branch: string; readonly from: string }) {
  return ({ wave, task }: TaskKey): boolean => taskBranch(from, wave, task) === branch;
}

/** A predicate for the tasks of a run on the plan's own branch: one task, all tasks for the one coder of the whole plan, or none. */
export function isWorkOf(run: string): (task: TaskKey) => boolean {
  if (/^coder\./.test(run)) return () => true;
  const [, wave, task] = /^wave-(\d+)\.\d+\/task-(\d+)\./.exec(run) ?? [];
  return (key) => key.wave === Number(wave) && key.task === Number(task);
}

/** Commits the marks on top of a branch if there is something to mark; returns the branch's head. */
export async function commitMarks(
  repo: Repository,
  { branch, head, edit, message }: { branch: string; head: string; edit: EditTree; message: string },
): Promise<string> {
  const before = await treeOf(repo, head);
  const tree = await edit(before);
  if (tree === before) return head;
  const commit = await commitTree(repo, { tree, parents: [head], message });
  return (await advanceBranch(repo, { branch, from: head, to: commit })) ? commit : head;
}

interface Marking {
  readonly file: string;
  /** The document family that the file is read as; null: recognized from the text. */
  readonly as: string | null;
  readonly wanted: (task: TaskKey, title: string) => boolean;
}

/** null: there is nothing to mark, or the file is no longer such a plan. */
function marked(text: string, { file: path, as, wanted }: Marking): string | null {
  if (text.length > planDocumentLimitBytes) return null;
  const source = { text, path, beside: [] };
  const family = familyNames.find((name) => name === as);
  const { document, refs } = readPlan(source, family);
  const titles = new Map(tasksOf(document).map(({ key, title }) => [key, title]));
  const done = refs.filter((task) => task.hasMark && wanted(task, titles.get(keyOf(task)) ?? ''));
  return done.length === 0 ? null : markDone(source, new Set(done.map(({ ref }) => ref)), family);
}

function tasksOf({ waves }: PlanDocument): { key: string; title: string }[] {
  return waves.flatMap(({ number: wave, tasks }) =>
    tasks.map(({ number: task, title }) => ({ key: keyOf({ wave, task }), title })),
  );
}

function keyOf({ wave, task }: TaskKey): string {
  return `${wave} ${task}`;
}
