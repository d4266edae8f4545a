/** `stator run` as a process of its own, with what an editor sees of its plan. It goes on from one turn to the next while a question waits for its answer. */
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
  /** Its arguments, and the text for its standard input. */
  readonly words: readonly string[];
  readonly input: string;
  /** Called with its plan at each of the facts of that. */
  readonly onPlan: (of: PlanAddress) => void;
  readonly say: (text: string) => void;
}

export interface RunEnded {
  readonly code: number | null;
  /** Its messages about what went wrong. */
  readonly trouble: string;
  readonly finished: RunFinished | null;
}

export interface PlanRun {
  readonly shown: ShownPlan;
  readonly ended: Promise<RunEnded>;
  hasEnded(): boolean;
  interrupt(): void;
}

/** The last characters of its messages about a failure that are kept. */
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

/** null: no line of the output of `run --json`. */
function lineOf(line: string): ({ readonly type: 'fact' } & FactEntry) | RunFinished | null {
  try {
    return JSON.parse(line) as ({ readonly type: 'fact' } & FactEntry) | RunFinished; // as `run` writes them
  } catch {
    return null; // a word of another program
  }
}

/** Errors of `--json` as a person reads them; other lines as they are. */
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
