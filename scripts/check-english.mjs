/**
 * Fails where a comment of the code, a name or a message in it, the title of a test, or a sentence of the docs has words that a stranger reads twice, and prints
 * what to write instead. Words in backticks are names, and may be anything.
 *   node scripts/check-english.mjs [file or folder...]     default: the folders below, as in `npm run check`
 */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { parseSync, Visitor } from 'oxc-parser';

/** The folders that pass. Other folders are checked only when they are named; a folder that passes is added here. */
const clean = [
  ...['machines', 'actors', 'runtime', 'cli', 'page', 'scripts', 'docs'],
  ...['actors', 'agents', 'bench', 'chats', 'cli', 'docs', 'effects', 'engine'].map((room) => `test/${room}`),
  ...[
    'charts',
    'commands',
    'config',
    'control',
    'crash',
    'examples',
    'forges',
    'gc',
    'inbox',
    'inspector',
    'mcp',
    'outbox',
  ].map((room) => `test/${room}`),
  ...['page', 'platform', 'queries', 'repos', 'signal-files', 'soak', 'store'].map((room) => `test/${room}`),
  ...['git', 'intake', 'lives', 'machines', 'mutants', 'mutation', 'notes'].map((room) => `test/${room}`),
  ...['real', 'simulation', 'support', 'walls'].map((room) => `test/${room}`),
  ...['README.md', 'SECURITY.md', 'CONTRIBUTING.md', 'CHANGELOG.md'],
];
/** Generated from the docstrings, installed, a prompt, which is read by agents, or the test of these patterns. */
const isLeftOut = (path) =>
  /^docs\/reference\b|(^|\/)node_modules\b|^runtime\/work\/agents\/prompts\b|^test\/docs\/english\.test\.ts$/.test(
    path,
  );

