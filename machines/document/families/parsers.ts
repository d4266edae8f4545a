/**
 * The parsers of markdown, YAML and JSON. Each is loaded at its first use: nearly all processes read plans of stator's own form alone, and loading all three
 * takes as long as the rest of a short command.
 */
import { createRequire } from 'node:module';
import type * as yaml from 'js-yaml';
import type * as json from 'jsonc-parser';
import type MarkdownIt from 'markdown-it';

const load = createRequire(import.meta.url);

export const parsers = {
  markdown: (): typeof MarkdownIt => load('markdown-it'),
  yaml: (): typeof yaml => load('js-yaml'),
  json: (): typeof json => load('jsonc-parser'),
};
