/**
 * The marks of tasks in the file that their plan was written in: `- [x]`, `passes`, `status`. A repo that asks for it (`[documents] write_back`) finds them
 * on the plan's branch, in the commit that brings the task's work. Nothing else of the file is touched.
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

/** How the tree of a plan's branch gets the marks of tasks that are done; null: its repo does not ask for them, or the plan has no file in it. */
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

/** The task whose branch that is, as a test of tasks. */
export function isTaskOf({ branch, from }: { readonly branch: string; readonly from: string }) {
  return ({ wave, task }: TaskKey): boolean => taskBranch(from, wave, task) === branch;
}

/** Whose work a run on the plan's own branch was: that of one task, of the one coder of the whole plan, or of no task. */
export function isWorkOf(run: string): (task: TaskKey) => boolean {
  if (/^coder\./.test(run)) return () => true;
  const [, wave, task] = /^wave-(\d+)\.\d+\/task-(\d+)\./.exec(run) ?? [];
  return (key) => key.wave === Number(wave) && key.task === Number(task);
}

/** A commit of the marks on top of a branch, where there is something to mark; answers its head. */
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
  /** The family that the file is read as; null: what it looks like. */
  readonly as: string | null;
  readonly wanted: (task: TaskKey, title: string) => boolean;
}

/** null: nothing is to be marked, or the file is no such plan any more. */
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