/** A pattern, and what to write instead. */
const riddles = [
  [/\bwho(m|so)?ever\b/i, 'name who it is: the caller, the process that …, the person who …'],
  [/\bnothing of it\b/i, 'no part of it, none of its …, nothing about it'],
  [/\bof (which|whom)\b/i, 'two sentences, or “whose …”'],
  [/\bwhat(ever)? of\b/i, 'the part of … that'],
  [/(?<!\b(this|that|each|every|no|any|other|first|last|new|old) )\bone['’]s\b/i, 'user-defined, or whose it is'],
  [
    /\bwhat (((is|was|are|were|will be|is to be|has been|had been) )?(asked|told|said)|stands?|stood)\b/i,
    'a noun: the request, the notice, the message, the content',
  ],
  [/(?<!\bset )\baside\b/i, 'elsewhere, under another name, as a ref, except for …'],
  [/\bnobody else\b/i, 'no other person, no other process'],
  [/\bcast(s|ing)?\b(?!\()/i, 'choose, the choice of agents'],
  [
    /\b(has|had|have|gets?|got|says?|said|without) (a|the) (last )?words?\b/i,
    'the signal, the message, or what is done',
  ],
  [/\bwords? (between|to|for) (actors|agents|its agents?|an agent|runs?|the tree)\b/i, 'messages, signals'],
  [/\b(agents?|engine|planner|coder|root|actor)['’]s?( own)? words?\b/i, 'messages, signals'],
  [/\bin words\b/i, 'as a sentence, as text'],
  [/(?<!cursor )\btips?\b/i, 'the head commit'],
  [/\b(is|was|are|were) kept (aside|by nobody|nowhere)\b/i, 'is stored …, is not stored'],
  [/\b(stands?|stood|standing)\b/i, 'is, lies, is written, waits, represents'],
  [/\btold\b(?! (apart|to)\b)/i, 'is notified, is reported, receives'],
  [/\bof before\b/i, 'earlier, of an earlier version'],
  [/\bSo many\b/, 'the most … that …, the number of …'],
  [/\bwhat (comes|came) of\b/i, 'the result, the outcome'],
  [/\/\*\*\s+(Of|Those|That of|Others|One that|Such)\b(?! as\b)/, 'a subject: name the thing first, “The verbs of …”'],
  [/\bwhat keeps\b/i, 'why … cannot, what prevents'],
  [/\bone that (is|was) there\b/i, 'an existing one'],
  [/\bthat there (is|are)( not)?(?= *(?:[.,;:)]|$))/i, 'existing, unknown, valid'],
  [/\bthere by now\b/i, 'may have replaced it, what the folder contains now'],
  [/\bbirths?\b/i, 'creates, the creation'],
  [/\bhears?\b/i, 'receives, gets'],
  [/\bof its own accord\b/i, 'automatically'],
  [/\bfor want of\b/i, 'because … is missing'],
  [/\bholds? (it|them|nothing)? ?up\b/i, 'delays, blocks'],
  [/\bwish(es)?\b/i, 'a request, a signal'],
  [/\bwhat (is|was) there\b/i, 'the existing …, what the folder has'],
  [/(?<!\b(is|are|was|were) )\bnot there\b/i, 'absent: …, missing'],
  [/\bwhat (is|are) no\b(?! (longer|more)\b)/i, 'a value that is not a …, if it is not a …'],
  [/(?<!\bthere )\b(is|are) none\b(?! of\b)/i, 'is not a …, is invalid, is unknown'],
  [
    /\b(is|are|was|were) (\w+ed|done|known|shown) no (longer|more)(?= *(?:[.,;:*)]|$))|\bcounts? no more\b/i,
    'is no longer …',
  ],
  [/\b(for|after|at most|about|within) so (long|many|often)\b(?! (as|that)\b)/i, 'for this long, after this many'],
  [/\bin (its|their|his|our|these) (own )?words?\b|\bin the words of\b/i, 'as … names it, with the same text'],
  [/\bsays? nothing (about|of) now\b/i, 'no longer counts'],
  [/\bwhere there (is|are|was|were)\b/i, 'if there is …'],
  [/\bthrows what\b/i, 'throws the errors of …'],
  [/(?<=^|[.;:*] )Answers (what|where|whether|how|which|why)\b/, 'returns …'],
  [/\ba (line|row) each\b(?! (time|\d))/i, 'one per line'],
];

/** Names that the code of the product and of the test helpers gives, and what to write instead. */
const names = [
  [/\b(?:interface|type) (?:Word|Told)\b/, 'the kind of signal or text that it is'],
  [/\b(?:interface|type) \w*Standing\b/, '…State, …Status'],
  [
    /\b(?:const|let|function) (?:stands?|standing|told|aside|tip)\b/,
    'the noun that it is: a state, a report, a folder, the head',
  ],
  [/\bfunction (?:tips?|[a-z]\w*Tips?)(?:[A-Z]\w*)?\(/, 'the head'],
  [/\b(?:const|let|function) told[A-Z]\w*/, 'shown…, reported…, notified…'],
  [/\b(?:interface|type) \w*Told\w*|\bfunction \w*Told\(/, 'Reported…, Notified…, the report'],
  [/\b(?:const|let|function) tell(?:[A-Z]\w*)?\b/, 'print…, report…, notify…, send…, write…'],
  [/\/kept\.ts'/, 'the place where it is stored'],
];
const isProduct = (path) => /^(machines|actors|runtime|cli|page)\b.*\.tsx?$/.test(path);
const isHelper = (path) => /^test\/support\b.*\.(tsx?|mjs|js)$/.test(path);
const isTest = (path) => /^test\b/.test(path);

function filesIn(path) {
  if (isLeftOut(path)) return [];
  if (!statSync(path).isDirectory()) return /\.(tsx?|mjs|js|md)$/.test(path) ? [path] : [];
  return readdirSync(path).flatMap((name) => filesIn(join(path, name)));
}

/** The pieces of a file that are prose, one line each, with the number of the line. */
function proseOf(path, text) {
  if (path.endsWith('.md')) return markdownProse(text.split('\n')).map((prose, index) => [index + 1, prose]);
  const { program, comments, errors } = parseSync(path, text);
  if (errors.length > 0) throw new Error(`${path}: ${errors[0].message}`);
  const found = comments.map(({ start, end }) => [start, text.slice(start, end)]);
  const addText = ({ start, end, value }, prose = value) => {
    if (typeof prose === 'string' && /\s/.test(prose.trim()))
      found.push([start, prose.includes('\n') ? text.slice(start, end) : prose]);
  };
  new Visitor({
    ...(isProduct(path) && {
      Literal: addText,
      JSXText: addText,
      TemplateElement: (node) => addText(node, node.value.cooked),
    }),
    ...(isTest(path) && {
      CallExpression: ({ callee, arguments: [title] }) => isTestCall(callee) && title && addText(title, titleOf(title)),
    }),
  }).visit(program);
  const ends = [...text.matchAll(/\n/g)].map(({ index }) => index);
  const lineOf = (offset) => ends.findLastIndex((end) => end < offset) + 2;
  return found.flatMap(([start, prose]) => prose.split('\n').map((line, index) => [lineOf(start) + index, line]));
}

/** Whether a call is one of a test or a group of tests: `it(…)`, `it.each(…)(…)`. */
function isTestCall(callee) {
  if (callee.type === 'Identifier') return /^(it|test|describe)$/.test(callee.name);
  const inner = callee.object ?? callee.callee ?? callee.tag;
  return inner !== undefined && isTestCall(inner);
}

function titleOf({ type, value, quasis }) {
  return type === 'TemplateLiteral' ? quasis.map((each) => each.value.cooked).join('…') : value;
}

function markdownProse(lines) {
  let inCode = false;
  return lines.map((line) => {
    const isFence = /^\s*(```|~~~)/.test(line);
    if (isFence) inCode = !inCode;
    return isFence || inCode ? '' : line;
  });
}

const given = process.argv.slice(2);
const faults = (given.length > 0 ? given : clean).flatMap(filesIn).flatMap((path) => {
  const text = readFileSync(path, 'utf8');
  const prose = proseOf(path, text).map(([line, words]) => [line, words.replace(/`[^`]*`/g, '``')]);
  const code = isProduct(path) || isHelper(path) ? text.split('\n').map((line, index) => [index + 1, line]) : [];
  return [...faultsIn(path, prose, riddles), ...faultsIn(path, code, names)];
});

function faultsIn(path, lines, patterns) {
  return lines.flatMap(([number, line]) =>
    patterns.flatMap(([pattern, instead]) => {
      const found = pattern.exec(line)?.[0];
      return found === undefined ? [] : [`${path}:${number}: “${found}”: ${instead}`];
    }),
  );
}

for (const fault of faults) console.error(fault);
if (faults.length > 0) {
  console.error(`${faults.length} riddles: write for a stranger who reads it once, see CONTRIBUTING.md`);
  process.exitCode = 1;
}
