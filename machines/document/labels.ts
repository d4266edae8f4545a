/** Bold labels at the start of a line, `**Name:** value`, and which of them were meant as one that the plan grammar knows. */

import { slips } from '../vocabulary/slips.ts';

export interface Label {
  name: string;
  value: string;
  /** null at line start, else how far the bullet or the spaces before the label are in. */
  indent: number | null;
  /** As it was written, in bold. */
  written: string;
  /** Written with underscores, which looks the same and is not read. */
  isUnderscored: boolean;
}

/**
 * Also `**Name**: value`, which looks the same when it is rendered, and with the colon of Chinese and Japanese keyboards. No name of the grammar is longer
 * than 40 characters.
 */
const labelPattern = /^(( {0,3})(?:[-*+][ \t]+)?)\*\*([^*:：\r\n]{1,40})(?:[:：]\*\*|\*\*\s{0,9}[:：])(.*)$/s;
const underscoredPattern = /^(( {0,3})(?:[-*+][ \t]+)?)__([^_:：\r\n]{1,40})(?:[:：]__|__\s{0,9}[:：])(.*)$/s;

const verb = '(?:add|affect|chang|creat|delet|edit|modif|remov|touch|updat)(?:e|ed|ied|ing|y)?';
/** `File`, `Files to modify`, `Files to create/modify`, `Modified files`; not `Files to read`. */
const filesPattern = new RegExp(
  String.raw`^(?:(?:new|${verb}) )?files?(?: (?:to )?(?:be )?${verb}(?:(?:\s?\/\s?|,\s?| and | or | & )${verb})*)?$`,
);

/** The name of the grammar that a label is read as: people also write that of one file, of what happens to the files, and of several goals. */
function nameOf(name: string): string {
  if (filesPattern.test(name)) return 'files';
  return name === 'goals' ? 'goal' : name;
}

/** The label that a line begins with; null where it begins with none. */
export function readLabel(text: string): Label | null {
  const bold = labelPattern.exec(text);
  const found = bold ?? underscoredPattern.exec(text);
  if (found === null) return null;
  const [, lead = '', spaces = '', inner = '', value = ''] = found;
  return {
    name: nameOf(inner.toLowerCase()),
    value: value.trim(),
    indent: lead === '' ? null : spaces.length,
    written: bold === null ? `__${inner}:__` : `**${inner}:**`,
    isUnderscored: bold === null,
  };
}

/** Words that people write instead of a label of the grammar, although their letters differ much. */
const meantWords = new Map([
  ['depends on', 'after'],
  ['depends', 'after'],
  ['dependencies', 'after'],
  ['blocked by', 'after'],
  ['runs after', 'after'],
  ['cost limit', 'budget'],
  ['max cost', 'budget'],
]);

/** Labels that people write above the proof of a task, which is prose more often than a command. */
const proofWords = new Set([
  ...['verify', 'verification', 'validate', 'validation', 'test', 'tests', 'test command', 'test commands', 'testing'],
  ...[
    'check command',
    'verify command',
    'verification command',
    'how to test',
    'how to verify',
    'verify with',
    'test with',
  ],
]);

/** A label that reads like a check, and is not one. */
export function isProofLabel({ name }: Label): boolean {
  return proofWords.has(name.trim());
}

/** Ordinary words that are one letter from a name of the grammar; plans use them as labels. */
const otherWords = new Set([
  'fixes',
  'fined',
  'alter',
  'filed',
  'cost',
  'post',
  'most',
  'lost',
  'ghost',
  'hot',
  'lang',
  'lane',
  'hand',
  'band',
  'and',
  'lan',
  'brand',
]);

/** The known name that a label was most likely meant to be; null: it is a known name, or similar to none. Two letters that changed places are one slip. */
export function slippedLabel(name: string, known: readonly string[]): string | null {
  const written = name.trim();
  if (known.includes(name) || otherWords.has(written)) return null;
  const meant = meantWords.get(written);
  if (meant !== undefined && known.includes(meant)) return meant;
  const isNear = (word: string) => isWithin(written, word, word.length < 8 ? 1 : 2);
  return known.find((word) => isNear(word) || isNear(`${word}s`)) ?? null;
}

/** Whether the two words differ by that many slips. Almost all words differ in length, or in more than one place, which is seen at once. */
function isWithin(word: string, other: string, limit: 1 | 2): boolean {
  if (Math.abs(word.length - other.length) > limit) return false;
  if (limit === 2) return slips(word, other) <= 2;
  let start = 0;
  while (start < word.length && word[start] === other[start]) start += 1;
  const behind = (from: number) => word.slice(start + from) === other.slice(start + from);
  if (behind(1) || word.slice(start + 1) === other.slice(start) || word.slice(start) === other.slice(start + 1))
    return true;
  return word[start] === other[start + 1] && word[start + 1] === other[start] && behind(2);
}
