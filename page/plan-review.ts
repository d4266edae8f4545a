/** The changes of a plan, and a person's comments on their lines. */
import { commentMessage } from '../machines/vocabulary/comment-text.ts';
import type { PlanChanges } from '../runtime/api/contract/plans.ts';
import type { Act } from './acts.ts';
import { ApiError, type Named } from './api.ts';
import { store, stored } from './browser-storage.ts';
import { createChangesReader, type ListedFile, linesFrom } from './changes.ts';
import { isAt } from './comments.ts';
import { fileId } from './file-view.ts';
import { createNearness } from './nearness.ts';
import type { Changes, Comment, PlanModel, PlanParts, ReviewActions } from './plan-model.ts';
import { createRefresher } from './refresh.ts';
import { stayAt } from './stay-at.ts';
import { takeNew } from './take.ts';

const sideBySideName = 'side-by-side';
/** Lines within this distance of the window are drawn. */
const nearPixels = 1_000;

interface ReviewParts extends PlanParts {
  send(act: Act): void;
}

export function createPlanReview({ api, may, named, say, showRefusal, model, change, send }: ReviewParts) {
  const names = storedNames(named, may.person());
  const drafts = createDrafts({ names, changes: () => model().changes, change: changeChanges });
  const reader = createRefresher({ work: readChanges, leastMs: 1_000, mostMs: 60_000 });
  const texts = createChangesReader({
    ...{ api, named },
    changes: () => model().changes,
    change: changeChanges,
    outdated: () => reader.poke(),
  });
  const nearness = createNearness({
    marginPixels: nearPixels,
    changed(added, gone) {
      const near = new Set(model().changes.near);
      const heights = new Map(model().changes.heights);
      for (const { part, height } of gone) {
        near.delete(part);
        if (height > 0) heights.set(part, height);
      }
      for (const part of added) near.add(part);
      changeChanges({ near, heights });
      texts.readNear();
    },
  });

  function changeChanges(part: Partial<Changes>): void {
    change({ changes: { ...model().changes, ...part } });
  }

  async function readChanges(): Promise<void> {
    const { at, changes, section, chosen } = model();
    const { task, since, list: known } = changes;
    const isShown = section === 'changes' || (section === 'work' && chosen?.tab === 'diff');
    if (!isShown || document.hidden) return;
    const isMeant = () => model().changes.task === task && model().changes.since === since && model().at === at;
    try {
      const list = await api.changes(named, { task, since, to: at }, 0);
      const isSame = isOfSameChange(known, list) && model().changes.at === at;
      if (isMeant()) changeChanges({ list: isSame ? known : list, at, nothing: null });
    } catch (thrown) {
      if (!(thrown instanceof ApiError)) throw thrown;
      if (isMeant()) changeChanges({ list: null, at, nothing: `${thrown.message}. ${thrown.hint}` });
    }
    texts.readNear();
    changeChanges({ threads: takeNew(model().changes.threads, await api.comments(named), ({ id }) => id) });
    if (at !== null || (model().plan ?? (await api.plan(named))).status !== 'done') return;
    const { accepted, starts } = await api.preview(named, 'request_review');
    changeChanges({ reviewer: accepted && starts.some(({ role }) => role === 'reviewer') });
  }

  async function readMoreFiles(): Promise<void> {
    const { list, task, since, at } = model().changes;
    if (list === null || list.next === null) return;
    const more = await api.changes(named, { task, since, to: at }, list.next);
    if (model().changes.list !== list) return;
    if (isOfSameChange(list, more)) changeChanges({ list: { ...more, files: [...list.files, ...more.files] } });
    else reader.hurry();
  }

  function openFile({ path }: ListedFile, isOn: boolean): void {
    changeChanges({ opened: new Map(model().changes.opened).set(path, isOn) });
  }

  const actions: ReviewActions = {
    showChanges(of) {
      changeChanges({ ...of, list: null, nothing: null });
      reader.hurry();
    },
    moreFiles: () => void readMoreFiles().catch(showRefusal),
    openFile,
    showContext: texts.readWith,
    view(file, isOn) {
      const { [file.path]: _, ...others } = model().changes.viewed;
      const viewed = isOn ? { ...others, [file.path]: file.content } : others;
      store(names.viewed, viewed);
      const opened = new Map(model().changes.opened);
      opened.delete(file.path);
      changeChanges({ viewed, opened });
    },
    goToFile(path) {
      const file = model().changes.list?.files.find((each) => each.path === path);
      if (file === undefined) return say(`${JSON.stringify(path)} has no changes in what is shown.`);
      openFile(file, true);
      stayAt(fileId(path));
    },
    sideBySide(isSideBySide) {
      store(sideBySideName, isSideBySide);
      changeChanges({ isSideBySide, heights: new Map() });
    },
    watch: nearness.watch,
    ...drafts.actions,
    sendComments({ title, signals }, words, taken) {
      const { comments, list } = model().changes;
      const [type = '', first = null] = signals.toReversed();
      if (list === null) return;
      const body = commentMessage({ from: list.from, to: list.to, comments }, words);
      const done = title === null ? 'Changes are requested, with your comments.' : `${title} has your comments.`;
      const then = () => {
        taken();
        drafts.keepComments([]);
        reader.hurry();
      };
      send({ named, type, payload: title === null ? { body } : { title, body }, first, done, then });
    },
  };

  return {
    actions,
    reader,
    stop() {
      reader.stop();
      nearness.stop();
    },
  };
}

