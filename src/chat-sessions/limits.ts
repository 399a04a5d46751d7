/** Limits of one request, checked before anything is stored. */
export const LIMITS = {
  /** Bytes in UTF-8. */
  contentBytes: 1024 * 1024,
  /** Bytes of the outputs of a run: text in UTF-8, and JSON of parts. */
  answerBytes: 4 * 1024 * 1024,
  messagesPerBatch: 100,
  /** Bytes of JSON. */
  configBytes: 64 * 1024,
  /** Bytes of JSON, of a session or a message. */
  metadataBytes: 64 * 1024,
  referencesPerMessage: 100,
  partsPerMessage: 2000,
  contextDocuments: 100,
  /** Characters (code points) of one context document. */
  contextDocumentCharacters: 1024,
  /** Characters (code points). */
  titleCharacters: 255,
  /** Interrupts with which a run may wait. */
  interruptsPerRun: 100,
} as const;

/** Seconds of a run's lease. */
export const LEASE_SECONDS = { min: 5, default: 30, max: 300 } as const;

/** Sizes of pages. */
export const PAGE = {
  sessions: { default: 20, max: 100 },
  messages: { default: 50, max: 200 },
  /** Messages in the response to GET of a session. */
  sessionMessages: { default: 50, max: 200 },
  /** Bytes of a page of messages or sessions: it ends early rather than exceed them, but has at least one of them. */
  bytes: 4 * 1024 * 1024,
} as const;

/** Lengths of the title and the preview that are made of a message's text, in characters (code points). */
export const DERIVED_TITLE_CHARACTERS = 80;
export const PREVIEW_CHARACTERS = 160;

/** A message with many small values counts as larger, since they take more memory once parsed. A page of 4 MiB has no more values than a body may have. */
export const BYTES_PER_VALUE = 17;
