/** The size of drawn text, in pixels. With letters of one width, text can be placed without a browser. */
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
  /** A state's name, if the state has further text or other states. */
  headerHeight: 30,
  /** The space beside and below the text in a state. */
  listMargin: 8,
  startRadius: 4,
} as const;
