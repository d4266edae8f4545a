/** The output of a run: a redrawn picture for a person, plain lines for a pipe, or JSON for a program. */
import { counted } from '../../machines/vocabulary/numbers.ts';
import { clockTime, withLocalTimes } from '../../machines/vocabulary/time-text.ts';
import type { FactEntry, InstanceEntry, PlanShow, RunFinished } from '../../runtime/api/client/client.ts';
import { createAttention } from '../attention.ts';
import type { Call } from '../command.ts';
import { deadlineText, permissionCommand, permissionsOf, permissionText } from '../instance/permission.ts';
import { type Output, sizeOf } from '../output.ts';
import { estimateText } from '../plan/view.ts';
import { type Line, paintLine } from '../spans.ts';
import { brief, cut, plain, plainLines } from '../text.ts';
import { broken, typedLine as inputLine } from '../typed.ts';
import { factLines } from './fact-line.ts';
import { frame } from './frame.ts';
import { type PromptLine, promptLine, type TypedLine, typedLine } from './prompt-line.ts';
import { createScreen } from './screen.ts';

export interface Displayed {
  readonly plan: PlanShow;
  readonly instances: readonly InstanceEntry[];
  /** New facts, the oldest first. */
  readonly facts: readonly FactEntry[];
  readonly footer: string;
}

export interface Display {
  show(displayed: Displayed): void;
  /** Asks the person a question while the picture is redrawn. null: not now (Ctrl-D), or aborted. */
  ask(call: Call, asked: PromptLine): Promise<string | null>;
  say(text: string): void;
  /** Prints the last line of all under --json. */
  finish(finished: RunFinished): void;
  /** Call it before anything else is printed; may be called twice. With `isEnd` the last picture stays on the screen. */
  close(options?: { isEnd: boolean }): void;
}

/** Prints one line at once on a terminal: the engine takes a moment to start, and a question of trust may follow below the line. */
export function showStart(out: Output, file: string): void {
  if (isMoving(out)) out.print(out.paint('dim', cut(`starting ${file}`, sizeOf(out.stdout).width)));
}

/** Loads the modules for the display, so call it after `showStart`. */
export async function createDisplay(out: Output, startedMs: number): Promise<Display> {
  if (out.json) return jsonDisplay(out);
  if (!isMoving(out)) return lineDisplay(out);
  const { wantsAttention } = await import('../wants-attention.ts');
  return terminalDisplay(out, { startedMs, rings: wantsAttention(out.env) });
}

function isMoving({ json, quiet, stdout, env }: Output): boolean {
  return !json && !quiet && stdout.isTTY === true && env.TERM !== 'dumb';
}

function jsonDisplay(out: Output): Display {
  return {
    show: ({ facts }) => out.print(...facts.map((fact) => JSON.stringify({ type: 'fact', ...fact }))),
    ask: promptLine,
    say: () => {},
    finish: (finished) => out.print(JSON.stringify(finished)),
    close: () => {},
  };
}

function linesOf({ facts, plan }: Displayed): string[] {
  return facts.flatMap((fact) => factLines(fact, plan) ?? []);
}

/** The progress of the plan; empty if no task was done since the last call, or all are done. */
function progressLines({ plan }: Displayed, doneBefore: number | null): string[] {
  const { status, tasks, tasks_done: done, wave, waves } = plan;
  const isNews = doneBefore !== null && done !== doneBefore && done > 0;
  if (!isNews || status !== 'implementing' || done === tasks) return [];
  const estimate = estimateText(plan);
  const left = estimate === null ? '' : `; ${estimate}`;
  return [
    `${clockTime(new Date().toISOString())} ${done} of ${counted(tasks, 'task')} done, wave ${wave} of ${waves}${left}`,
  ];
}

/** The open permission questions with their deadlines and commands, each question once. */
function permissionLines({ instances }: Displayed, printed: Set<string>): string[] {
  const open = permissionsOf(instances).filter(({ question }) => !printed.has(question.id));
  for (const { question } of open) printed.add(question.id);
  return open.flatMap((permission) => {
    const { asked_at: at, detail, until } = permission.question;
    const text = `${permissionText(permission)}, ${deadlineText(until, Date.now())}: ${brief(detail)}`;
    return [`${clockTime(at)} ${text}`, `         ${permissionCommand('allow', permission)}, or deny`];
  });
}

type Waiting = NonNullable<PlanShow['waiting_for']>;

function isHindered({ kind }: Waiting): boolean {
  return kind === 'repo' || kind === 'retrying';
}

/** Waits for other plans, agents and machines, which may take hours. */
const waitsForOthers: ReadonlySet<Waiting['kind']> = new Set([
  'slot',
  'engine',
  'topic',
  'plan_limit',
  'after',
  'host',
]);
/** A shorter wait is normal, and is not reported. */
const longWaitMs = 2_000;

