/** `stator plan register`. */
import { EngineError } from '../../machines/vocabulary/errors.ts';
import { shellWord } from '../../machines/vocabulary/shell-word.ts';
import type { Client, PlanShow } from '../../runtime/api/client/client.ts';
import { defineVerb } from '../command.ts';
import { type BoundFile, bindingOf, planOfFile } from '../file-binding.ts';
import { requireProject, requireRepository } from '../place.ts';
import { forceFileArgs, readPlanFile } from '../plan-file.ts';
import { advanceOf, afterPlanning, plannedLaterNote, planOnlyArg } from '../planned.ts';
import { ensureRegistered } from '../registered.ts';
import { beginPlan } from '../run/begin.ts';
import { withClient } from '../session.ts';
import { sureArgs } from '../sure.ts';
import { trustArg, trustOf } from '../trust/flag.ts';
import { verdictMs } from '../verdict.ts';
import { planStateText, waitText } from './view.ts';

export default defineVerb({
  summary: 'Take a file as a plan of this repo. Nothing starts by itself.',
  args: {
    file: { type: 'positional', description: 'a markdown file; its name becomes the name of the plan' },
    branch: { type: 'string', description: 'the branch that it works on; default plan/<name>' },
    topic: { type: 'string', description: 'plans of one topic implement one at a time' },
    start: { type: 'boolean', description: 'start implementing' },
    trust: trustArg,
    name: { type: 'string', valueHint: 'plan', description: "the plan's name; default the file's" },
    yes: { ...sureArgs.yes, description: 'with --start: carry out what a planner has planned without asking' },
    'plan-only': {
      ...planOnlyArg['plan-only'],
      description: 'with --start: it stands planned when its planner has finished',
    },
    ...forceFileArgs,
  },
  examples: ['stator plan register docs/plans/login.md --start'],
  async run({ file, branch, topic, start = false, trust: given, name, force = false, ...flags }, call) {
    const { yes = false, 'plan-only': planOnly = false } = flags;
    if (!start && (yes || planOnly))
      throw new EngineError(
        'usage',
        `--${yes ? 'yes' : 'plan-only'} goes with --start`,
        'without --start nothing starts',
      );
    const read = readPlanFile(call.cwd, file, { name, force });
    const shown = await withClient(call, 'write', async (client) => {
      const project =
        call.project === undefined
          ? await ensureRegistered(call, client, {
              path: requireRepository(call),
              trust: trustOf(given),
              way: 'plan register',
            })
          : requireProject(call);
      const bound = bindingOf(call, (await client.repo(project)).path, read);
      const registered = await register(client, { project, bound, branch, topic });
      const after = await afterPlanning(call, client, project, { yes, planOnly });
      const begins = start && registered.status === 'ready' && !(planOnly && registered.phase === 'planned');
      if (begins) await beginPlan(client, { shown: registered, file, waitMs: verdictMs, advance: advanceOf(after) });
      return begins ? client.plan(project, registered.plan) : registered;
    });
    if (call.out.json) call.out.print(JSON.stringify(shown));
    else {
      call.out.say(`registered ${shown.project}/${shown.plan}: ${planStateText(shown)}`);
      if (start && shown.waiting_for !== null) call.out.note(`it waits: ${waitText(shown, Date.now())}`);
      if (start && shown.status === 'planning' && !shown.auto_advance) call.out.note(plannedLaterNote(shown.plan));
    }
    return 0;
  },
});

interface Registering {
  readonly project: string;
  readonly bound: BoundFile;
  readonly branch: string | undefined;
  readonly topic: string | undefined;
}

/** A plan of that name that came without a file, with this very text, is bound to it. Throws `conflict` for every other that is there. */
async function register(client: Client, { project, bound, branch, topic }: Registering): Promise<PlanShow> {
  const { plan, shown } = await planOfFile(client, project, bound);
  const { file, content, bound: path } = bound;
  if (shown !== null && shown.file === null && path !== null && shown.content === content) {
    return client.takeFile(project, plan, { file: path, content });
  }
  if (shown !== null) {
    const hint = `go on with it, an edit of the file included: stator run ${shellWord(file)}; or give this one a name of its own: --name <plan>`;
    throw new EngineError('conflict', `plan already exists: ${project}/${plan}`, hint);
  }
  return client.registerPlan({
    project,
    plan,
    content,
    ...(branch === undefined ? {} : { branch }),
    ...(topic === undefined ? {} : { topic }),
    ...(path === null ? {} : { file: path }),
  });
}
