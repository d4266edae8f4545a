/** The changes of one file: its header, and the lines near the window with their comments. */
import { counted } from '../machines/vocabulary/numbers.ts';
import { type ChangedWords, changedWords, type Span } from './changed-words.ts';
import {
  blockPart,
  type FileText,
  gitContext,
  isOpen,
  isViewed,
  type ListedFile,
  linesFrom,
  moreContext,
  restPart,
  textOf,
  textPart,
  wholeContext,
} from './changes.ts';
import { commentView, draftView, placeText, threadView } from './comment-view.ts';
import { isAt } from './comments.ts';
import type { DiffLine } from './diff.ts';
import { type Child, h, memo, type View } from './dom.ts';
import { type FileLines, runsOf } from './file-lines.ts';
import { literal } from './format.ts';
import type { Comment, Place, PlanActions, PlanModel, Thread } from './plan-model.ts';
import { type Token, tokensOf } from './syntax.ts';

/** The estimated height of a line in pixels, used until the line is drawn. */
const linePixels = 20;
/** A longer line is cut, and shows the rest on request. */
const shownChars = 2_000;
/** Two lines side by side need this width of the window. */
const sideBySideWidth = '(min-width: 900px)';

/** The id of the head of the file, to which links go. */
export function fileId(path: string): string {
  return `changes-of-${path}`;
}

const foldedWords = {
  generated: 'generated, by .gitattributes',
  lock_file: 'lock file',
  binary: 'binary',
  long: 'over 400 lines',
} satisfies Record<NonNullable<ListedFile['folded']>, string>;

export const stateWords = { added: 'new', changed: '', removed: 'removed' } satisfies Record<
  ListedFile['state'],
  string
>;

/** `+3 −1`; '': a binary file. */
export function sizeOf({ added, removed }: ListedFile): string {
  return added === null || removed === null ? '' : `+${added} −${removed}`;
}

export function foldedOf({ folded }: ListedFile): string {
  return folded === null ? '' : foldedWords[folded];
}

interface FileParts {
  readonly file: ListedFile;
  readonly model: PlanModel;
  readonly actions: PlanActions;
  /** The comments of this file alone. */
  readonly comments: readonly Comment[];
  readonly draft: Comment | null;
  readonly threads: readonly Thread[];
  readonly isSideBySide: boolean;
}

export function fileView(file: ListedFile, model: PlanModel, actions: PlanActions): View {
  const { changes } = model;
  const own = changes.comments.filter(({ path }) => path === file.path);
  const draft = changes.draft?.path === file.path ? changes.draft : null;
  const isSideBySide = changes.isSideBySide && matchMedia(sideBySideWidth).matches;
  const threads = changes.threads.filter(({ path }) => path === file.path);
  const parts: FileParts = { file, model, actions, comments: own, draft, threads, isSideBySide };
  return h(
    'section',
    { key: file.path, class: 'panel file', 'aria-label': literal(file.path) },
    headView(parts),
    isOpen(changes, file) ? bodyView(parts) : null,
  );
}

function headView({ file, model: { changes }, actions, comments }: FileParts): View {
  const isShown = isOpen(changes, file);
  const text = textOf(changes, file);
  const notes = [stateWords[file.state], foldedOf(file)];
  return h(
    'header',
    null,
    h(
      'button',
      {
        class: 'quiet name',
        id: fileId(file.path),
        'aria-expanded': String(isShown),
        on: { click: () => actions.openFile(file, !isShown) },
      },
      h('span', { 'aria-hidden': 'true', class: 'fold' }, isShown ? '▾' : '▸'),
      literal(file.path),
    ),
    h('span', { class: 'count' }, sizeOf(file)),
    h('span', { class: 'dim' }, notes.filter((note) => note !== '').join(', ')),
    comments.length === 0 ? null : h('span', { class: 'count' }, counted(comments.length, 'comment')),
    h(
      'span',
      { class: 'file-acts' },
      !isShown || text === null || file.state !== 'changed' || file.added === null
        ? null
        : h(
            'button',
            {
              class: 'quiet',
              'aria-pressed': String(text.context === wholeContext),
              on: { click: () => actions.showContext(file, text.context === wholeContext ? null : wholeContext) },
            },
            'whole file',
          ),
      h(
        'label',
        null,
        h('input', {
          type: 'checkbox',
          checked: isViewed(changes, file),
          on: { change: (event) => actions.view(file, (event.target as HTMLInputElement).checked) },
        }),
        'viewed',
      ),
    ),
  );
}

