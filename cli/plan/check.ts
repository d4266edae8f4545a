/** `stator plan check`: reads a plan without registering it. It needs neither a store nor a repo. */

import { realpathSync } from 'node:fs';
import { basename } from 'node:path';
import type { PlanDocument, PlanProblem, PlanTask } from '../../machines/document/plan-document.ts';
import { type PlanReading, readPlan } from '../../machines/document/read-plan.ts';
import { amountsText } from '../../machines/vocabulary/budget.ts';
import { EngineError } from '../../machines/vocabulary/errors.ts';
import { taskName } from '../../machines/vocabulary/ids.ts';
import { counted } from '../../machines/vocabulary/numbers.ts';
import { type TaskAgent, taskAgent, taskAgentText, taskFacts } from '../../machines/vocabulary/task-agent.ts';
import { watchSavedFile } from '../../runtime/base/platform/saved-file.ts';
import { type Call, defineVerb } from '../command.ts';
import { isInRun, mainRepository } from '../place.ts';
import { forceFileArgs, openPlanFile, type PlanFile, planBesideOf, readingText, readPlanText } from '../plan-file.ts';
import { readStdin } from '../sure.ts';
import { cut, plain, plainLines } from '../text.ts';
import { orderLines } from './order-lines.ts';
import { openGroups, pastConflicts } from './past-conflicts.ts';
import { waysOn } from './ways-on.ts';

export default defineVerb({
  summary:
    'Check a plan without registering it. Prints its sections and which agents get each, or every problem (exit code 1).',
  args: {
    file: { type: 'positional', description: 'a file, or the folder of one; - is standard input' },
    watch: { type: 'boolean', description: 'check it again at each save, until Ctrl-C' },
    'as-plan': { type: 'boolean', description: "print it in stator's own form" },
    as: forceFileArgs.as,
  },
  examples: ['stator plan check --watch docs/plans/login.md', 'stator plan check specs/001-cart --as-plan'],
  async run({ file, watch = false, as, 'as-plan': asPlan = false }, call) {
    if (file === '-' && !watch) return check(await readInput(call, as), call, asPlan);
    const opened = await openPlanFile(call.cwd, file, { as });
    if (!watch) return check(opened, call, asPlan);
    if (opened.path === null) throw new EngineError('bad_file', `${file} is a pipe, which nobody saves`, 'name a file');
    await check(opened, call, asPlan);
    return untilLeft(file, {
      path: opened.path,
      call,
      again: async () => check(await openPlanFile(call.cwd, file, { as }), call, asPlan),
    });
  },
});

async function readInput(call: Call, as: string | undefined): Promise<PlanFile> {
  const text = await readStdin(call, 'the plan');
  const { reading } = await readPlanText(text, { name: 'standard-input', as });
  return { file: '-', path: null, name: 'standard-input', read: { reading } };
}

/** Returns the exit code. */
async function check({ file, name, read }: PlanFile, call: Call, asPlan: boolean): Promise<number> {
  const { out } = call;
  const { reading: known, small } = await withAgents('reading' in read ? read.reading : unread(read.problem), call);
  const parsed = withOwnName(name, await withPastConflicts(name, known, call));
  if (asPlan && parsed.ok && !out.json) {
    out.stdout.write(out.stdout.isTTY === true ? plainLines(parsed.content) : parsed.content);
    return 0;
  }
  const sections = sectionsOf(parsed, small);
  const answer = { ...checkShape(name, parsed, { sections, small }), ...(asPlan ? { content: parsed.content } : {}) };
  out.answer(answer, () => {
    if (!parsed.ok) {
      const found = parsed.problems.map(({ line, message }) => `${file}:${line}: ${plain(message)}`);
      if (parsed.describes === null || out.quiet) return found;
      return [
        ...found,
        `${file}: ${plain(parsed.describes)}`,
        'ways on:',
        ...waysOn(file, name, planBesideOf(file, parsed)).map((way) => `  ${way}`),
      ];
    }
    if (out.quiet) return [];
    const { counts, document, family } = parsed;
    const done = counts.done === 0 ? '' : `, ${counts.done} done`;
    const found =
      family === 'stator'
        ? `${file}: ${counted(counts.waves, 'wave')}, ${counted(counts.tasks, 'task')}${done}, no problems`
        : `${file}: ${readingText(parsed)}, no problems`;
    const rows = sections.map(({ line, title, to, read }) => [String(line), cut(title, 60), to, cut(read, 80)]);
    const remarks = parsed.remarks.map(({ line, message }) => `${file}:${line}: note: ${plain(message)}`);
    const header = headerRows(document).map(([name, value]) => `  ${name}: ${cut(plain(value), 200)}`);
    const headings = ['line', 'section', 'goes to', 'read in it'];
    // The last column is left out if it is empty.
    const width = rows.some((row) => row.at(-1) !== '') ? headings.length : headings.length - 1;
    const shown = rows.map((row) => row.slice(0, width));
    return [found, ...remarks, ...header, ...orderLines(document), ...out.table(headings.slice(0, width), shown, '')];
  });
  return parsed.ok ? 0 : 1;
}

