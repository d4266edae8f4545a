/**
 * How long a mebibyte of hostile text takes in each parser of foreign text, in milliseconds of processor: the worst of the shapes that are tried, a piece again and
 * again with an end that does not fit. Four times the text should take four times as long: `growth` says how often as long it took. `--json` prints one object.
 */
import { parsePlan } from '../../dist/machines/document/plan-document.js';
import { checkDocument } from '../../dist/runtime/base/config/document.js';
import { repoForm } from '../../dist/runtime/base/config/schema.js';
import { withoutSecrets } from '../../dist/runtime/base/platform/secrets.js';
import { safeText } from '../../dist/runtime/base/platform/terminal-text.js';
import { parseEnv } from '../../dist/runtime/work/agents/env-file.js';
import { fenced } from '../../dist/runtime/work/agents/prompts/quotation.js';
import { lastInformative } from '../../dist/runtime/work/agents/reports/informative-lines.js';
import { readableLog } from '../../dist/runtime/work/agents/reports/readable-log.js';
import { lockInTheWay } from '../../dist/runtime/work/git/lock-file.js';
import { readFileName } from '../../dist/runtime/work/signal-files/file-name.js';
import { print, round } from './ground.mjs';

const task = '# P\n\n## Wave 1\n\n### Task 1: a\n\n';
const parsers = {
  document: (text) => parsePlan(task + text),
  toml: (text) => checkDocument(repoForm, 'config.toml', `${text} = 1`),
  agent_line: (text) =>
    readableLog('claude', JSON.stringify({ type: 'assistant', message: { content: [{ type: 'text', text }] } })),
  informative: lastInformative,
  env_file: parseEnv,
  file_name: readFileName,
  git_output: (text) => [lockInTheWay(text), withoutSecrets(text)],
  terminal: safeText,
  prompt: fenced,
};
const pieces = [
  '`',
  '` ',
  '**',
  '[',
  '<!--',
  '~~~\n',
  '\n',
  '\r',
  ' ',
  '{',
  '"',
  '\\',
  'a.',
  '://a:',
  '\x1b[',
  '\x9d',
  '- `a`\n',
  '**Files:** a\n',
  '### Task 1: a\n',
  'A="\n',
  '-w1-t1-',
  "'",
  'a=1\n',
];
/** Larger files of these are refused unread. */
const largest = { toml: 256 * 1024, document: 1020 * 1024 };

function cpuMs(parse, text) {
  const before = process.cpuUsage();
  try {
    parse(text);
  } catch (thrown) {
    if (thrown.name !== 'EngineError') throw thrown; // a refusal is an answer too
  }
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

const report = {};
for (const [name, parse] of Object.entries(parsers)) {
  const bytes = largest[name] ?? 1024 * 1024;
  const textOf = (piece, size) => `${piece.repeat(Math.ceil(size / piece.length))}x!`;
  const times = pieces.map((piece) => ({ piece, ms: cpuMs(parse, textOf(piece, bytes)) }));
  const worst = times.reduce((a, b) => (b.ms > a.ms ? b : a));
  const quarter = cpuMs(parse, textOf(worst.piece, bytes / 4));
  report[`${name}_worst_ms`] = round(worst.ms);
  report[`${name}_growth`] = round(worst.ms / Math.max(quarter, 1));
}
print('parsers', report);
