/** The prompt's part about earlier waves: their tasks, and the files that these changed. */

import type { PlanDocument } from '../../../../machines/document/plan-document.ts';
import { shortList } from '../../../../machines/vocabulary/numbers.ts';
import type { ChangedFile } from '../../git/diff.ts';
import { excerpt, oneLine } from './quotation.ts';

/** A task of an earlier wave. */
export interface EarlierTask {
  readonly wave: number;
  readonly task: number;
  /** null: the task has no work on the plan's branch, or it is no longer known. */
  readonly files: readonly ChangedFile[] | null;
}

const shownFiles = 15;
const limitBytes = 12 * 1024;

/** A list; null: there is no earlier wave. `rest` names the place of the whole plan. */
export function earlierWaves(
  document: PlanDocument,
  earlier: readonly EarlierTask[],
  { wave, rest }: { readonly wave: number | null; readonly rest: string },
): string | null {
  const lines = document.waves.flatMap(({ number, title, tasks }) => {
    if (wave === null || number >= wave) return [];
    const shown = tasks.map((task) => {
      const files = earlier.find((known) => known.wave === number && known.task === task.number)?.files ?? null;
      return `  - task ${task.number}: ${oneLine(task.title)}${files === null ? '' : `; changed ${fileList(files)}`}`;
    });
    return [`- ${waveName(number, title)}`, ...shown];
  });
  return lines.length === 0 ? null : excerpt(lines.join('\n'), { limitBytes, keep: 'end', rest });
}

export function waveName(number: number, title: string): string {
  return title === '' ? `wave ${number}` : `wave ${number}: ${oneLine(title)}`;
}

function fileList(files: readonly ChangedFile[]): string {
  if (files.length === 0) return 'nothing';
  const texts = files.map(
    ({ path, added, removed }) => `${oneLine(path)} (${added === null ? 'binary' : `+${added} -${removed}`})`,
  );
  return shortList(texts, shownFiles);
}
