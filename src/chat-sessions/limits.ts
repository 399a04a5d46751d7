/** Caps of what one request may bring, checked before anything is stored. */
export const LIMITS = {
  /** Bytes in UTF-8. */
  contentBytes: 1024 * 1024,
  messagesPerBatch: 100,
  /** Bytes of JSON. */
  configBytes: 64 * 1024,
  /** Bytes of JSON, of a session or a message. */
  metadataBytes: 16 * 1024,
  referencesPerMessage: 100,
  partsPerMessage: 256,
  contextDocuments: 100,
  /** Characters (code points) of one context document. */
  contextDocumentCharacters: 1024,
  /** Characters (code points). */
  titleCharacters: 200,
} as const;

/** How many of a thing one answer brings. */
export const PAGE = {
  sessions: { default: 20, max: 100 },
  messages: { default: 50, max: 200 },
  /** Messages inside a session's own answer. */
  sessionMessages: { default: 50, max: 200 },
  /** A page of messages ends early rather than pass this; it holds one message at least. */
  bytes: 4 * 1024 * 1024,
} as const;

/** How much of a message's text becomes a title or a preview, in characters (code points). */
export const DERIVED_TITLE_CHARACTERS = 80;
export const PREVIEW_CHARACTERS = 160;
