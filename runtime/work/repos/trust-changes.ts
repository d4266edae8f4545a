/** The changes between two states of a repo's files, as lines for people: removed ones with `- `, new ones with `+ `, then prompts line by line. */
import { printable } from '../../base/config/config.ts';

export interface TrustedState {
  readonly enables: readonly string[];
  /** The texts of the prompts, by name. */
  readonly prompts: Readonly<Record<string, string>>;
}

/** The most lines of one prompt; for more a person opens the file. */
const shownPromptLines = 40;
/** The most lines of both sides; a longer prompt is shown as wholly removed and wholly new. */
const comparedLines = 1_000;

/** Empty if nothing has changed. */
export function trustChanges(before: TrustedState, after: TrustedState): string[] {
  const lines = [
    ...before.enables.filter((line) => !after.enables.includes(line)).map((line) => `- ${line}`),
    ...after.enables.filter((line) => !before.enables.includes(line)).map((line) => `+ ${line}`),
  ];
  const names = [...new Set([...Object.keys(before.prompts), ...Object.keys(after.prompts)])].sort();
  return [
    ...lines,
    ...names.flatMap((name) => promptChanges(name, before.prompts[name] ?? '', after.prompts[name] ?? '')),
  ];
}

function promptChanges(name: string, before: string, after: string): string[] {
  if (before === after) return [];
  const changes = lineDiff(linesOf(before), linesOf(after)).map(
    (line) => `    ${line.split('\t').map(printable).join('\t')}`,
  );
  const more = changes.length - shownPromptLines;
  const rest = more > 0 ? [`    … ${more} more lines of .stator/prompts/${name}.md`] : [];
  return [`  prompt ${name}:`, ...changes.slice(0, shownPromptLines), ...rest];
}

function linesOf(text: string): string[] {
  return text === '' ? [] : text.replace(/\n$/, '').split('\n');
}

/** The lines that only one side has, in order. Uses a longest common subsequence, without the common beginning and end. */
function lineDiff(before: readonly string[], after: readonly string[]): string[] {
  let start = 0;
  while (start < before.length && start < after.length && before[start] === after[start]) start += 1;
  let end = 0;
  while (end < before.length - start && end < after.length - start && before.at(-1 - end) === after.at(-1 - end))
    end += 1;
  const [old, fresh] = [before.slice(start, before.length - end), after.slice(start, after.length - end)];
  if (old.length + fresh.length > comparedLines)
    return [...old.map((line) => `- ${line}`), ...fresh.map((line) => `+ ${line}`)];
  // The number of common lines from here on.
  const common = Array.from({ length: old.length + 1 }, () => new Array<number>(fresh.length + 1).fill(0));
  const at = (row: number, column: number) => common[row]?.[column] ?? 0;
  for (let row = old.length - 1; row >= 0; row -= 1)
    for (let column = fresh.length - 1; column >= 0; column -= 1) {
      const line = common[row];
      if (line === undefined) continue;
      line[column] =
        old[row] === fresh[column] ? at(row + 1, column + 1) + 1 : Math.max(at(row + 1, column), at(row, column + 1));
    }
  const changes: string[] = [];
  let [row, column] = [0, 0];
  while (row < old.length || column < fresh.length) {
    if (row < old.length && column < fresh.length && old[row] === fresh[column]) {
      row += 1;
      column += 1;
    } else if (column >= fresh.length || (row < old.length && at(row + 1, column) >= at(row, column + 1))) {
      changes.push(`- ${old[row]}`);
      row += 1;
    } else {
      changes.push(`+ ${fresh[column]}`);
      column += 1;
    }
  }
  return changes;
}
