/** The verbs that accept a plan's document, and those that return it. */
import { readFileSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { issueLinkProblem, withIssueLinks } from '../../machines/document/issue-links.ts';
import type { PlanProblem } from '../../machines/document/shape.ts';
import { EngineError } from '../../machines/vocabulary/errors.ts';
import { isDraft } from '../../machines/vocabulary/plan-status.ts';
import { shellWord } from '../../machines/vocabulary/shell-word.ts';
import type { Client, PlanShow } from '../../runtime/api/client/client.ts';
import { replaceFile } from '../../runtime/base/platform/atomic-file.ts';
import { textDigest } from '../../runtime/base/platform/text-digest.ts';
import { refuseWayOut } from '../../runtime/base/platform/way-out.ts';
import { type Call, defineVerb, type Verbs } from '../command.ts';
import { type BoundFile, bindingOf, placeOf, planOfFile, readAsBefore } from '../file-binding.ts';
import { isInRun, requireProject } from '../place.ts';
import {
  forceFileArgs,
  openPlanFile,
  planNameFrom,
  printName,
  printReading,
  type ReadPlanFile,
  readPlanFile,
  readPlanInput,
  readPlanText,
} from '../plan-file.ts';
import { advanceOf, afterPlanning, plannedLaterNote, planOnlyArg, printStart } from '../planned.ts';
import { projectForPlans } from '../registered.ts';
import { beginPlan } from '../run/begin.ts';
import { planArgs, withClient, withPlan } from '../session.ts';
import { readStdin, sureArgs } from '../sure.ts';
import { plain, plainLines } from '../text.ts';
import { trustArg, trustOf } from '../trust/flag.ts';
import { printVerdict, verdictMs } from '../verdict.ts';
import { importPlans } from './import-plans.ts';
import { planStateText, waitText } from './view.ts';

const register = defineVerb({
  summary: 'Register files, or with --draft a text, as plans of this repo. Without --start nothing starts.',
  args: {
    file: { type: 'positional', description: 'a file, or the folder of one; - is standard input' },
    branch: { type: 'string', description: 'the branch that it works on; default plan/<name>' },
    topic: { type: 'string', description: 'plans with the same topic are implemented one at a time' },
    start: { type: 'boolean', description: 'also start the plan' },
    trust: trustArg,
    name: { type: 'string', valueHint: 'plan', description: "the plan's name; default the file's" },
    draft: { type: 'boolean', description: 'take no file: <file> is the name of the plan' },
    issue: { type: 'string', valueHint: 'url', description: 'with --draft: the address of its issue' },
    content: {
      type: 'string',
      valueHint: 'text',
      description: 'with --draft: the document; - or none: standard input',
    },
    yes: { ...sureArgs.yes, description: 'with --start: implement it without asking' },
    'plan-only': {
      ...planOnlyArg['plan-only'],
      description: 'with --start: end when the plan is planned',
    },
    ...forceFileArgs,
  },
  examples: ['stator plan register docs/plans/login.md --start'],
  mayRepeat: true,
  async run(
    {
      file,
      branch,
      topic,
      start = false,
      trust: given,
      name,
      force = false,
      as,
      draft = false,
      content,
      issue,
      ...flags
    },
    call,
    files,
  ) {
    if (files.length > 1) {
      const { yes, 'plan-only': planOnly } = flags;
      const single = { branch, topic, start, name, draft, content, issue, yes, 'plan-only': planOnly };
      const said = Object.entries(single).find(([, value]) => value !== undefined && value !== false)?.[0];
      if (said !== undefined)
        throw new EngineError(
          'usage',
          `--${said} is of one file, and ${files.length} are named`,
          'name them one by one',
        );
      return importPlans(call, { paths: files, trust: trustOf(given), force, as });
    }
    if (draft) return registerDraft(call, { title: file, content, branch, topic, issue });
    if (issue !== undefined)
      throw new EngineError('usage', '--issue goes with --draft', `write it into the file: **Issue:** ${issue}`);
    if (content !== undefined)
      throw new EngineError(
        'usage',
        '--content goes with --draft',
        'a file holds its own document: leave out --content',
      );
    const { yes = false, 'plan-only': planOnly = false } = flags;
    if (!start && (yes || planOnly))
      throw new EngineError(
        'usage',
        `--${yes ? 'yes' : 'plan-only'} goes with --start`,
        'without --start nothing starts',
      );
    const read = await readPlanInput(call, file, { name, force, as });
    printName(call, name, read.name);
    printReading(call, read.reading);
    const { plan: shown, hasPlanner } = await withClient(call, 'write', async (client) => {
      const project = await projectForPlans(call, client, trustOf(given));
      const bound = bindingOf(call, (await client.repo({ project })).path, read);
      const registered = await registerFile(client, { project, bound, branch, topic });
      const begins = start && registered.status === 'ready' && !(planOnly && registered.phase === 'planned');
      try {
        const after = await afterPlanning(call, client, project, { yes, planOnly });
        if (begins) await beginPlan(client, { shown: registered, file, waitMs: verdictMs, advance: advanceOf(after) });
      } catch (failure) {
        call.out.note(`registered ${project}/${registered.plan}, which is not started:`);
        throw failure;
      }
      const plan = begins ? await client.plan(project, registered.plan) : registered;
      const explained = isDraft(plan) ? await client.explain(project, plan.plan) : null;
      return { plan, hasPlanner: explained?.accepts.includes('plan_start') === true };
    });
    const { out } = call;
    out.done(shown, `registered ${shown.project}/${shown.plan}: ${planStateText(shown)}`);
    if (isDraft(shown)) for (const line of problemLines(file, read.reading.problems)) out.note(line);
    if (!start) printStart(call, { ...shown, hasPlanner });
    if (start && shown.waiting_for !== null) out.note(`it waits: ${waitText(shown, Date.now())}`);
    if (start && shown.status === 'planning' && !shown.auto_advance) out.note(plannedLaterNote(shown.plan));
    return 0;
  },
});

/** The most mistakes of a draft that are printed; `plan check` prints all. */
const shownProblems = 3;

/** Why a draft is not accepted as a plan yet. */
function problemLines(file: string, problems: readonly PlanProblem[]): string[] {
  const lines = problems.slice(0, shownProblems).map(({ line, message }) => `${file}:${line}: ${plain(message)}`);
  const more = problems.length - lines.length;
  return more > 0 ? [...lines, `and ${more} more: stator plan check ${shellWord(file)}`] : lines;
}

interface Registering {
  readonly project: string;
  readonly bound: BoundFile;
  readonly branch: string | undefined;
  readonly topic: string | undefined;
}

/** Binds an existing plan to the file if the plan has the same name and text and no file. Throws `conflict` for any other existing plan. */
async function registerFile(client: Client, { project, bound, branch, topic }: Registering): Promise<PlanShow> {
  const { plan, shown } = await planOfFile(client, project, bound);
  const { file, content, bound: path, as } = bound;
  if (shown !== null && shown.file === null && path !== null && shown.content === content) {
    return client.takeFile(project, plan, { file: path, content, as: 'stator', fileAs: as });
  }
  if (shown !== null) {
    const hint = `go on with it, an edit of the file included: stator run ${shellWord(file)}; or give this one a name of its own: --name <plan>`;
    throw new EngineError('conflict', `plan already exists: ${project}/${plan}`, hint);
  }
  const own = { plan, content, as: 'stator', fileAs: as, branch, topic, file: path ?? undefined };
  return client.registerPlan({ project, ...own });
}

interface Draft {
  readonly title: string;
  readonly content: string | undefined;
  readonly branch: string | undefined;
  readonly topic: string | undefined;
  readonly issue: string | undefined;
}

/** Registers a plan without a file. Without content it is a draft for a planner. */
async function registerDraft(call: Call, { title, content, branch, topic, issue }: Draft): Promise<number> {
  const problem = issue === undefined ? null : issueLinkProblem(issue);
  if (problem !== null) throw new EngineError('usage', `--issue: ${problem}`, 'give a link that begins with https://');
  const plan = planNameFrom(title);
  printName(call, title, plan);
  const project = requireProject(call);
  // On a terminal nobody expects to type a document.
  const isPiped = content === '-' || (content === undefined && call.stdin.isTTY !== true);
  const given = isPiped ? await readStdin(call, 'the document') : (content ?? '');
  const text = given.trim() === '' ? `# ${title}\n` : given;
  const document = issue === undefined ? text : withIssueLinks(text, [issue]);
  const shown = await withClient(call, 'write', (client) =>
    client.registerPlan({ project, plan, content: document, branch, topic }),
  );
  call.out.done(shown, `created ${shown.project}/${shown.plan}: ${planStateText(shown)}`);
  return 0;
}

const updateContent = defineVerb({
  summary: 'Replace the document of a plan; unchanged tasks keep their progress.',
  args: {
    ...planArgs,
    file: { type: 'string', valueHint: 'file', description: 'the new document; else standard input' },
    ...forceFileArgs,
  },
  examples: [
    'stator plan update-content login --file docs/plans/login.md',
    'stator plan update-content login < new.md',
  ],
  async run({ plan, file, force = false, as }, call) {
    let problems: readonly PlanProblem[] = [];
    const answer = await withPlan(call, 'write', plan, async (client, { project, plan: name }) => {
      const use = ({ content, reading }: Pick<ReadPlanFile, 'content' | 'reading'>, own = {}) => {
        problems = reading.problems;
        return client.updateContent(project, name, content, { as: 'stator', ...own });
      };
      if (file === undefined || file === '-') {
        const text = await readStdin(call, 'the document');
        if (text.trim() === '') throw emptyInput(name);
        return use(await readPlanText(text, { name, as }));
      }
      // A person says which file belongs to a plan; an agent sends only a text.
      if (isInRun(call)) return use(await readPlanFile(call.cwd, file, { as }));
      const repo = (await client.repo({ project })).path;
      const found = await readPlanFile(call.cwd, file, { force, as });
      const read = bindingOf(call, repo, found);
      const { bound, as: fileAs } = read;
      // A file that is not the plan's own is used for its text only.
      const isOwn = bound !== null && (await client.plan(project, name)).file === bound;
      return use((await readAsBefore(call, client, project, read)) ?? found, isOwn ? { file: bound, fileAs } : {});
    });
    const code = printVerdict(call, answer);
    const isRefused = answer.signal.status === 'failed';
    if (!isRefused && isDraft(answer.plan)) for (const line of problemLines(file ?? '-', problems)) call.out.note(line);
    return code;
  },
});

/** An empty input is probably a mistake: a script without standard input, or a failed program before the pipe. */
function emptyInput(plan: string): EngineError {
  const hint = `name the file: stator plan update-content ${shellWord(plan)} --file <file>`;
  return new EngineError('bad_plan', `standard input is empty, so ${plan} keeps its document`, hint);
}

const exportIt = defineVerb({
  summary: "Print the present document of a plan, or write it to the plan's file.",
  args: {
    ...planArgs,
    write: { type: 'boolean', description: "write it to the plan's file, unless you have edited that file" },
    force: { type: 'boolean', description: 'with --write: overwrite an edited file' },
  },
  examples: ['stator plan export login', 'stator plan export login --write', 'stator plan export login > copy.md'],
  async run({ plan, write = false, force = false }, call) {
    const { out } = call;
    if (!write) {
      const found = await withPlan(call, 'read', plan, (client, at) => client.plan(at.project, at.plan));
      const { content } = found;
      if (out.json) out.print(JSON.stringify({ project: found.project, plan: found.plan, content, written: null }));
      else out.stdout.write(out.stdout.isTTY === true ? plainLines(content) : content);
      return 0;
    }
    const { shown, path } = await withPlan(call, 'write', plan, async (client, { project, plan: name }) => {
      const found = await client.plan(project, name);
      if (found.file === null) throw fileless(found);
      const place = placeOf(call, (await client.repo({ project })).path, found.file);
      refuseWayOut(place, found.file);
      const { text, content, family } = await fileOf(place, found.file_as);
      if (text !== null && family !== 'stator' && !force) refuseOtherFamily(found, { place, family });
      if (text !== found.content) {
        if (!force) refuseEdited(found, place, content);
        replace(place, found.content);
      }
      // If the process is killed before this, the file has the plan's own text, which is no edit either.
      return {
        shown: await client.takeFile(project, name, { file: found.file, content: found.content, as: 'stator' }),
        path: place,
      };
    });
    if (out.json)
      out.print(JSON.stringify({ project: shown.project, plan: shown.plan, content: shown.content, written: path }));
    else out.say(`${shown.file} has the document of ${shown.plan}`);
    return 0;
  },
});

/** The existing file and its plan, read as `as` says; `text` is null if there is no file. */
async function fileOf(
  path: string,
  as: string | null,
): Promise<{ text: string | null; content: string | null; family: string }> {
  if (statSync(path, { throwIfNoEntry: false }) === undefined) return { text: null, content: null, family: 'stator' };
  const { read } = await openPlanFile(dirname(path), path, { as: as ?? undefined });
  if ('problem' in read) return { text: '', content: '', family: 'stator' };
  const { content, family } = read.reading;
  return { text: readFileSync(path, 'utf8'), content, family };
}

/** Refuses to write stator's own form over a document of another family: other programs that read the file would find nothing. */
function refuseOtherFamily({ plan, file }: PlanShow, { place, family }: { place: string; family: string }): void {
  const name = shellWord(plan);
  throw new EngineError(
    'refused',
    `${file} is a document of ${family}, and the document of ${plan} is in stator's own form`,
    `write it beside: stator plan export ${name} > ${name}.md; or over ${shellWord(place)}: stator plan export ${name} --write --force`,
  );
}

/** Replaces the file atomically, and keeps its permissions. */
function replace(path: string, content: string): void {
  const found = statSync(path, { throwIfNoEntry: false });
  try {
    replaceFile(path, content, found === undefined ? {} : { mode: found.mode & 0o7777 });
  } catch (cause) {
    const hint = `look at its folder: ls -ld ${shellWord(dirname(path))}`;
    throw new EngineError('bad_file', `${path} cannot be written`, hint, { cause });
  }
}

function fileless({ plan }: PlanShow): EngineError {
  const name = shellWord(plan);
  const hint = `write it to one: stator plan export ${name} > ${name}.md; stator run ${name}.md is that plan from then on`;
  return new EngineError('refused', `plan ${plan} came without a file`, hint);
}

function refuseEdited({ plan, file, file_digest: digest }: PlanShow, path: string, content: string | null): void {
  if (content === null || textDigest(content) === digest) return;
  const [name, shown] = [shellWord(plan), shellWord(path)];
  throw new EngineError(
    'refused',
    `${file} was edited since, and writing the document of ${plan} over it would lose that`,
    `compare: stator plan export ${name} | diff ${shown} -; then overwrite it: stator plan export ${name} --write --force; or keep both: stator plan export ${name} > ${name}-planned.md`,
  );
}

const importThem = defineVerb({
  summary: 'Register every plan in these files and folders; what cannot be read is named, and the rest registered.',
  args: {
    path: { type: 'positional', description: 'files, and folders with plans in them' },
    trust: trustArg,
    ...forceFileArgs,
  },
  examples: ['stator plan import specs', 'stator plan import openspec/changes docs/plans/login.md'],
  more: `A plan that is registered already is left as it is. Exit code 1: one of them was
not registered.`,
  mayRepeat: true,
  run: ({ trust, force = false, as }, call, paths) => importPlans(call, { paths, trust: trustOf(trust), force, as }),
});

export default {
  register,
  import: importThem,
  'update-content': updateContent,
  export: exportIt,
} satisfies Verbs;
