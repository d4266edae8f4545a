/**
 * `stator run` as a separate process, and its facts about the plan for the editor. The process continues over several turns while a question waits
 * for its answer.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { FactEntry, RunFinished } from '../../runtime/api/client/client.ts';
import { inPackage } from '../../runtime/base/platform/package-files.ts';
import type { Call } from '../command.ts';
import type { ErrorMessage } from '../output.ts';
import { factLines } from '../run/fact-line.ts';
import type { PlanAddress } from '../session.ts';
import type { ShownPlan } from './shown-plan.ts';

export interface RunParts {
  readonly call: Call;
  readonly shown: ShownPlan;
  /** The arguments of `stator run`. */
  readonly words: readonly string[];
  readonly input: string;
  /** Called with the plan's address at each fact about the plan. */
  readonly onPlan: (of: PlanAddress) => void;
  readonly say: (text: string) => void;
}

export interface RunEnded {
  readonly code: number | null;
  /** The run's messages about failures. */
  readonly trouble: string;
  readonly finished: RunFinished | null;
}

export interface PlanRun {
  readonly shown: ShownPlan;
  readonly ended: Promise<RunEnded>;
  hasEnded(): boolean;
  interrupt(): void;
}

/** The number of characters of these messages that are kept: the last ones. */
const troubleLength = 4_000;

export function startRun({ call, shown, words, input, onPlan, say }: RunParts): PlanRun {
  const stator = inPackage('dist', 'bin', 'stator.js');
  const child = spawn(process.execPath, [stator, 'run', ...words, '--json', '--yes'], {
    cwd: call.cwd,
    env: call.env,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let trouble = '';
  let finished: RunFinished | null = null;
  let isOver = false;
  child.stderr.on('data', (chunk: Buffer) => {
    trouble = `${trouble}${chunk.toString()}`.slice(-troubleLength);
  });
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  createInterface({ input: child.stdout }).on('line', (line) => {
    const said = lineOf(line);
    if (said?.type === 'run_finished') finished = said;
    if (said?.type !== 'fact' || said.project === null || said.plan === null) return;
    const of = { project: said.project, plan: said.plan };
    onPlan(of);
    shown.watch(of);
    for (const text of factLines(said, shown.around()) ?? []) say(text);
  });
  const ended = once(child, 'close').then(async ([code]): Promise<RunEnded> => {
    await shown.stop(finished);
    isOver = true;
    return { code: code as number | null, trouble: troubleText(trouble), finished }; // as node says it
  });
  return { shown, ended, hasEnded: () => isOver, interrupt: () => void child.kill('SIGINT') };
}

/** null: the line was not written by `run --json`. */
function lineOf(line: string): ({ readonly type: 'fact' } & FactEntry) | RunFinished | null {
  try {
    return JSON.parse(line) as ({ readonly type: 'fact' } & FactEntry) | RunFinished; // as `run` writes them
  } catch {
    return null; // another program wrote it
  }
}

/** Errors of `--json` as text for a person. Other lines stay as they are. */
function troubleText(lines: string): string {
  return lines
    .trim()
    .split('\n')
    .map((line) => {
      try {
        const { error, log = '', hint } = JSON.parse(line) as ErrorMessage; // as `run` writes them
        return [error, log, hint].filter((text) => text !== '').join('\n');
      } catch {
        return line;
      }
    })
    .join('\n');
}
