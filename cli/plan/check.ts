/** `stator plan check`: reads a plan without registering it; needs no store and no repo. */
import {
  checksOutsideTasks,
  checksUnread,
  headingsUnread,
  type PlanDocument,
  type PlanProblem,
  parsePlan,
} from '../../machines/document/plan-document.ts';
import { defineVerb } from '../command.ts';
import { openPlanFile } from '../plan-file.ts';
import { counted, cut, plain } from '../text.ts';

export default defineVerb({
  summary: 'Read a plan without registering it: 0 with its sections and who is told of each, or 1 with every problem.',
  args: { file: { type: 'positional', description: 'a markdown file' } },
  examples: ['stator plan check docs/plans/login.md'],
  async run({ file }, { cwd, out }) {
    const { name, read } = openPlanFile(cwd, file);
    const parsed = 'content' in read ? parsePlan(read.content) : unread(read.problem);
    out.answer(checkShape(name, parsed), () => {
      if (!parsed.ok) return parsed.problems.map(({ line, message }) => `${file}:${line}: ${plain(message)}`);
      const { waves } = parsed.document;
      const tasks = waves.reduce((sum, wave) => sum + wave.tasks.length, 0);
      if (out.quiet) return [];
      const found = `${file}: ${counted(waves.length, 'wave')}, ${counted(tasks, 'task')}, no problems`;
      const rows = sectionsOf(parsed.document).map(({ line, title, to }) => [String(line), cut(title, 60), to]);
      const remarks = remarksOn(parsed.document).map(({ line, message }) => `${file}:${line}: note: ${message}`);
      return [found, ...remarks, ...out.table(['line', 'section', 'goes to'], rows, '')];
    });
    return parsed.ok ? 0 : 1;
  },
});

interface Checked {
  readonly ok: boolean;
  readonly document: PlanDocument;
  readonly problems: readonly PlanProblem[];
}

function unread(problem: PlanProblem): Checked {
  return { ok: false, document: parsePlan('').document, problems: [problem] };
}

function checkShape(name: string, { ok, document, problems }: Checked) {
  const { goal, architecture, techStack, topic, after } = document;
  const waves = document.waves.map(({ number, line, tasks }) => ({
    number,
    line,
    tasks: tasks.map((task) => ({
      number: task.number,
      title: task.title,
      line: task.line,
      check: task.check,
      files: task.files,
      after: task.after,
    })),
  }));
  const sections = sectionsOf(document);
  const remarks = remarksOn(document);
  return { ok, name, goal, architecture, tech_stack: techStack, topic, after, waves, sections, problems, remarks };
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
}

function sectionsOf({ waves, notes }: PlanDocument): Section[] {
  const tasks = waves.flatMap((wave) =>
    wave.tasks.map(({ line, number, title }) => {
      return { line, title: `Task ${number}: ${title}`, to: `the coder of w${wave.number}-t${number}` };
    }),
  );
  const texts = notes.map(({ line, title, wave, text }) => ({
    line,
    title: title === '' ? firstLine(text) : title,
    to: wave === null ? 'every agent' : `every coder of wave ${wave}`,
  }));
  return [...tasks, ...texts].sort((a, b) => a.line - b.line);
}

function firstLine(text: string): string {
  const [first = ''] = text.trim().split(/[\r\n]/, 1);
  return first.replace(/^#{1,6}\s*/, '');
}