function bodyView(parts: FileParts): View {
  const { file, model, actions } = parts;
  const text = textOf(model.changes, file);
  return h(
    'div',
    {
      class: parts.isSideBySide ? 'lines side-by-side' : 'lines',
      on: { keydown: walk },
      role: 'group',
      'aria-label': `Changes of ${literal(file.path)}`,
    },
    text === null
      ? partView(textPart(file.path), { lines: linesOf(file), model, actions })
      : [
          ...text.lines.blocks.map((block, index) => blockView(index, block, text.lines, parts)),
          text.next === null ? null : partView(restPart(file.path), { lines: 10, model, actions }),
          endOf(text),
        ],
  );
}

/** An estimate of the lines that will be drawn. */
function linesOf({ state, added, removed }: ListedFile): number {
  return (added ?? 0) + (removed ?? 0) + (state === 'changed' ? 7 : 1);
}

/** The last row of a file without lines, or of one that cannot be read further. */
function endOf({ lines, next, nothing }: FileText): View | null {
  if (nothing !== null) return h('p', { class: 'nothing' }, nothing);
  const isEmpty = lines.blocks.length === 0 && next === null;
  return isEmpty ? h('p', { class: 'nothing' }, lines.notes.map(literal).join(', ') || 'No line of it differs.') : null;
}

interface PartOptions {
  /** The estimated number of lines. */
  readonly lines: number;
  readonly model: PlanModel;
  readonly actions: PlanActions;
}

/** An empty element with the height of lines that are not drawn. */
function partView(part: string, { lines, model, actions }: PartOptions): View {
  const height = model.changes.heights.get(part) ?? lines * linePixels;
  return h('div', { key: part, 'data-part': part, style: { height: `${height}px` }, made: actions.watch });
}

/** A file may have thousands of lines, so a block is drawn again only if its input has changed. */
function blockView(index: number, block: readonly DiffLine[], lines: FileLines, parts: FileParts): View {
  const { file, model, actions, comments, draft, threads, isSideBySide } = parts;
  const part = blockPart(file.path, index);
  const isIn = (place: Place) => block.some((line) => isPlaceOf(place, line));
  const own = draft !== null && isIn(draft) ? draft : null;
  if (!model.changes.near.has(part) && own === null) {
    const draw = () => partView(part, { lines: block.length, model, actions });
    return memo(part, { of: block, state: `away ${model.changes.heights.get(part)}`, draw });
  }
  const said = [comments.filter(isIn), own, threads.filter((thread) => block.some((line) => isThreadOf(thread, line)))];
  const draw = () => {
    const rows = isSideBySide ? pairedRows(block, lines, parts) : block.flatMap((line) => lineRows(line, lines, parts));
    return h('div', { key: part, 'data-part': part, made: actions.watch }, rows);
  };
  return memo(part, { of: block, state: JSON.stringify([said, isSideBySide, model.at]), draw });
}

function isPlaceOf({ line, side }: Place, { kind, before, after }: DiffLine): boolean {
  return side === 'after' ? after === line : kind === 'removed' && before === line;
}

/** A comment on a line whose text has changed since then is shown only in the list above the files. */
function isThreadOf(thread: Thread, line: DiffLine): boolean {
  return isPlaceOf(thread, line) && thread.quoted.split('\n')[0] === line.text.slice(0, shownChars);
}

/** A line, and the person's comments below it. */
function lineRows(line: DiffLine, lines: FileLines, parts: FileParts): Child[] {
  if (line.kind === 'hunk') return [hunkView(line, parts)];
  return [h('div', { class: `code ${line.kind}` }, ...sideView(line, lines, parts)), ...saidOf(line, parts)];
}

/** Removed lines on the left, and the lines that replaced them on the right. */
function pairedRows(block: readonly DiffLine[], lines: FileLines, parts: FileParts): Child[] {
  return runsOf(block).flatMap(({ removed, added, other }) => {
    const count = Math.max(removed.length, added.length);
    const changed = Array.from({ length: count }, (_, at) => [removed[at] ?? null, added[at] ?? null] as const);
    const rows: Child[] = changed.flatMap(([left, right]) => [
      h('div', { class: 'pair' }, halfView(left, lines, parts), halfView(right, lines, parts)),
      ...[left, right].flatMap((line) => (line === null ? [] : saidOf(line, parts))),
    ]);
    if (other === null) return rows;
    if (other.kind === 'hunk') return [...rows, hunkView(other, parts)];
    return [
      ...rows,
      h(
        'div',
        { class: 'pair' },
        h('div', { class: 'code same' }, h('span', { class: 'at' }, String(other.before)), codeView(other, [], parts)),
        halfView(other, lines, parts),
      ),
      ...saidOf(other, parts),
    ];
  });
}

function halfView(line: DiffLine | null, lines: FileLines, parts: FileParts): View {
  if (line === null) return h('div', { class: 'code none' });
  return h('div', { class: `code ${line.kind}` }, ...sideView(line, lines, parts));
}

