/** `stator plan check`: reads a plan without registering it; needs no store and no repo. */
import {
  checksOutsideTasks,
  checksUnread,
  headingsUnread,
  type PlanDocument,
  type PlanProblem,
  type PlanTask,
  parsePlan,
} from '../../machines/document/plan-document.ts';
import { amountsText } from '../../machines/vocabulary/budget.ts';
import { EngineError } from '../../machines/vocabulary/errors.ts';
import { watchSavedFile } from '../../runtime/base/platform/saved-file.ts';
import { type Call, defineVerb } from '../command.ts';
import { openPlanFile } from '../plan-file.ts';
import { counted, cut, plain } from '../text.ts';

export default defineVerb({
  summary:
    'Check a plan without registering it. Prints its sections and which agents get each, or every problem (exit code 1).',
  args: {
    file: { type: 'positional', description: 'a markdown file' },
    watch: { type: 'boolean', description: 'check it again at each save, until Ctrl-C' },
  },
  examples: ['stator plan check docs/plans/login.md', 'stator plan check --watch docs/plans/login.md'],
  async run({ file, watch = false }, call) {
    const { path } = openPlanFile(call.cwd, file);
    if (!watch) return check(file, call);
    if (path === null) throw new EngineError('bad_file', `${file} is a pipe, which nobody saves`, 'name a file');
    check(file, call);
    return untilLeft(file, { path, call });
  },
});

/** The exit code. Throws as `openPlanFile`. */
function check(file: string, { cwd, out }: Call): number {
  const { name, read } = openPlanFile(cwd, file);
  const parsed = 'content' in read ? parsePlan(read.content) : unread(read.problem);
  out.answer(checkShape(name, parsed), () => {
    if (!parsed.ok) return parsed.problems.map(({ line, message }) => `${file}:${line}: ${plain(message)}`);
    const { waves } = parsed.document;
    const tasks = waves.reduce((sum, wave) => sum + wave.tasks.length, 0);
    if (out.quiet) return [];
    const found = `${file}: ${counted(waves.length, 'wave')}, ${counted(tasks, 'task')}, no problems`;
    const rows = sectionsOf(parsed.document).map(({ line, title, to, read }) => [
      String(line),
      cut(title, 60),
      to,
      cut(read, 80),
    ]);
    const remarks = remarksOn(parsed.document).map(({ line, message }) => `${file}:${line}: note: ${message}`);
    const header = headerRows(parsed.document).map(([name, value]) => `  ${name}: ${plain(value)}`);
    const headings = ['line', 'section', 'goes to', 'read in it'];
    // The last column only where there is something in it.
    const width = rows.some((row) => row.at(-1) !== '') ? headings.length : headings.length - 1;
    const shown = rows.map((row) => row.slice(0, width));
    return [found, ...remarks, ...header, ...out.table(headings.slice(0, width), shown, '')];
  });
  return parsed.ok ? 0 : 1;
}

/** An editor that takes the file away and writes it anew is waited for this long. */
const lookMs = 1_000;
const quietMs = 100;

/** Ends with the process only: Ctrl-C leaves it. */
function untilLeft(file: string, { path, call }: { readonly path: string; readonly call: Call }): Promise<never> {
  const { out } = call;
  const say = (text: string) => out.remark(`${new Date().toTimeString().slice(0, 8)} ${text}`);
  watchSavedFile({
    file: path,
    everyMs: lookMs,
    quietMs,
    onSave(isThere) {
      say(isThere ? `${file} was saved` : `${file} is gone; it is checked when it is back`);
      if (!isThere) return;
      try {
        check(file, call);
      } catch (thrown) {
        if (!(thrown instanceof EngineError)) throw thrown;
        out.error(thrown.toJSON());
      }
    },
  });
  say(`waiting for ${file} to be saved; Ctrl-C leaves`);
  return new Promise(() => {});
}

interface Checked {
  readonly ok: boolean;
  readonly document: PlanDocument;
  readonly problems: readonly PlanProblem[];
}

function unread(problem: PlanProblem): Checked {
  return { ok: false, document: parsePlan('').document, problems: [problem] };
}

function checkShape(name: string, { ok, document, problems }: Checked) {
  const { goal, architecture, techStack, topic, issues, after, budget } = document;
  const waves = document.waves.map(({ number, line, tasks }) => ({
    number,
    line,
    tasks: tasks.map((task) => ({
      number: task.number,
      title: task.title,
      line: task.line,
      done: task.isDone,
      check: task.check,
      files: task.files,
      after: task.after,
    })),
  }));
  const sections = sectionsOf(document).map(({ read: _read, ...section }) => section);
  const remarks = remarksOn(document);
  return {
    ok,
    name,
    goal,
    architecture,
    tech_stack: techStack,
    topic,
    issues,
    after,
    budget,
    waves,
    sections,
    problems,
    remarks,
  };
}

/** What is no mistake, and most likely not what its writer meant. */
function remarksOn(document: PlanDocument): PlanProblem[] {
  const { notes } = document;
  const found = [...checksOutsideTasks(notes), ...checksUnread(document), ...headingsUnread(notes)];
  return found.sort((a, b) => a.line - b.line);
}

/** A part of the document, and who is told of it. Reviewers and all others who judge or plan are given the whole document beside. */
interface Section {
  readonly line: number;
  readonly title: string;
  readonly to: string;
  /** The fields of a task; empty where it has none. */
  readonly read: string;
}

/** What was read of the header, without the texts that every agent gets. */
function headerRows({ topic, issues, after, budget }: PlanDocument): [string, string][] {
  const rows: [string, string | null][] = [
    ['topic', topic],
    ['issue', issues.length === 0 ? null : issues.join(', ')],
    ['after', after.length === 0 ? null : after.join(', ')],
    ['budget', budget === null ? null : amountsText(budget)],
  ];
  return rows.flatMap(([name, value]) => (value === null ? [] : [[name, value]]));
}

function fieldsOf({ isDone, check, files, after }: PlanTask): string {
  const fields = [
    isDone ? 'done' : null,
    check === null ? null : `check: ${check}`,
    files.length === 0 ? null : `files: ${files.join(', ')}`,
    after.length === 0 ? null : `after: ${after.map((number) => `task ${number}`).join(', ')}`,
  ];
  return fields.filter((field) => field !== null).join('; ');
}

function sectionsOf({ waves, notes }: PlanDocument): Section[] {
  const tasks = waves.flatMap((wave) =>
    wave.tasks.map((task) => {
      const { line, number, title } = task;
      const to = `the coder of w${wave.number}-t${number}`;
      return { line, title: `Task ${number}: ${title}`, to, read: fieldsOf(task) };
    }),
  );
  const texts = notes.map(({ line, title, wave, text }) => ({
    line,
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
