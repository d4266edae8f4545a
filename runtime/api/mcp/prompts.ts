/** Prompts for planning. A person selects one in their program, to have a plan written, improved or carried out. */
import { z } from 'zod';
import { line } from '../control/requests.ts';
import { type McpCaller, withCaller } from './caller.ts';
import { planOf, projectOf } from './tool.ts';

const form = `A plan is one markdown document:

- \`# <title>\`, then header lines, each at the start of its line: \`**Goal:**\`, \`**Architecture:**\`, \`**Tech Stack:**\`.
- Waves run one after the other: \`## Wave 1\`, \`## Wave 2\`, in order, each with at least one task.
- The tasks of a wave run at the same time, each by an agent that gets only its own task: \`### Task 1: <title>\`, and below it all that the agent needs to know: what, where, how it will be judged.
- In a task, each on a line of its own, where useful: \`**Files:** a.ts, b.ts\` (what it changes), \`**Check:** npm test\` (must exit 0 before the task counts as done), \`**After:** 1, 2\` (tasks of the same wave that come first).
- What holds for all tasks is in a section of its own before the first wave. What one task needs from another belongs into a later wave. Few large tasks beat many small ones.`;

const more = { project: line(255).optional() };

interface Prompt {
  readonly name: string;
  readonly does: string;
  readonly input: z.ZodObject;
  readonly text: (values: Readonly<Record<string, string>>, caller: McpCaller) => Promise<string>;
}

export const prompts: readonly Prompt[] = [
  {
    name: 'plan',
    does: 'Write a plan for an idea, register it and start it.',
    input: z.strictObject({ idea: z.string().min(1).max(65_536), ...more }),
    text: async ({ idea = '', project }) => `Write a plan for stator, which runs it through coding agents.

The idea: ${idea}

Read the repository first. Ask me about what only I can decide.

${form}

Then:

1. Show me the plan, and change it as I say.
2. Register it: task_create with name and content${project === undefined ? '' : `, project ${project}`}. If the document has a mistake, the answer names its line.
3. When I say so, start it: task_transition with event implement_start. task_preview says before what will start.
4. Wait with wait_for_event, until "person". When it needs me, say why (task_explain) and what I can do.
5. When it is done, show me task_diff. Merge it with task_merge only when I say so.`,
  },
  {
    name: 'improve_plan',
    does: 'Look at a plan that is registered, and improve its document.',
    input: z.strictObject({ filename: line(256), ...more }),
    text: async ({ filename = '', project }, caller) => {
      const content = await withCaller(caller, 'read', async (client) => {
        const named = await projectOf(caller, client, project);
        return (await client.plan(named, planOf(filename))).content;
      });
      return `Improve this plan of stator before agents carry it out. Read the repository, and look for: tasks of one wave that need each other or write the same files, tasks without a way to judge them, steps that are missing, and words that an agent could take in two ways.

${form}

Show me each change and why. When I agree, replace the document: task_update_content with filename ${filename} and the whole content.

The plan:

${content}`;
    },
  },
  {
    name: 'see_through',
    does: 'Watch a plan to its end, and tell the person when it needs them.',
    input: z.strictObject({ filename: line(256), ...more }),
    text: async ({
      filename = '',
      project,
    }) => `See the plan ${filename} of stator${project === undefined ? '' : ` in ${project}`} through to its end.

Wait with wait_for_event (filename ${filename}, until "person"), and again after each answer. Whenever it needs me, tell me in two sentences why, with what task_explain says, and what I can do. Answer an agent's question (task_answer) only with what I said. When the plan is done, show me task_diff, and merge it with task_merge only when I say so.`,
  },
];
