/** Draws the board and reads its keys through Ink, which does the layout and knows the key codes of terminals. */
import { Writable } from 'node:stream';
import { Box, type Key as InkKey, render, Text, useInput } from 'ink';
import { createElement, useSyncExternalStore } from 'react';
import { colouredText } from '../../../runtime/base/platform/terminal-text.ts';
import type { Key } from './keys.ts';
import type { BoardTerminal } from './terminal.ts';

export interface Drawing {
  draw(lines: readonly string[]): void;
  /** Draws the next picture completely, at the terminal's present size. */
  anew(): void;
  close(): void;
}

/** The markers of terminals around pasted text, as Ink passes them on. */
const pasteBegins = '[200~';
const pasteEnds = '[201~';

export function createDrawing(terminal: BoardTerminal, pressed: (key: Key) => void): Drawing {
  let lines: readonly string[] = [];
  let isPasting = false;
  let isClosed = false;
  const lookers = new Set<() => void>();
  const store = {
    subscribe(looker: () => void) {
      lookers.add(looker);
      return () => void lookers.delete(looker);
    },
    lines: () => lines,
  };

  function Board() {
    const shown = useSyncExternalStore(store.subscribe, store.lines);
    useInput((text, key) => {
      if (text === pasteBegins || text === pasteEnds) isPasting = text === pasteBegins;
      else if (isPasting) pressed({ name: 'paste', text: text + (key.return ? ' ' : '') });
      else for (const one of keysOf(text, key)) pressed(one);
    });
    return createElement(
      Box,
      { flexDirection: 'column' },
      shown.map((line, row) =>
        // A row is identified by its position, so empty rows are drawn too.
        createElement(Text, { key: String(row), wrap: 'truncate-end' }, line === '' ? ' ' : line),
      ),
    );
  }

  /** Ink writes each picture here completely, and only the rows that changed go to the terminal. */
  const screen = Object.assign(
    new Writable({
      decodeStrings: false,
      write(text: string, _encoding, done) {
        if (!isClosed) terminal.show(text.split('\n'));
        done();
      },
    }),
    { isTTY: true, columns: terminal.size().width },
  );
  const app = render(createElement(Board), {
    stdin: terminal.keys,
    stdout: screen as unknown as NodeJS.WriteStream, // as much of one as Ink asks of it
    stderr: process.stderr,
    exitOnCtrlC: false,
    patchConsole: false,
    isScreenReaderEnabled: false,
    // Ink writes each picture separately. Its usual way of replacing the last picture is off by a row, and it clears the user's earlier text on the
    // terminal.
    debug: true,
  });
  return {
    draw(next) {
      lines = next.map((line) => colouredText(line));
      for (const looker of [...lookers]) looker();
    },
    anew() {
      screen.columns = terminal.size().width;
      terminal.forget();
    },
    close() {
      isClosed = true;
      app.unmount();
    },
  };
}

const named = [
  ['upArrow', 'up'],
  ['downArrow', 'down'],
  ['pageUp', 'pageup'],
  ['pageDown', 'pagedown'],
  ['home', 'home'],
  ['end', 'end'],
  ['return', 'enter'],
  ['escape', 'escape'],
  ['backspace', 'backspace'],
  // Many terminals send this code for the backspace key.
  ['delete', 'backspace'],
] as const satisfies readonly (readonly [keyof InkKey, Exclude<Key['name'], 'ctrl' | 'text' | 'paste'>])[];

/** Pasted or quickly typed text arrives in one piece. */
function* keysOf(text: string, key: InkKey): Generator<Key> {
  const found = named.find(([flag]) => key[flag] === true);
  if (found !== undefined) {
    yield { name: found[1] };
    return;
  }
  if (key.ctrl) {
    if (/^[a-z]$/.test(text)) yield { name: 'ctrl', letter: text };
    return;
  }
  if (key.tab) yield { name: 'tab' };
  if (key.meta || key.tab) return;
  for (const character of text) {
    const code = character.charCodeAt(0);
    if (character === '\r' || character === '\n') yield { name: 'enter' };
    else if (character === '\t') yield { name: 'tab' };
    else if (code === 0x7f || code === 0x08) yield { name: 'backspace' };
    else if (code > 0 && code < 0x1b) yield { name: 'ctrl', letter: String.fromCharCode(code + 0x60) };
    else if (code >= 0x20) yield { name: 'text', text: character };
  }
}
