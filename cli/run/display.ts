/** What a person, a pipe or a program sees of a run: a moving picture, plain lines, or JSON. */
import type { FactEntry, InstanceEntry, PlanShow, RunFinished } from '../../runtime/control/client.ts';
import type { Output } from '../output.ts';
import { factLine } from './fact-line.ts';
import { frame } from './frame.ts';
import { createScreen } from './screen.ts';

export interface Moment {
  readonly plan: PlanShow;
  readonly instances: readonly InstanceEntry[];
  /** New ones, in order. */
  readonly facts: readonly FactEntry[];
  readonly footer: string;
}

export interface Display {
  show(moment: Moment): void;
  /** A plain line of our own. */
  say(text: string): void;
  /** Under --json the last line of all. */
  finish(finished: RunFinished): void;
  /** Before anything else is printed; may be called twice. The last picture stays where it is of an end. */
  close(options?: { isEnd: boolean }): void;
}

export function createDisplay(out: Output, startedMs: number): Display {
  if (out.json) return jsonDisplay(out);
  return out.stdout.isTTY === true && !out.quiet && out.env.TERM !== 'dumb'
    ? terminalDisplay(out, startedMs)
    : lineDisplay(out);
}

function jsonDisplay(out: Output): Display {
  return {
    show: ({ facts }) => out.print(...facts.map((fact) => JSON.stringify({ type: 'fact', ...fact }))),
    say: () => {},
    finish: (finished) => out.print(JSON.stringify(finished)),
    close: () => {},
  };
}

function linesOf({ facts, plan }: Moment): string[] {
  return facts.map((fact) => factLine(fact, plan)).filter((line) => line !== null);
}

function lineDisplay(out: Output): Display {
  return {
    show(moment) {
      if (!out.quiet) out.print(...linesOf(moment));
    },
    say: (text) => out.say(text),
    finish: () => {},
    close: () => {},
  };
}

function terminalDisplay(out: Output, startedMs: number): Display {
  const screen = createScreen(out.stdout);
  let block: string[] = [];
  return {
    show(moment) {
      block = frame({
        ...moment,
        width: out.stdout.columns ?? 80,
        height: out.stdout.rows ?? 24,
        nowMs: Date.now(),
        startedMs,
        paint: out.paint,
      });
      screen.draw(linesOf(moment), block);
    },
    say: (text) => screen.draw([text], block),
    finish: () => {},
    close: ({ isEnd } = { isEnd: false }) => screen.close({ keepsBlock: isEnd }),
  };
}
