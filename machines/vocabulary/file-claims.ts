/**
 * The files that tasks declare, and which of them overlap. A declared path is a file, a folder with all that is in it, or a pattern: `*` and `?` within a
 * name, `**` for any folders, `{a,b}` for either. Brackets are text, since many frameworks have them in names of files.
 */

/** A document may declare a great many patterns, and each is compared with each. Beyond this limit everything overlaps. */
const patternLimit = 200;
/** The most names that `{…}` may mean, and the most characters of a pattern; more counts as any path. */
const branchLimit = 64;
const lengthLimit = 500;

/** The most files, and the longest path, that a plan claims. A plan with more claims the whole repository. */
export const declaredFilesLimit = 500;
export const declaredPathLimit = 200;

const anyPath: readonly string[] = [];

/** The claims so far. */
export interface Claims {
  /** The first of these paths that overlaps with a claimed one; null: there is none. */
  takenOf(paths: readonly string[]): string | null;
  add(paths: readonly string[]): void;
}

export function createClaims(): Claims {
  const plain = new Set<string>();
  /** The folders in which claimed paths are. */
  const above = new Set<string>();
  const patterns: (readonly string[])[] = [];
  const isTaken = (form: readonly string[]) => {
    if (patterns.length > patternLimit || patterns.some((other) => meet(form, other))) return true;
    if (isPlain(form))
      return [form, ...foldersOf(form)].some((each) => plain.has(each.join('/'))) || above.has(form.join('/'));
    return [...plain].some((other) => meet(form, other.split('/')));
  };
  return {
    takenOf: (paths) => paths.find((path) => formsOf(path).some(isTaken)) ?? null,
    add(paths) {
      for (const form of paths.flatMap(formsOf)) {
        if (!isPlain(form)) patterns.push(form);
        else {
          plain.add(form.join('/'));
          for (const folder of foldersOf(form)) above.add(folder.join('/'));
        }
      }
    },
  };
}

/** The first path of `paths` that overlaps with one of `others`; null: none does. */
export function overlapOf(paths: readonly string[], others: readonly string[]): string | null {
  const claims = createClaims();
  claims.add(others);
  return claims.takenOf(paths);
}

/** The paths of a plan's tasks, as its repository receives them. */
export function claimOf(paths: readonly string[]): string[] {
  const all = [...new Set(paths)];
  return all.length > declaredFilesLimit || all.some((path) => path.length > declaredPathLimit) ? ['**'] : all;
}

/** Its names, one for each alternative of its `{…}`. */
function formsOf(path: string): (readonly string[])[] {
  if (path.length > lengthLimit) return path.includes('*') || path.includes('{') ? [anyPath] : [namesOf(path)];
  const branches = branchesOf(path);
  return branches === null ? [anyPath] : branches.map(namesOf);
}

function namesOf(path: string): string[] {
  return path.split('/').filter((name) => name !== '' && name !== '.');
}

/** null: too many. */
function branchesOf(path: string): string[] | null {
  let open = [path];
  const done: string[] = [];
  while (open.length > 0) {
    if (open.length + done.length > branchLimit) return null;
    const next: string[] = [];
    for (const each of open) {
      const found = [...each.matchAll(/\{([^{}]*)\}/g)].find(([, choices]) => choices?.includes(','));
      if (found === undefined) done.push(each);
      else
        for (const choice of (found[1] ?? '').split(','))
          next.push(each.slice(0, found.index) + choice + each.slice(found.index + found[0].length));
    }
    open = next;
  }
  return done;
}

/** Without a pattern, and not the whole repository. */
function isPlain(form: readonly string[]): boolean {
  return form.length > 0 && !form.some(isPattern);
}

function isPattern(name: string): boolean {
  return name.includes('*') || name.includes('?');
}

function foldersOf(names: readonly string[]): (readonly string[])[] {
  return names.slice(0, -1).map((_, index) => names.slice(0, index + 1));
}

/** Whether a path fits both, or fits the one and is a folder in the other. */
function meet(one: readonly string[], other: readonly string[]): boolean {
  const rows = commonBeginnings(one, other, { any: '**', fits: namesMeet });
  const last = rows.at(-1) ?? [];
  if (last.at(-1) === true) return true;
  return (mayBeFolder(other) && rows.some((row) => row.at(-1) === true)) || (mayBeFolder(one) && last.includes(true));
}

/** `src/ui` may be a folder, `src/login.ts` is not one. */
function mayBeFolder(names: readonly string[]): boolean {
  return names.at(-1)?.includes('.') !== true;
}

/** Whether a name fits both. */
function namesMeet(one: string, other: string): boolean {
  if (!isPattern(one) && !isPattern(other)) return one === other;
  const fits = (letter: string, theirs: string) => letter === '?' || theirs === '?' || letter === theirs;
  return (
    commonBeginnings([...one], [...other], { any: '*', fits })
      .at(-1)
      ?.at(-1) === true
  );
}

/** By the lengths of a beginning of each, whether something fits both beginnings. `any` matches any number of parts, and none. */
function commonBeginnings(
  one: readonly string[],
  other: readonly string[],
  { any, fits }: { readonly any: string; fits(part: string, theirs: string): boolean },
): boolean[][] {
  let row = [true];
  for (const theirs of other) row.push(theirs === any && row.at(-1) === true);
  const rows = [row];
  for (const part of one) {
    const next = [part === any && row[0] === true];
    for (const [at, theirs] of other.entries()) {
      const isOpen = part === any || theirs === any;
      next.push(isOpen ? row[at + 1] === true || next[at] === true : row[at] === true && fits(part, theirs));
    }
    rows.push(next);
    row = next;
  }
  return rows;
}