/**
 * Adds a problem for each task whose agent or repo is not in the configuration of this folder's repo, a remark for each that has nothing its agent could
 * run, and the agent for small tasks. Throws `bad_config` if the plan names an agent or a repo.
 */
async function withAgents(
  reading: PlanReading,
  call: Call,
): Promise<{ readonly reading: PlanReading; readonly small: string | null }> {
  const tasks = reading.document.waves.flatMap((wave) => wave.tasks);
  const repo = tasks.length > 0 ? mainRepository(call) : null;
  if (repo === null) return { reading, small: null };
  const { homeFolder, loadDaemonConfig, loadRepoConfig, tasksWithoutBlocks, unknownAgents, unknownRepos } =
    await import('../../runtime/base/config/config.ts');
  try {
    const { profiles, members } = loadRepoConfig(repo, loadDaemonConfig(homeFolder(call.env)));
    const { coder } = profiles;
    const found = [
      ...unknownAgents(reading.document, coder),
      ...unknownRepos(reading.document, { members, project: basename(repo) }),
    ];
    const unknown = found.map(({ line, message }) => ({ line: reading.lineOf(line), message }));
    const empty = tasksWithoutBlocks(reading.document, coder, (_wave, { isDone }) => isDone);
    const remarks = empty.map(({ wave, task: { number, line } }) => ({
      line: reading.lineOf(line),
      message: `task ${number} of wave ${wave} has no fenced sh block, and preset "sh" of its agent runs nothing else: the plan will not start`,
    }));
    const whole = {
      ...reading,
      ok: reading.ok && unknown.length === 0,
      problems: [...reading.problems, ...unknown],
      remarks: [...reading.remarks, ...remarks],
    };
    return { reading: whole, small: coder.small };
  } catch (thrown) {
    if (!(thrown instanceof EngineError) || tasks.some((task) => task.agent !== null || task.repo !== null))
      throw thrown;
    call.out.note(`which agent gets each task is not known: ${plain(thrown.message)}`);
    return { reading, small: null };
  }
}

/** Adds a remark if the plan waits for itself. Whether it does so by way of other plans, only the store knows. */
function withOwnName(plan: string, reading: PlanReading): PlanReading {
  if (!reading.document.after.includes(plan)) return reading;
  const message = `**After:** names this plan itself, ${plan}: it will not start before that is taken out`;
  return { ...reading, remarks: [{ line: 1, message }, ...reading.remarks] };
}

/**
 * Adds a remark for each wave whose tasks conflicted in an earlier plan of this repo. For an agent, or if no two tasks may run at the same time,
 * nothing is looked up.
 */
async function withPastConflicts(plan: string, reading: PlanReading, call: Call): Promise<PlanReading> {
  if (isInRun(call) || openGroups(reading.document).length === 0) return reading;
  const repo = mainRepository(call);
  if (repo === null && call.project === undefined) return reading;
  try {
    const { repoPastOf } = await import('../repo-past.ts');
    const past = await repoPastOf(call, repo === null ? null : realpathSync(repo));
    if (past === null) return reading;
    const { document } = reading;
    const found = pastConflicts(plan, { document, conflicts: past.conflicts }).map(({ wave, task, message }) => {
      const at = document.waves.find(({ number }) => number === wave)?.tasks.find(({ number }) => number === task);
      return { line: reading.lineOf(at?.line ?? 1), message };
    });
    return { ...reading, remarks: [...reading.remarks, ...found] };
  } catch (thrown) {
    if (!(thrown instanceof EngineError)) throw thrown;
    call.out.note(`conflicts of earlier plans are not known: ${plain(thrown.message)}`);
    return reading;
  }
}

/** How long to wait for an editor that deletes the file and writes it again. */
const lookMs = 1_000;
const quietMs = 100;

