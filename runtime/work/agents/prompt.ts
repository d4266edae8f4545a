/**
 * Builds an agent's prompt: the template of its role (prompts/*.md, or the repo's own), filled with the plan, the work and the history of the run. An agent
 * with a resumed conversation gets the template `resume` instead, with only the news.
 */
import type { EarlierTask } from './prompts/earlier-waves.ts';
import { feedbackOf } from './prompts/feedback.ts';
import type { GivenNotes } from './prompts/notes.ts';
import type { Values } from './prompts/placeholders.ts';
import { namesIn, render, sectionOf } from './prompts/template.ts';
import { builtIn, type OwnTemplates, type TemplateName, templateFor } from './prompts/template-files.ts';
import { valuesOf } from './prompts/values.ts';
import type { RunBrief } from './run-brief.ts';

export interface PromptOptions {
  /** The repo's own templates, which take precedence. Default: the built-in ones. */
  readonly own?: OwnTemplates;
  /** The base of the plan's branch. */
  readonly base?: string;
  /** How many lines a verifier may correct itself. Default 0. */
  readonly selfFixMaxLines?: number;
  /** The full verdict, if the run has only a part of it. */
  readonly wholeVerdict?: string | null;
  /** The path of the whole plan. */
  readonly planFile?: string;
  /** The changes of tasks in earlier waves. */
  readonly earlier?: readonly EarlierTask[];
  /** The notes about the repo. Default: none. */
  readonly notes?: GivenNotes;
  /** The place of the whole feedback if only a part is in the prompt, as the end of a sentence. */
  readonly feedbackFile?: string;
}

export interface Prompt {
  /** Markdown, ending with a newline. */
  readonly text: string;
  /** The path of the repo's own template, or `built-in`. */
  readonly source: string;
  /** The whole feedback if the text has only a part: the caller writes it to `feedbackFile`. */
  readonly wholeFeedback: string | null;
}

/** The section of every built-in prompt about how to end. */
const ending = 'How to end';

/**
 * The prompt of a run. Texts of others are cut at 16 KiB, feedback at 40 KiB, documents at 256 KiB, notes of the plan at 64 KiB, each with a note of how much
 * is missing and where the whole is. A repo's own template without `{{signals}}` gets them at its end: an agent that cannot send signals cannot finish.
 * Throws `agent_unusable` if the document has no such task, `bad_config` for an unusable template.
 */
export function composePrompt(brief: RunBrief, options: PromptOptions = {}): Prompt {
  const own: TemplateName = brief.run.chooses === true ? 'choose' : brief.run.role;
  const rest = options.feedbackFile ?? `stator signal list --json, the last verdict on plan ${brief.plan}`;
  const feedback = feedbackOf(brief.run.feedback, options.wholeVerdict ?? null, rest);
  const around = {
    base: options.base ?? null,
    selfFixMaxLines: options.selfFixMaxLines ?? 0,
    feedback: feedback?.text ?? null,
    planFile: options.planFile ?? null,
    earlier: options.earlier ?? [],
    notes: options.notes ?? { rows: [], tokens: 0 },
  };
  const known: Values = { ...valuesOf(brief, around), signals: null };
  const values: Values = { ...known, signals: signalsOf(own, known) };
  const template = templateFor(brief.conversation ? 'resume' : own, options.own ?? null);
  const { source } = template;
  const isSilent = source !== 'built-in' && !namesIn(template).has('signals');
  const text = render(template, values);
  const sections = isSilent ? [text, `## ${ending}`, values.signals] : [text];
  return {
    text: `${sections.filter((section) => section !== '').join('\n\n')}\n`,
    source,
    wholeFeedback: feedback?.whole ?? null,
  };
}

function signalsOf(name: TemplateName, values: Values): string {
  return render(sectionOf(builtIn(name), ending), values);
}
