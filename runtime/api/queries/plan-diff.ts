/** The changes of a plan, or of one task, read from git alone: all in one text, as a list of files, and file by file. */
import { EngineError } from '../../../machines/vocabulary/errors.ts';
import { filesWithStates } from '../../work/git/change-list.ts';
import { changesBetween, diffStat, diffText, textOfOne } from '../../work/git/diff.ts';
import type { FileDiff, PlanChanges, PlanDiff } from '../contract/plans.ts';
import { planRange, type RangeParts, type RangeQuestion } from './plan-range.ts';

/** The most files of one list; a longer one continues with `after`. */
const listedFiles = 1_000;
/** The most characters of one part of a file's changes: a few thousand lines. */
const partChars = 256 * 1024;

export type DiffQuestion = Omit<RangeQuestion, 'since'>;

/** Throws as `planRange` says, and git's errors. */
export async function planDiff(parts: RangeParts, question: DiffQuestion): Promise<PlanDiff> {
  const { project, plan } = question;
  const { repository, task, from, to } = await planRange(parts, question);
  const changes = await changesBetween(repository, from, to);
  const { text, leftOut } = await diffText(repository, from, to, changes);
  return {
    ...{ project, plan, task, from, to },
    files: [...changes.files],
    total: changes.total,
    stat: await diffStat(repository, from, to, ['--no-renames']),
    diff: text,
    files_left_out: leftOut,
  };
}

export interface ChangesQuestion extends RangeQuestion {
  /** How many files are left out, because an earlier answer had them. */
  readonly after?: number | undefined;
}

/** The files without their texts. Throws the same. */
export async function planChanges(parts: RangeParts, question: ChangesQuestion): Promise<PlanChanges> {
  const { project, plan, since = null, after = 0 } = question;
  const { repository, task, from, to } = await planRange(parts, question);
  const { files, total } = await filesWithStates(repository, { from, to }, { after, most: listedFiles });
  const end = after + files.length;
  return { project, plan, task, since, from, to, total, files, next: end < total.files ? end : null };
}

export interface FileQuestion extends RangeQuestion {
  readonly path: string;
  /** The offset in the text at which this part begins. */
  readonly after?: number | undefined;
  /** Unchanged lines around each change; default: as git has it. */
  readonly context?: number | undefined;
}

/** A part of what has changed in one file. Throws the same, and `not_found` for a file that has not changed. */
export async function planFileDiff(parts: RangeParts, question: FileQuestion): Promise<FileDiff> {
  const { project, plan, path, after = 0, context } = question;
  const { repository, task, from, to } = await planRange(parts, question);
  const whole = await textOfOne(repository, { from, to, path, context });
  if (whole === '')
    throw new EngineError('not_found', `${JSON.stringify(path)} has not changed there`, 'read the list of files again');
  const end = endOfPart(whole, after);
  const text = whole.slice(after, end);
  return { project, plan, task, path, from, to, text, next: end < whole.length ? end : null };
}

/** Ends at a line's end; inside a line that is longer than a part, but never inside a character. */
function endOfPart(whole: string, from: number): number {
  const end = from + partChars;
  if (end >= whole.length) return whole.length;
  const lineEnd = whole.lastIndexOf('\n', end - 1) + 1;
  if (lineEnd > from) return lineEnd;
  return (whole.codePointAt(end - 1) ?? 0) > 0xffff ? end - 1 : end;
}
