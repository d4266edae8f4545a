/** `stator plan check`: reads a plan without registering it; needs no store and no repo. */
import { type PlanDocument, type PlanProblem, parsePlan } from '../../machines/plan-document.ts';
import { defineVerb } from '../command.ts';
import { openPlanFile } from '../plan-file.ts';
import { counted, plain } from '../text.ts';

export default defineVerb({
  summary: 'Read a plan without registering it: exit 0, or 1 with every problem.',
  args: { file: { type: 'positional', description: 'a markdown file' } },
  examples: ['stator plan check docs/plans/login.md'],
  async run({ file }, { cwd, out }) {
    const { name, read } = openPlanFile(cwd, file);
    const parsed = 'content' in read ? parsePlan(read.content) : unread(read.problem);
    out.answer(checkShape(name, parsed), () => {
      if (!parsed.ok) return parsed.problems.map(({ line, message }) => `${file}:${line}: ${plain(message)}`);
      const { waves } = parsed.document;
      const tasks = waves.reduce((sum, wave) => sum + wave.tasks.length, 0);
      return out.quiet ? [] : [`${file}: ${counted(waves.length, 'wave')}, ${counted(tasks, 'task')}, no problems`];
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
  const document = { title: null, goal: null, architecture: null, techStack: null, topic: null, after: [], waves: [] };
  return { ok: false, document, problems: [problem] };
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
  return { ok, name, goal, architecture, tech_stack: techStack, topic, after, waves, problems };
}
