import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import BetterSqlite3 from 'better-sqlite3';
import { Webhook } from 'standardwebhooks';
import { describe, expect, it } from 'vitest';
import { nouns, pageOf, verbs } from '../../cli/commands.ts';
import { parsePlan } from '../../machines/document/plan-document.ts';
import { routes } from '../../runtime/api/control/routes.ts';
import { createEngine, faultPoints } from '../../runtime/engine/engine.ts';
import { documentWithSections, generatedDocuments } from '../../scripts/docs.ts';
import { afterwards } from '../support/engine.ts';
import { makeGround, until } from '../support/ground.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const documents = [
  'README.md',
  'CHANGELOG.md',
  ...readdirSync(join(root, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];

function read(file: string): string {
  return readFileSync(join(root, file), 'utf8');
}

/** Fenced blocks by their language, four backticks before three. */
function blocksOf(text: string, language: string): string[] {
  return [...text.matchAll(/^(`{3,4})([a-z]+)\n([\s\S]*?)^\1$/gm)].flatMap(([, , info, body = '']) =>
    info === language ? [body] : [],
  );
}

/** As GitHub makes them. */
function anchorsOf(text: string): Set<string> {
  const headings = text.replace(/^(`{3,4})[\s\S]*?^\1$/gm, '').matchAll(/^#+ (.+)$/gm);
  return new Set(
    [...headings].map(([, title = '']) =>
      title
        .toLowerCase()
        .replace(/[^\p{L}\p{N}\s_-]/gu, '')
        .replace(/\s/g, '-'),
    ),
  );
}

/** Every command line of stator that a document shows: in code spans, and on the lines of shell blocks. */
function commandsOf(text: string): string[] {
  const spans = [...text.matchAll(/`(stator [^`\n]+)`/g)].map(([, span = '']) => span);
  const lines = blocksOf(text, 'sh').flatMap((block) => block.split('\n').filter((line) => line.startsWith('stator ')));
  return [...spans, ...lines.map((line) => line.replace(/\s+#.*$/, ''))].filter((line) => !line.includes('…'));
}

/** null: it is as it should be. */
async function problemOf(command: string): Promise<string | null> {
  const [, first = '', second = ''] = command.split(/\s+/);
  const list = Object.hasOwn(nouns, first) ? (nouns[first] ?? []) : [];
  const entry = list.find(({ name }) => name === second) ?? verbs.find(({ name }) => name === first);
  if (first === 'help') return null;
  if (entry === undefined) return `${command}: there is no such verb`;
  if (entry.now !== undefined) return `${command}: an old name of ${entry.now}`;
  const usage = await pageOf(list.includes(entry) ? first : null, entry);
  const flags = command.match(/(?<=\s)--?[a-z][a-z-]*/g) ?? [];
  const known = new Set(usage.match(/--?[a-z][a-z-]*/g));
  const unknown = flags.filter((flag) => !known.has(flag));
  return unknown.length === 0 ? null : `${command}: there is no ${unknown.join(', ')}`;
}

describe('the documents', () => {
  for (const file of generatedDocuments) {
    it(`${file} says what the code says; npm run docs writes it anew`, () => {
      expect(read(file)).toBe(documentWithSections(root, file));
    });
  }

  it('lead nowhere that is not there', () => {
    const broken = documents.flatMap((file) =>
      [...read(file).matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)/g)].flatMap(([link, path = '', anchor]) => {
        const target = path === '' ? file : join(dirname(file), path);
        if (!existsSync(join(root, target))) return [`${file}: ${link}`];
        return anchor === undefined || anchorsOf(read(target)).has(anchor) ? [] : [`${file}: ${link}`];
      }),
    );
    expect(broken).toEqual([]);
  });

  it('name no command and no flag that stator does not have', async () => {
    // What a judge says is no command.
    const commands = documents
      .flatMap((file) => commandsOf(read(file)))
      .filter((line) => !line.startsWith('stator verdict:'));
    expect(commands.length).toBeGreaterThan(20);
    const problems = await Promise.all(commands.map(problemOf));
    expect(problems.filter((problem) => problem !== null)).toEqual([]);
  });

  it('have every route of the control API, and no other', () => {
    const documented = [...read('docs/control-api.md').matchAll(/^\| `((?:GET|POST|PUT|DELETE) [^`]+)`/gm)];
    expect(documented.map(([, route]) => route).sort()).toEqual(routes.map(({ key }) => key).sort());
  });

  it('say of every window between two writes what follows when the engine dies there', () => {
    const text = read('docs/architecture.md');
    expect(faultPoints.filter((point) => !text.includes(`\`${point}\``))).toEqual([]);
  });

  it('show how a receiver checks a signature, by code that does', async () => {
    const [code = ''] = blocksOf(read('docs/hooks.md'), 'js');
    const file = join(mkdtempSync(join(tmpdir(), 'stator-')), 'receiver.mjs');
    afterwards(() => rmSync(dirname(file), { recursive: true }));
    writeFileSync(file, code);
    const { isFromStator } = (await import(file)) as { isFromStator: (...given: unknown[]) => boolean };
    const [secret, other] = ['whsec_c2VjcmV0LXNlY3JldC1zZWNyZXQ=', 'b3RoZXItb3RoZXItb3RoZXI='];
    const at = new Date();
    const headers = (body: string, time = at) => ({
      'webhook-id': 'msg_1',
      'webhook-timestamp': String(Math.floor(time.getTime() / 1000)),
      'webhook-signature': `v1,bm9uZQ== ${new Webhook(secret).sign('msg_1', time, body)}`,
    });
    const late = new Date(at.getTime() - 600_000);
    expect(isFromStator(secret, headers('{}'), '{}')).toBe(true);
    expect(isFromStator(other, headers('{}'), '{}')).toBe(false);
    expect(isFromStator(secret, headers('{}'), '{ }')).toBe(false);
    expect(isFromStator(secret, headers('{}', late), '{}')).toBe(false);
    expect(isFromStator(secret, {}, '{}')).toBe(false);
  });

  it('show plans that parse', () => {
    const plans = ['README.md', 'docs/plan-documents.md'].flatMap((file) => blocksOf(read(file), 'markdown'));
    expect(plans).toHaveLength(2);
    expect(plans.flatMap((plan) => parsePlan(plan).problems)).toEqual([]);
  });

  it('show how another program sends a signal with SQLite alone', async () => {
    const { repo, home, env, remove } = makeGround();
    afterwards(remove);
    const engine = await createEngine({ home, env, agents: { default: { preset: 'sh' } }, onlyWatched: true });
    afterwards(() => engine.stop());
    await engine.client.addRepo(repo, { trust: true });
    const content = '# Log in\n\n## Wave 1\n### Task 1: one\n```sh\ntrue\n```\n';
    await engine.client.registerPlan({ project: 'demo', plan: 'login', content });
    const [later = '', asked = ''] = blocksOf(read('docs/signals.md'), 'sql').slice(1);
    const [shell = ''] = blocksOf(read('docs/signals.md'), 'sh');
    const now = shell.slice(shell.indexOf('INSERT'), shell.lastIndexOf('"'));
    const db = new BetterSqlite3(join(home, 'taskstore.db'), { timeout: 5_000 });
    afterwards(() => void db.close());
    for (const sql of [now, later, later]) db.exec(sql.replace('my-repo', 'demo'));
    const sent = async () => engine.client.signals({ project: 'demo', plan: 'login' });
    await until(async () =>
      (await sent()).some(({ type, status }) => type.startsWith('review') && status === 'failed'),
    );
    expect((await sent()).filter(({ type }) => type === 'resume')).toHaveLength(1);
    expect(db.prepare(asked).get()).toMatchObject({ status: 'pending', result: null });
  });
});
