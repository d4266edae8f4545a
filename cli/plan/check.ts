/** `stator plan check`: reads a plan without registering it; needs no store and no repo. */
import {
  checksOutsideTasks,
  checksUnread,
  headingsUnread,
  type PlanDocument,
  type PlanProblem,
  type PlanTask,
} from '../../machines/document/plan-document.ts';
import { type PlanReading, readPlan } from '../../machines/document/read-plan.ts';
import { amountsText } from '../../machines/vocabulary/budget.ts';
import { readStdin } from '../ask.ts';
import { type Call, defineVerb } from '../command.ts';
import { forceFileArgs, openPlanFile, type PlanFile, readingText, readPlanText } from '../plan-file.ts';
import { counted, cut, plain, plainLines } from '../text.ts';
import { orderLines } from './order-lines.ts';

export default defineVerb({
  summary:
    'Check a plan without registering it. Prints its sections and which agents get each, or every problem (exit code 1).',
  args: {
    file: { type: 'positional', description: 'a file, or the folder of one; - is standard input' },
    'as-plan': { type: 'boolean', description: "print it in stator's own form" },
    as: forceFileArgs.as,
  },
  examples: ['stator plan check docs/plans/login.md', 'stator plan check specs/001-cart --as-plan'],
  async run({ file, as, 'as-plan': asPlan = false }, call) {
    const { out } = call;
    const { name, read } = await opened(call, file, as);
    const parsed = 'reading' in read ? read.reading : unread(read.problem);
    if (asPlan && parsed.ok && !out.json) {
      out.stdout.write(out.stdout.isTTY === true ? plainLines(parsed.content) : parsed.content);
      return 0;
    }
    out.answer({ ...checkShape(name, parsed), ...(asPlan ? { content: parsed.content } : {}) }, () => {
      if (!parsed.ok) return parsed.problems.map(({ line, message }) => `${file}:${line}: ${plain(message)}`);
      const { waves } = parsed.document;
      const tasks = waves.reduce((sum, wave) => sum + wave.tasks.length, 0);
      if (out.quiet) return [];
      const done = waves.flatMap((wave) => wave.tasks).filter(({ isDone }) => isDone).length;
      const progress = done === 0 ? '' : `, ${done} done`;
      const found = `${file}: ${counted(waves.length, 'wave')}, ${counted(tasks, 'task')}${progress}, no problems`;
      const family = parsed.family === 'stator' ? [] : [`${file}: ${readingText(parsed)}`];
      const rows = sectionsOf(parsed.document).map(({ line, title, to, read }) => [
        String(line),
        cut(title, 60),
        to,
        cut(read, 80),
      ]);
      const remarks = [...parsed.remarks, ...remarksOn(parsed.document)].map(
        ({ line, message }) => `${file}:${line}: note: ${message}`,
      );
      const header = headerRows(parsed.document).map(([name, value]) => `  ${name}: ${plain(value)}`);
      const headings = ['line', 'section', 'goes to', 'read in it'];
      // The last column only where there is something in it.
      const width = rows.some((row) => row.at(-1) !== '') ? headings.length : headings.length - 1;
      const shown = rows.map((row) => row.slice(0, width));
      const order = orderLines(parsed.document);
      return [...family, found, ...remarks, ...header, ...order, ...out.table(headings.slice(0, width), shown, '')];
    });
    return parsed.ok ? 0 : 1;
  },
});

function unread(problem: PlanProblem): PlanReading {
  return { ...readPlan({ text: '', path: '', beside: [] }), problems: [problem] };
}

async function opened(call: Call, file: string, as: string | undefined): Promise<Pick<PlanFile, 'name' | 'read'>> {
  if (file !== '-') return openPlanFile(call.cwd, file, { as });
  const { name, reading } = readPlanText(await readStdin(call, 'the plan'), { name: 'standard-input', as });
  return { name, read: { reading } };
}

function checkShape(name: string, { ok, document, problems, family, remarks: found }: PlanReading) {
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
  const remarks = [...found, ...remarksOn(document)].sort((a, b) => a.line - b.line);
  return {
    ok,
    name,
    family,
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