/** Watches until the process ends, at Ctrl-C. */
function untilLeft(
  file: string,
  { path, call, again }: { readonly path: string; readonly call: Call; again(): Promise<unknown> },
): Promise<never> {
  const { out } = call;
  const say = (text: string) => out.remark(`${new Date().toTimeString().slice(0, 8)} ${text}`);
  watchSavedFile({
    file: path,
    everyMs: lookMs,
    quietMs,
    onSave(isThere) {
      say(isThere ? `${file} was saved` : `${file} is gone; it is checked when it is back`);
      if (!isThere) return;
      again().catch((thrown: unknown) => {
        if (!(thrown instanceof EngineError)) throw thrown;
        out.error(thrown.toJSON());
      });
    },
  });
  say(`waiting for ${file} to be saved; Ctrl-C leaves`);
  return new Promise(() => {});
}

function unread(problem: PlanProblem): PlanReading {
  return { ...readPlan({ text: '', path: '', beside: [] }), problems: [problem] };
}

function checkShape(
  name: string,
  { ok, document, problems, remarks, family, lineOf }: PlanReading,
  { sections: found, small }: { readonly sections: readonly Section[]; readonly small: string | null },
) {
  const { goal, architecture, techStack, topic, host, issues, after, budget, land, repo } = document;
  const waves = document.waves.map(({ number, line, tasks }) => ({
    number,
    line: lineOf(line),
    tasks: tasks.map((task) => ({
      number: task.number,
      title: task.title,
      line: lineOf(task.line),
      done: task.isDone,
      check: task.check,
      files: task.files,
      after: task.after,
      ...agentShape(taskAgent(taskFacts(task), small)),
      ...(task.repo === null ? {} : { repo: task.repo }),
    })),
  }));
  const sections = found.map(({ read: _read, ...section }) => section);
  return {
    ok,
    name,
    family,
    goal,
    architecture,
    tech_stack: techStack,
    topic,
    host,
    issues,
    after,
    budget,
    ...(land === null ? {} : { land: land.folders }),
    ...(repo === null ? {} : { repo: repo.name }),
    waves,
    sections,
    problems,
    remarks,
  };
}

function agentShape(found: TaskAgent | null) {
  return found === null ? {} : { agent: found.agent, agent_by: found.by };
}

/** A part of the document, and the agents that receive it. Reviewers, judges and planners receive the whole document too. */
interface Section {
  readonly line: number;
  readonly title: string;
  readonly to: string;
  /** The fields of a task; empty: none. */
  readonly read: string;
}

/** The plan's fields that have an effect. */
function headerRows(document: PlanDocument): [string, string][] {
  const { goal, architecture, techStack, topic, host, issues, after, budget, land, repo } = document;
  const rows: [string, string | null][] = [
    ['goal', goal],
    ['architecture', architecture],
    ['tech stack', techStack],
    ['topic', topic],
    ['host', host],
    ['issue', issues.length === 0 ? null : issues.join(', ')],
    ['after', after.length === 0 ? null : after.join(', ')],
    ['budget', budget === null ? null : amountsText(budget)],
    ['land', land === null ? null : land.folders.join(', ')],
    ['repo', repo?.name ?? null],
  ];
  return rows.flatMap(([name, value]) => (value === null ? [] : [[name, value]]));
}

function fieldsOf(task: PlanTask, small: string | null): string {
  const { isDone, check, files, after, repo } = task;
  const found = taskAgent(taskFacts(task), small);
  const fields = [
    isDone ? 'done' : null,
    repo === null ? null : `repo: ${repo}`,
    found === null ? null : `agent: ${found.by === 'plan' ? found.agent : taskAgentText(found)}`,
    check === null ? null : `check: ${check}`,
    files.length === 0 ? null : `files: ${files.join(', ')}`,
    after.length === 0 ? null : `after: ${after.map((number) => `task ${number}`).join(', ')}`,
  ];
  return fields.filter((field) => field !== null).join('; ');
}

/** The sections with the line numbers of the original text, which may not be in stator's own form. */
function sectionsOf({ document, lineOf }: PlanReading, small: string | null): Section[] {
  const { waves, notes } = document;
  const tasks = waves.flatMap((wave) =>
    wave.tasks.map((task) => {
      const { line, number, title } = task;
      const to = `the coder of ${taskName(wave.number, number)}`;
      return { line: lineOf(line), title: `Task ${number}: ${title}`, to, read: fieldsOf(task, small) };
    }),
  );
  const texts = notes.map(({ line, title, wave, text }) => ({
    line: lineOf(line),
    title: title === '' ? firstLine(text) : title,
    to: wave === null ? 'every agent' : `every coder of wave ${wave}`,
    read: '',
  }));
  return [...tasks, ...texts].sort((a, b) => a.line - b.line);
}

function firstLine(text: string): string {
  const [first = ''] = text.trim().split(/[\r\n]/, 1);
  return first.replace(/^#{1,6}\s*/, '');
}
