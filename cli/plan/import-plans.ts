/** Registers several plans, each separately: a plan that cannot be read does not prevent the others. */
import { statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { EngineError } from '../../machines/vocabulary/errors.ts';
import { shellWord } from '../../machines/vocabulary/shell-word.ts';
import type { Client } from '../../runtime/api/client/client.ts';
import type { Call } from '../command.ts';
import { bindingOf, planOfFile, readAsBefore } from '../file-binding.ts';
import { familyOf, noPlanIn, plansIn, readPlanFile } from '../plan-file.ts';
import { projectForPlans } from '../registered.ts';
import { withClient } from '../session.ts';
import type { TrustFlag } from '../trust/flag.ts';

export interface Importing {
  /** Files, and folders with plans in them. */
  readonly paths: readonly string[];
  readonly trust: TrustFlag;
  readonly force: boolean;
  readonly as: string | undefined;
}

/** `unchanged`: the plan was registered before with the same text. */
interface Imported {
  readonly file: string;
  readonly plan: string | null;
  readonly status: 'registered' | 'unchanged' | 'failed';
  readonly family: string | null;
  readonly tasks: number;
  readonly tasks_done: number;
  readonly problem: string | null;
}

/** Returns the exit code: 1 if a plan was not registered. Throws the errors of registering the repo, and `bad_file` for a folder without plans. */
export async function importPlans(call: Call, { paths, trust, force, as }: Importing): Promise<number> {
  const files = (await Promise.all(paths.map((path) => filesOf(call, path, as)))).flat();
  const { out } = call;
  const imported = await withClient(call, 'write', async (client) => {
    const project = await projectForPlans(call, client, trust);
    const repo = (await client.repo({ project })).path;
    const all: Imported[] = [];
    for (const file of files) all.push(await importOne(call, client, { project, repo, file, force, as }));
    return all;
  });
  const failed = imported.filter(({ status }) => status === 'failed');
  out.outcome(imported, () => [
    ...out.table(
      ['plan', 'state', 'read as', 'tasks', 'file'],
      imported.map(({ plan, status, family, tasks, tasks_done: done, file }) => [
        plan ?? '-',
        status,
        family ?? '-',
        done === 0 ? String(tasks) : `${tasks}, ${done} done`,
        file,
      ]),
      'no plan',
    ),
    ...failed.map(({ file, problem }) => `${file}: ${problem}`),
  ]);
  return failed.length === 0 ? 0 : 1;
}

async function filesOf({ cwd }: Call, path: string, as: string | undefined): Promise<string[]> {
  const found = statSync(resolve(cwd, path), { throwIfNoEntry: false });
  if (found?.isDirectory() !== true) return [path];
  const plans = await plansIn(resolve(cwd, path), { as: await familyOf(as), mistaken: true });
  if (plans.length > 0) return plans.map((plan) => join(path, plan.path));
  throw noPlanIn(path);
}

interface One {
  readonly project: string;
  readonly repo: string;
  readonly file: string;
  readonly force: boolean;
  readonly as: string | undefined;
}

async function importOne(call: Call, client: Client, { project, repo, file, force, as }: One): Promise<Imported> {
  try {
    const found = await readPlanFile(call.cwd, file, { force, as });
    const read = (await readAsBefore(call, client, project, bindingOf(call, repo, found))) ?? found;
    const [first] = read.reading.problems;
    if (first !== undefined)
      throw new EngineError(
        'bad_plan',
        `line ${first.line}: ${first.message}`,
        `all that is wrong with it: stator plan check ${shellWord(file)}; register it as a draft all the same: stator plan register ${shellWord(file)}`,
      );
    const bound = bindingOf(call, repo, read);
    const { plan, shown } = await planOfFile(client, project, bound);
    const isKnown = shown !== null && shown.content === read.content;
    if (shown !== null && !isKnown)
      throw new EngineError(
        'conflict',
        `plan ${plan} is registered with another text`,
        `take the edit up with: stator run ${shellWord(file)}`,
      );
    const own = { plan, content: read.content, as: 'stator', fileAs: bound.as, file: bound.bound ?? undefined };
    const now = shown ?? (await client.registerPlan({ project, ...own }));
    return {
      file,
      plan: now.plan,
      status: isKnown ? 'unchanged' : 'registered',
      family: read.reading.family,
      tasks: now.tasks,
      tasks_done: now.tasks_done,
      problem: null,
    };
  } catch (thrown) {
    if (!(thrown instanceof EngineError)) throw thrown;
    const problem = `${thrown.message}; ${thrown.hint}`;
    return { file, plan: null, status: 'failed', family: null, tasks: 0, tasks_done: 0, problem };
  }
}
