/** How large words are drawn, in pixels. Letters of one width let them be placed without a browser. */
export const metrics = {
  /** The size of a label's letters, and their spacing. */
  labelSize: 11.25,
  labelAdvance: 6.75,
  labelLine: 15,
  labelPadX: 8,
  labelPadY: 4,
  /** The size of a state's name; for the widest of the usual fonts. */
  nameSize: 13,
  nameAdvance: 7.8,
  stateHeight: 34,
  namePadX: 14,
  /** A state's name, where words or other states are below it. */
  headerHeight: 30,
  /** Beside and below the words in a state. */
  listMargin: 8,
  startRadius: 4,
} as const;