interface DraftParts {
  readonly names: ReturnType<typeof storedNames>;
  changes(): Changes;
  change(part: Partial<Changes>): void;
}

/** A person's comments that are not sent yet, and the one that is being written. They are stored in this browser. */
function createDrafts({ names, changes, change }: DraftParts) {
  function keepComments(comments: readonly Comment[]): void {
    store(names.comments, comments.length === 0 ? null : comments);
    keepDraft(null);
    change({ comments });
  }

  function keepDraft(draft: Comment | null): void {
    store(names.draft, draft);
    change({ draft });
  }

  const storedDraft = () => stored(names.draft) as Comment | null; // as it was kept here

  /** The draft with the text that was typed since the last drawing. */
  function typed(draft: Comment): Comment {
    const open = storedDraft();
    return open !== null && isAt(open, draft) ? open : draft;
  }

  const comment: ReviewActions['comment'] = (place, said) => {
    const others = changes().comments.filter((each) => !isAt(each, place));
    const { draft, comments } = changes();
    const own = [draft, ...comments].find((each) => each !== null && isAt(each, place));
    keepComments(said === null || own == null ? others : [...others, { ...own, ...said }]);
  };

  const actions: Pick<ReviewActions, 'draftAt' | 'drafted' | 'suggest' | 'comment'> = {
    draftAt(place) {
      if (place === null) return keepDraft(null);
      const open = storedDraft();
      if (open !== null && isAt(open, place)) return;
      // Another comment begins: the text of the previous one is stored.
      const written = open?.text.trim() ?? '';
      if (open !== null && (written !== '' || open.suggestion !== null))
        comment(open, { text: written, suggestion: open.suggestion });
      const { path, line, side, quoted } = place;
      const said = changes().comments.find((each) => isAt(each, place));
      keepDraft(said ?? { id: newId(), path, line, end: line, side, quoted, text: '', suggestion: null });
    },
    // The field already shows the typed text, so the page is not drawn again.
    drafted(part) {
      const { draft } = changes();
      if (draft !== null) store(names.draft, { ...typed(draft), ...part });
    },
    suggest(end) {
      const { draft } = changes();
      if (draft === null) return;
      const lines = linesFrom(changes(), draft).slice(0, Math.max(1, (end ?? 0) - draft.line + 1));
      const [first = draft.quoted] = lines;
      const quoted = end === null ? first : lines.join('\n');
      const own = { end: end === null ? draft.line : draft.line + lines.length - 1, quoted };
      keepDraft({ ...typed(draft), ...own, suggestion: end === null ? null : quoted });
    },
    comment,
  };
  return { actions, keepComments };
}

/** Only the data stored in this browser; nothing was read yet. */
export function firstChanges({ named, may }: Pick<PlanParts, 'named' | 'may'>): PlanModel['changes'] {
  const names = storedNames(named, may.person());
  return {
    ...{ task: null, since: null, at: null, list: null, nothing: null, reviewer: false },
    ...{ files: new Map(), opened: new Map(), near: new Set(), heights: new Map() },
    viewed: (stored(names.viewed) ?? {}) as Changes['viewed'], // as they were kept here
    isSideBySide: stored(sideBySideName) === true,
    comments: (stored(names.comments) ?? []) as readonly Comment[],
    draft: stored(names.draft) as Comment | null,
    threads: [],
  };
}

/** The next person to sign in may be another one, so each person's comments are stored under their name. */
function storedNames({ project, plan }: Named, person: string | null): Record<'comments' | 'draft' | 'viewed', string> {
  const of = (what: string) => `${what}.${project}/${plan}${person === null ? '' : `@${person}`}`;
  return { comments: of('comments'), draft: of('draft'), viewed: of('viewed') };
}

/** Four letters of a few thousand are enough to tell a plan's comments apart, and an agent can repeat them. */
function newId(): string {
  return [...crypto.getRandomValues(new Uint8Array(6))]
    .map((byte) => 'abcdefghjkmnpqrstuvwxyz23456789'[byte % 31])
    .join('');
}

function isOfSameChange(one: PlanChanges | null, other: PlanChanges): one is PlanChanges {
  return one?.from === other.from && one.to === other.to && one.task === other.task && one.since === other.since;
}
