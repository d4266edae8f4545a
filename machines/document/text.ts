/** A plan's file as text: its size limit, and which bytes a text cannot have. */
import { planDocumentLimitBytes } from '../vocabulary/plan-file.ts';

import { markdownLines } from './markdown-lines.ts';
import type { PlanProblem } from './shape.ts';

/**
 * The text of a plan's file, without its byte order mark. A problem instead where the file is over 1 MiB, is not UTF-8, or holds NUL bytes
 * as only binary files do; its line is that of the first such byte.
 */
export function decodePlan(bytes: Uint8Array): { content: string } | { problem: PlanProblem } {
  if (bytes.length > planDocumentLimitBytes) return { problem: tooLarge(bytes.length) };
  if ((bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff)) {
    return { problem: { line: 1, message: 'the plan is not UTF-8 but UTF-16; save it as UTF-8' } };
  }
  const nul = bytes.indexOf(0);
  if (nul >= 0) return { problem: { line: lineAt(textOf(bytes.subarray(0, nul))), message: binary } };
  const valid = validLength(bytes);
  if (valid === bytes.length) return { content: textOf(bytes) };
  const byte = bytes[valid]?.toString(16).padStart(2, '0');
  const line = lineAt(textOf(bytes.subarray(0, valid)));
  return { problem: { line, message: `the plan is not UTF-8 (byte 0x${byte}); save it as UTF-8` } };
}

const binary = 'the plan holds NUL bytes, so it is a binary file; give a markdown file in UTF-8';

/** Why a text cannot be a plan, checked before it is read: its size, NUL characters, and halves of characters, which UTF-8 cannot hold. */
export function textProblem(content: string): PlanProblem | null {
  const sizeBytes = content.length * 3 > planDocumentLimitBytes ? new TextEncoder().encode(content).length : 0;
  if (sizeBytes > planDocumentLimitBytes) return tooLarge(sizeBytes);
  const nul = content.indexOf('\0');
  if (nul >= 0) return { line: lineAt(content.slice(0, nul)), message: binary };
  const half = content.search(/\p{Surrogate}/u);
  if (half < 0) return null;
  const message = 'the plan is not UTF-8 (half of a character); write that character anew';
  return { line: lineAt(content.slice(0, half)), message };
}

function tooLarge(sizeBytes: number): PlanProblem {
  const found = `the plan has ${sizeBytes} bytes, over the limit of ${planDocumentLimitBytes} (1 MiB)`;
  return { line: 1, message: `${found}; split it into plans that name each other in **After:**` };
}

/** The line that a text ends in. */
function lineAt(before: string): number {
  let line = 0;
  for (const { number } of markdownLines(`${before}x`)) line = number;
  return line;
}

function textOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

/** The length of the longest beginning that is UTF-8, a character that is cut at its end left out. Found by halving, with 23 decodes at most. */
function validLength(bytes: Uint8Array): number {
  if (isUtf8(bytes, false)) return bytes.length;
  let valid = 0;
  let broken = bytes.length;
  while (valid + 1 < broken) {
    const middle = Math.floor((valid + broken) / 2);
    if (isUtf8(bytes.subarray(0, middle), true)) valid = middle;
    else broken = middle;
  }
  // A character of up to four bytes that is begun and not ended: its first byte is the wrong one, not what follows it.
  while (valid > 0 && !isUtf8(bytes.subarray(0, valid), false)) valid -= 1;
  return valid;
}

/** `isCut`: a character may be unfinished at the end. */
function isUtf8(bytes: Uint8Array, isCut: boolean): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: isCut });
    return true;
  } catch {
    return false;
  }
}
