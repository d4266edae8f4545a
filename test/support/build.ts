/** Tests run the build output, like the engines that they kill: if a source is newer than its output, `dist` is built before the first test. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';

const root = join(import.meta.dirname, '../..');
const rooms = ['machines', 'actors', 'runtime', 'cli', 'page', 'scripts'];

export default function setup(): () => void {
  if (!isFresh()) execFileSync('npm', ['run', '--silent', 'build'], { cwd: root, stdio: 'inherit' });
  // A folder for things that are made once for all files of a run (`template.ts`, `scripts/postgres.ts`).
  const shared = mkdtempSync(join(tmpdir(), 'stator-shared-'));
  process.env.STATOR_TEST_SHARED = shared;
  process.env.STATOR_TEST_CLUSTER = join(shared, 'cluster');
  return () => rmSync(shared, { recursive: true, force: true });
}

/** The bundle is written last, and only if everything before it succeeded. */
function isFresh(): boolean {
  const built = writtenAt(join(root, 'dist/bin/stator.js'));
  const settings = ['tsconfig.json', 'tsconfig.build.json', 'tsconfig.page.json', 'rolldown.config.js'];
  const sources = rooms.flatMap((room) =>
    readdirSync(join(root, room), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts'))
      .map((file) => join(room, file)),
  );
  return [...settings, ...sources].every((file) => built > writtenAt(join(root, file)));
}

/** In milliseconds since 1970; 0: the file is missing. */
function writtenAt(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

/** The output of a source, which is named relative to the repository. */
function builtOf(source: string): string {
  return join(root, 'dist', source.replace(/\.ts$/, '.js'));
}

/**
 * Makes vitest load sources that a test imports from `dist`, through node itself. Transforming some 400 modules for each test file took longer than
 * many files' tests. Test files themselves are transformed.
 */
export const builtSources = {
  name: 'stator:built-sources',
  enforce: 'pre',
  resolveId(source: string, importer: string | undefined) {
    if (!source.startsWith('.') || importer === undefined) return null;
    const way = relative(root, resolve(dirname(importer), source));
    return rooms.includes(way.split('/')[0] ?? '') && way.endsWith('.ts')
      ? { id: builtOf(way), external: true as const }
      : null;
  },
} as const;

/** Tells vitest which files node loads itself. */
export const builtServer = { deps: { external: [/\/dist\//] } };