function hunkView({ text }: DiffLine, { file, model, actions }: FileParts): View {
  const more = () => actions.showContext(file, (textOf(model.changes, file)?.context ?? gitContext) + moreContext);
  const button = h(
    'button',
    {
      class: 'quiet',
      'aria-label': `Show ${moreContext} more lines around each change of ${literal(file.path)}`,
      on: { click: more },
    },
    `↕ ${moreContext} more lines`,
  );
  return h('div', { class: 'code hunk' }, h('code', null, text), file.state === 'changed' ? button : null);
}

const words = new WeakMap<DiffLine, ChangedWords | null>();

/** The characters that differ between this line and its pair. */
function changedIn(line: DiffLine, { pairs }: FileLines): readonly Span[] {
  const other = pairs.get(line);
  if (other === undefined) return [];
  const [removed, added] = line.kind === 'removed' ? [line, other] : [other, line];
  if (!words.has(removed)) words.set(removed, changedWords(removed.text, added.text));
  return words.get(removed)?.[line.kind === 'removed' ? 'before' : 'after'] ?? [];
}

function placeOf({ path }: ListedFile, { after, before, text }: DiffLine): Place {
  if (after !== null) return { path, line: after, side: 'after', quoted: text.slice(0, shownChars) };
  return { path, line: before ?? 0, side: 'before', quoted: text.slice(0, shownChars) };
}

function sideView(line: DiffLine, lines: FileLines, parts: FileParts): View[] {
  const { file, model, actions } = parts;
  const place = placeOf(file, line);
  const isFirst = lines.blocks.some(([first, second]) => line === (first?.kind === 'hunk' ? second : first));
  // A comment on a line is about its present state.
  const number =
    model.at !== null || !actions.may('answer')
      ? h('span', { class: 'at' }, String(place.line))
      : h(
          'button',
          {
            class: 'at',
            // The Tab key stops once in each block. The arrow keys go from line to line.
            tabindex: isFirst ? '0' : '-1',
            'data-side': parts.isSideBySide ? place.side : null,
            'aria-label': `Comment on ${placeText(place)}`,
            on: { click: () => actions.draftAt(place) },
          },
          String(place.line),
        );
  return [number, codeView(line, changedIn(line, lines), parts)];
}

const signs = { added: '+', removed: '-', same: ' ', hunk: '' } as const;

function codeView({ kind, text }: DiffLine, changed: readonly Span[], { file }: FileParts): View {
  const shown = text.slice(0, shownChars);
  const rest = text.slice(shownChars);
  return h(
    'code',
    null,
    signs[kind],
    tokensIn(tokensOf(shown, file.path), changed),
    rest === ''
      ? null
      : h('details', { class: 'rest' }, h('summary', null, `${counted(rest.length, 'more character')}`), rest),
  );
}

/** Coloured text with the changed words marked. */
function tokensIn(tokens: readonly Token[], changed: readonly Span[]): Child[] {
  let at = 0;
  return tokens.flatMap(({ kind, text }) => {
    const [from, end] = [at, at + text.length];
    at = end;
    const pieces: Child[] = [];
    let done = from;
    for (const [first, last] of changed) {
      const [begin, stop] = [Math.max(first, from), Math.min(last, end)];
      if (begin >= stop) continue;
      if (begin > done) pieces.push(text.slice(done - from, begin - from));
      pieces.push(h('mark', null, text.slice(begin - from, stop - from)));
      done = stop;
    }
    if (done < end) pieces.push(text.slice(done - from));
    return kind === 'plain' ? pieces : [h('span', { class: `t-${kind}` }, pieces)];
  });
}

function saidOf(line: DiffLine, { file, model, comments, draft, threads, actions }: FileParts): View[] {
  const place = placeOf(file, line);
  const before = threads.filter((thread) => isThreadOf(thread, line)).map(threadView);
  if (draft !== null && isAt(draft, place)) {
    const last = draft.line + linesFrom(model.changes, draft).length - 1;
    return [...before, draftView(draft, last, actions)];
  }
  const said = comments.find((each) => isAt(each, place));
  return said === undefined ? before : [...before, commentView(said, actions)];
}

/** The arrow keys go from line to line on one side. */
function walk(event: Event): void {
  const { key, target, currentTarget } = event as KeyboardEvent;
  const step = { ArrowDown: 1, ArrowUp: -1 }[key];
  const from = target as HTMLElement;
  if (step === undefined || !from.classList.contains('at')) return;
  const all = [...(currentTarget as HTMLElement).querySelectorAll<HTMLElement>('button.at')];
  const ofSide = all.filter(({ dataset }) => dataset.side === from.dataset.side);
  const next = ofSide[ofSide.indexOf(from) + step];
  if (next === undefined) return;
  event.preventDefault();
  next.focus();
}