/** Measures how long the plan has been waiting for others without a change. */
function createWaitWatch(): { isLong(waiting: Waiting): boolean } {
  let seen: { kind: Waiting['kind']; sinceMs: number } | null = null;
  return {
    isLong({ kind }) {
      const nowMs = performance.now();
      if (seen?.kind !== kind) seen = { kind, sinceMs: nowMs };
      return waitsForOthers.has(kind) && nowMs - seen.sinceMs >= longWaitMs;
    },
  };
}

function lineDisplay(out: Output): Display {
  let printed: string | null = null;
  let done: number | null = null;
  const waits = createWaitWatch();
  const asked = new Set<string>();
  return {
    show(displayed) {
      if (out.quiet) return;
      out.print(...linesOf(displayed), ...progressLines(displayed, done), ...permissionLines(displayed, asked));
      done = displayed.plan.tasks_done;
      // No fact reports this wait, and without a line the plan would seem to work.
      const { waiting_for: waiting } = displayed.plan;
      const isLong = waiting !== null && waits.isLong(waiting);
      const isShown = waiting !== null && (isHindered(waiting) || isLong);
      // Printed once for each wait: the detail may change at every try.
      const wait = isShown ? (waiting.since ?? waiting.detail) : null;
      if (waiting !== null && wait !== null && wait !== printed)
        out.print(plain(withLocalTimes(waiting.detail, Date.now())));
      printed = wait ?? printed;
    },
    ask: promptLine,
    say: (text) => out.say(text),
    finish: () => {},
    close: () => {},
  };
}

function terminalDisplay(out: Output, { startedMs, rings }: { startedMs: number; rings: boolean }): Display {
  const screen = createScreen(out.stdout);
  const attention = createAttention({ stream: out.stdout, env: out.env, isOn: rings });
  let last: Displayed | null = null;
  let asking: { readonly asked: PromptLine; readonly line: TypedLine } | null = null;

  function block(): string[] {
    const { width, height } = sizeOf(out.stdout);
    const below = asking === null ? [] : questionLines(asking.asked, asking.line.text(), { width, height });
    if (last === null) return below.map((line) => paintLine(line, out.paint));
    const size = { width, height: height - below.length };
    const above = frame({ ...last, ...size, nowMs: Date.now(), startedMs, paint: out.paint });
    return [...above, ...below.map((line) => paintLine(line, out.paint))];
  }

  return {
    show(displayed) {
      attention.show(needsOf(displayed), `stator: ${displayed.plan.plan} needs you`);
      last = displayed;
      const { width } = sizeOf(out.stdout);
      screen.draw(
        linesOf(displayed).map((line) => cut(line, width)),
        block(),
      );
    },
    async ask(call, asked) {
      const line = typedLine(call, asked, () => screen.draw([], block()));
      asking = { asked, line };
      // Text that does not fit below the picture is printed above it.
      screen.draw(isWhole(asked, sizeOf(out.stdout)) ? [] : plainLines(asked.question).split('\n'), block());
      try {
        return await line.ended;
      } finally {
        asking = null;
        screen.draw([], block());
      }
    },
    say: (text) => screen.draw(text.split('\n'), block()),
    finish: () => {},
    close({ isEnd } = { isEnd: false }) {
      screen.close({ keepsBlock: isEnd });
      attention.close();
    },
  };
}

/** The most rows for a question. */
function questionRoom(height: number): number {
  return Math.max(3, Math.floor(height / 3));
}

function rowsOf({ question }: PromptLine, width: number): string[] {
  return plainLines(question)
    .split('\n')
    .flatMap((line) => broken(line, Math.max(1, width - 1)));
}

function isWhole(asked: PromptLine, { width, height }: { width: number; height: number }): boolean {
  return rowsOf(asked, width).length <= questionRoom(height);
}

/** The rows of a question below the picture, and of the typed text. */
function questionLines(asked: PromptLine, text: string, size: { width: number; height: number }): Line[] {
  const rows = rowsOf(asked, size.width);
  const room = questionRoom(size.height);
  const shown = rows.length <= room ? rows : [...rows.slice(0, room - 1), '… all of it is above'];
  return [...shown.map((row): Line => [{ tone: 'attention', text: row }]), inputLine(asked.prompt, text, size.width)];
}

/** The needs of a plan: its block, each agent's question, a failed wave. */
function needsOf({ plan, instances }: Pick<Displayed, 'plan' | 'instances'>): string[] {
  const { blocked, questions, phase, wave } = plan;
  return [
    ...(blocked === null ? [] : [`blocked ${blocked.at}`]),
    ...questions.map(({ number }) => `question ${number}`),
    ...(blocked === null && phase === 'wave_waiting' ? [`wave ${wave}`] : []),
    ...instances.flatMap(({ permissions }) => permissions.map(({ id }) => `permission ${id}`)),
  ];
}
