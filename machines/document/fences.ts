/** Watches the code fences of a plan: for one that is never closed, and for wave and task headings that they hide, since headings in code are text. */

import { readHeading } from './headings.ts';
import { type Fence, type MarkdownLine, openedFence } from './markdown-lines.ts';
import type { PlanProblem } from './shape.ts';

export interface FenceWatch {
  /** A line that belongs to a fence. */
  read(line: MarkdownLine, fence: Fence): void;
  /** The fences that were not closed where they were meant to be, at the lines that open them. */
  problems(): PlanProblem[];
  /** The problem of a document in which no wave was found; `commented` is the line of one in a comment. */
  withoutWaves(commented: number | null): PlanProblem;
}

interface SeenFence {
  fence: Fence;
  /** The line of the first wave or task heading inside. */
  hidden: number | null;
  isClosed: boolean;
  /** After that heading there is a line that would open another fence, so this one should have been closed before. */
  holdsOpening: boolean;
}

export function createFenceWatch(): FenceWatch {
  const suspects: SeenFence[] = [];
  let seen: SeenFence | null = null;
  let firstWave: { line: number; fence: Fence } | null = null;

  return {
    read(line, fence) {
      if (seen?.fence !== fence) seen = { fence, hidden: null, isClosed: false, holdsOpening: false };
      if (line.part === 'close') seen.isClosed = true;
      if (line.part !== 'content') return;
      const kind = readHeading(line.text).heading?.kind;
      if (kind === 'wave') firstWave ??= { line: line.number, fence };
      if ((kind === 'wave' || kind === 'task') && seen.hidden === null) {
        seen.hidden = line.number;
        suspects.push(seen);
      }
      if (seen.hidden !== null && opensAnother(line.text, fence)) seen.holdsOpening = true;
    },
    problems() {
      const open = seen === null || seen.isClosed || seen.hidden !== null ? [] : [openProblem(seen)];
      return [...suspects.filter((suspect) => !suspect.isClosed || suspect.holdsOpening).map(hidingProblem), ...open];
    },
    withoutWaves(commented) {
      const message = 'no wave headers found in plan; add ## Wave N sections before implementing';
      if (firstWave === null && commented !== null) {
        const found = `the wave header in line ${commented} is inside a comment`;
        return { line: commented, message: `${message} (${found}; end the comment above it with -->)` };
      }
      if (firstWave === null) return { line: 1, message };
      const { line, fence } = firstWave;
      const found = `the wave header in line ${line} is inside the code fence that opens in line ${fence.line}`;
      const advice = `close the fence above it with a line ${shownMarker(fence)}, or remove the fence`;
      return { line: fence.line, message: `${message} (${found}; ${advice})` };
    },
  };
}

function opensAnother(text: string, fence: Fence): boolean {
  const found = openedFence(text.trimStart(), 0);
  return found?.marker.startsWith(fence.marker) === true && /^[A-Za-z]/.test(found.info);
}

function hidingProblem({ fence, hidden }: SeenFence): PlanProblem {
  const found = `the code fence that opens here hides the heading in line ${hidden}`;
  const advice = `close it above that heading with a line ${shownMarker(fence)}, or give an example a longer fence`;
  return { line: fence.line, message: `${found}; ${advice}` };
}

function openProblem({ fence }: SeenFence): PlanProblem {
  const found = 'the code fence that opens here is never closed';
  return { line: fence.line, message: `${found}; close it with a line ${shownMarker(fence)} where the code ends` };
}

function shownMarker(fence: Fence): string {
  return fence.marker.length > 20 ? 'like that one' : fence.marker;
}
