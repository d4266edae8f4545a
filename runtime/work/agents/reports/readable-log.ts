/**
 * Turns the log of a program that writes JSON lines into text for people: the agent's messages, a line for each tool, and errors. Pure, and the same for a
 * part of a log as for a whole one. The raw lines stay in the run's folder.
 */
import { isProgramPreset } from '../../../base/config/preset-programs.ts';
import { safeText } from '../../../base/platform/terminal-text.ts';
import { programOf } from '../presets/programs.ts';
import { objectOf } from './json-line.ts';
import { type PlanEntry, type Step, troubleLine } from './steps.ts';

/**
 * `text` is the end or another part of a log, in whole lines; an incomplete first line is left out. With `sh`, `command` or an unknown preset it is
 * unchanged. Always without control characters, as `safeText`.
 */
export function readableLog(preset: string | null, text: string): string {
  return readLog(preset, text).text;
}

/** What an agent does now, as far as its log shows it. */
export interface ShownWork {
  /** The tool that it uses now; null: none, or not known. */
  readonly tool: string | null;
  /** Its own to-do list; empty: it wrote none. */
  readonly plan: readonly PlanEntry[];
  readonly context: { readonly used: number; readonly size: number | null } | null;
}

/** The same text, and what the agent does at its end; null: its preset does not report that. */
export function readLog(
  preset: string | null,
  text: string,
): { readonly text: string; readonly work: ShownWork | null; readonly lastLine: string | null } {
  if (preset === null || !isProgramPreset(preset)) {
    const safe = safeText(text);
    return { text: safe, work: null, lastLine: lastOf(safe.split('\n')) };
  }
  const lines = createLines();
  const work = createShownWork();
  for (const line of text.split('\n')) {
    const event = objectOf(line.trimEnd());
    if (event === null) lines.plain(line);
    else
      for (const step of programOf(preset).stepsOf(event)) {
        lines.step(step);
        work.step(step);
      }
  }
  const whole = lines.all().join('\n');
  return {
    text: whole === '' ? '' : `${safeText(whole)}\n`,
    work: work.shown(),
    lastLine: lastOf(
      safeText(
        lines
          .all()
          .filter((line) => !lines.plans.has(line))
          .join('\n'),
      ).split('\n'),
    ),
  };
}

function lastOf(lines: readonly string[]): string | null {
  return lines.findLast((line) => line.trim() !== '') ?? null;
}

function createLines() {
  const shown: string[] = [];
  /** Lines of the agent's to-do list, which is repeated as a whole at each change. */
  const plans = new Set<string>();
  let isOpen = false;
  const add = (line: string) => {
    shown.push(line);
    isOpen = false;
  };
  return {
    plans,
    all: () => shown.map(withoutLastEnds),
    /** An incomplete event is not shown: it is useless to people. */
    plain(line: string): void {
      const text = line.trimEnd();
      const isBroken = text.startsWith('{"') || /["\]}]\}$/.test(text);
      if (text !== '' && !isBroken) add(text);
    },
    step(step: Step): void {
      switch (step.step) {
        case 'said':
          shown.push(isOpen && step.isPiece ? `${shown.pop() ?? ''}${step.text}` : step.text);
          isOpen = step.isPiece;
          break;
        case 'plan':
          for (const { text, state } of step.entries) {
            const line = `${planMarks[state]} ${text}`;
            plans.add(line);
            add(line);
          }
          break;
        case 'tool_end':
          if (step.trouble !== null) add(troubleLine(step.trouble));
          break;
        case 'tool':
        case 'line':
          add(step.text);
          break;
        case 'context':
        case 'over':
          break;
      }
    },
  };
}

const planMarks: Readonly<Record<PlanEntry['state'], string>> = {
  pending: '[ ]',
  in_progress: '[>]',
  completed: '[x]',
};

function createShownWork() {
  const tools = new Map<string, string>();
  let plan: readonly PlanEntry[] = [];
  let used: number | null = null;
  let size: number | null = null;
  return {
    step(step: Step): void {
      if (step.step === 'tool' && step.id !== null && tools.size < toolLimit) tools.set(step.id, step.text);
      if (step.step === 'tool_end' && step.id !== null) tools.delete(step.id);
      if (step.step === 'over') tools.clear();
      if (step.step === 'plan') plan = step.entries;
      if (step.step === 'context') [used, size] = [step.used ?? used, step.size ?? size];
    },
    shown: (): ShownWork => ({
      tool: nullable([...tools.values()].at(-1)),
      plan: plan.map(({ text, state }) => ({ text: safeText(text), state })),
      context: used === null ? null : { used, size },
    }),
  };
}

function nullable(text: string | undefined): string | null {
  return text === undefined ? null : safeText(text);
}

/** The most open tools: an agent that ends none must not fill the memory. */
const toolLimit = 1_000;

/** Without a regular expression, which needs quadratic time for a text of only line ends. */
function withoutLastEnds(text: string): string {
  let end = text.length;
  while (end > 0 && text[end - 1] === '\n') end--;
  return text.slice(0, end);
}
