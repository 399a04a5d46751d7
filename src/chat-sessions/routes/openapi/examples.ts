import type { MessageRole } from '../../store/entities/chat-message.entity.js';

// The document's examples are one conversation, as it goes through the routes.
// It is a real one: the first messages of line 15 of test/fixtures/conversations.jsonl,
// from Taskmaster-4 by Bill Byrne and Saravanan Ganesh, Google LLC, CC BY 4.0.

const MENU =
  '{"menu_items":[{"menu_item_id":"macchiato-4328","name":"Macchiato"}]}';

const ORDER = {
  id: 'msg_01',
  role: 'user',
  content: "I'd like a mocha please",
} as const;

const TURN = [
  {
    id: 'msg_02',
    role: 'assistant',
    content: '',
    parts: [
      {
        type: 'tool_call',
        id: 'api_call_0',
        name: 'get_menu_items',
        arguments: '{"query": "Mocha"}',
      },
    ],
  },
  {
    id: 'msg_03',
    role: 'tool',
    content: MENU,
    parts: [
      {
        type: 'tool_result',
        tool_call_id: 'api_call_0',
        name: 'get_menu_items',
        output: MENU,
      },
    ],
  },
  {
    id: 'msg_04',
    role: 'assistant',
    content: 'sorry, no mochas here, did you mean macchiato?',
  },
] as const;

const SESSION_ID = '019ae1c4-7d5e-7c3a-9f10-3b1f6f0c2a55';
const DOCUMENT_ID = 'menu';
const SECTION_ID = 'coffee';

const CREATED_AT = '2026-11-23T01:02:03.456Z';
const ORDERED_AT = '2026-11-23T01:02:05.120Z';
const ANSWERED_AT = '2026-11-23T01:02:07.890Z';

interface Message {
  id: string;
  role: MessageRole;
  content: string;
  parts?: readonly object[];
}

interface Place {
  seq: number;
  parent_id: string | null;
  timestamp: string;
}

function stored(message: Message, { seq, parent_id, timestamp }: Place) {
  const { id, role, content, parts = null } = message;
  return {
    id,
    seq,
    parent_id,
    role,
    content,
    parts,
    references: [],
    metadata: {},
    timestamp,
    edited_at: null,
  };
}

const ORDERED = stored(ORDER, {
  seq: 1,
  parent_id: null,
  timestamp: ORDERED_AT,
});
const ANSWERED = TURN.map((message, index) =>
  stored(message, {
    seq: index + 2,
    parent_id: (TURN[index - 1] ?? ORDER).id,
    timestamp: ANSWERED_AT,
  }),
);
const MESSAGES = [ORDERED, ...ANSWERED];

const CONFIG = { model: 'large', temperature: 0.2 };

const HEAD = {
  id: SESSION_ID,
  title: null,
  document_id: DOCUMENT_ID,
  section_id: null,
  context_documents: [],
  pinned: false,
  archived: false,
  message_count: 0,
  last_message_at: null,
  version: 1,
  created_at: CREATED_AT,
  updated_at: CREATED_AT,
};
const SHOWN = { messages: [], references: [], config: CONFIG, metadata: {} };

/** After both appends. */
const HEAD_WITH_MESSAGES = {
  ...HEAD,
  title: ORDER.content,
  message_count: 4,
  last_message_at: ANSWERED_AT,
  version: 3,
  updated_at: ANSWERED_AT,
};
const SESSION = { ...HEAD_WITH_MESSAGES, ...SHOWN, messages: MESSAGES };

const CHANGES = { title: 'A mocha', pinned: true };

const SECTION_SESSION = {
  ...HEAD,
  id: '019ae1c4-9b12-7e0d-8a41-6d2c5f7e8b90',
  section_id: SECTION_ID,
  ...SHOWN,
  config: {},
};

const EDITED_AT = '2026-11-23T01:02:11.345Z';
const EDIT = { content: "I'd like a large mocha please" };
const EDITED = { ...ORDERED, ...EDIT, edited_at: EDITED_AT };

const AGAIN = {
  id: 'msg_05',
  role: 'assistant',
  content: 'One large mocha, coming up.',
} as const;
const INSTEAD = {
  id: 'msg_06',
  role: 'assistant',
  content: 'Sorry, no mochas today. A large macchiato?',
} as const;

const SIBLINGS = { siblings: [2, 5, 6] };

/** Another answer to the order. */
function answer(message: Message, seq: number) {
  return stored(message, { seq, parent_id: ORDER.id, timestamp: EDITED_AT });
}

const FORK_ID = '019ae1c4-a6e3-7b52-b7c4-2f9d80e1a3c6';
const FORKED_AT = '2026-11-23T01:02:13.567Z';

const QUESTION = {
  id: 'msg_07',
  role: 'user',
  content: 'A macchiato, then. Can you order it?',
} as const;
const RUN_ID = 'run_01';
const INTERRUPT = { id: 'pay', question: 'May I charge $4.50?' };
const REPLY = { approved: true };
const STARTED_AT = '2026-11-23T01:02:15.000Z';
const FINISHED_AT = '2026-11-23T01:02:23.000Z';
const TEXT = 'One large macchiato, ';
const WHOLE_TEXT = 'One large macchiato, coming up.';
const SUMS = {
  input_tokens: 57,
  output_tokens: 9,
  cached_tokens: 0,
  reasoning_tokens: 0,
  cost: 0.00042,
};
const USAGE = { model: 'large', ...SUMS };

/** A run of 30 seconds. */
function run(fields: object) {
  return {
    id: RUN_ID,
    status: 'active',
    message_id: 'msg_08',
    fence: 1,
    lease_seconds: 30,
    lease_until: '2026-11-23T01:02:45.000Z',
    offset: 0,
    metadata: {},
    error: null,
    interrupts: [],
    started_at: STARTED_AT,
    ended_at: null,
    ...fields,
  };
}

const ASKED = stored(QUESTION, {
  seq: 7,
  parent_id: TURN.at(-1)!.id,
  timestamp: STARTED_AT,
});
const OPEN_ANSWER = {
  ...stored(
    { id: 'msg_08', role: 'assistant', content: '', parts: [] },
    { seq: 8, parent_id: QUESTION.id, timestamp: STARTED_AT },
  ),
  status: 'open',
};
const PAUSED = {
  status: 'waiting',
  lease_until: null,
  offset: TEXT.length,
  interrupts: [INTERRUPT],
};
const ENDED = {
  run: run({
    status: 'completed',
    fence: 2,
    lease_until: null,
    offset: TEXT.length,
    usage: USAGE,
    ended_at: FINISHED_AT,
  }),
  message: {
    ...stored(
      { id: 'msg_08', role: 'assistant', content: WHOLE_TEXT },
      { seq: 8, parent_id: QUESTION.id, timestamp: STARTED_AT },
    ),
  },
};

/** Ids, and the bodies of requests and responses in the order in which they are sent. */
export const EXAMPLES = {
  sessionId: SESSION_ID,
  messageId: ORDER.id,
  documentId: DOCUMENT_ID,
  sectionId: SECTION_ID,
  runId: RUN_ID,
  interruptId: INTERRUPT.id,
  newSession: {
    id: SESSION_ID,
    document_id: DOCUMENT_ID,
    config: CONFIG,
  },
  newConversation: {
    messages: [ORDER, ...TURN],
  },
  createdSession: { chat_session: { ...HEAD, ...SHOWN } },
  newMessage: ORDER,
  message: { message: ORDERED },
  newMessages: { messages: TURN },
  newlyAppended: { messages: ANSWERED },
  session: { chat_session: SESSION },
  history: { messages: MESSAGES },
  page: { messages: MESSAGES, has_before: false, has_after: false },
  list: {
    chat_sessions: [{ ...HEAD_WITH_MESSAGES, preview: TURN.at(-1)!.content }],
    next_cursor: null,
  },
  changes: CHANGES,
  mergePatch: { config: { temperature: 0.7 }, metadata: { folder: 'coffee' } },
  changedSession: {
    chat_session: {
      ...SESSION,
      ...CHANGES,
      version: 4,
      updated_at: '2026-11-23T01:02:09.001Z',
    },
  },
  config: { config: CONFIG },
  replaced: { message: 'Chat configuration updated successfully' },
  messageChanges: EDIT,
  changedMessage: { message: EDITED },
  newSibling: { parent_id: ORDER.id, ...AGAIN },
  sibling: { message: { ...answer(AGAIN, 5), siblings: [2, 5] } },
  replacement: { after_id: ORDER.id, messages: [INSTEAD] },
  replacedMessages: { messages: [{ ...answer(INSTEAD, 6), ...SIBLINGS }] },
  leaf: { message_id: TURN.at(-1)!.id },
  movedSession: {
    chat_session: {
      ...SESSION,
      ...CHANGES,
      messages: [
        EDITED,
        ...ANSWERED.map((message, index) =>
          index === 0 ? { ...message, ...SIBLINGS } : message,
        ),
      ],
      message_count: 6,
      version: 9,
      updated_at: EDITED_AT,
    },
  },
  fork: { message_id: ORDER.id },
  forkedSession: {
    chat_session: {
      ...HEAD,
      ...CHANGES,
      id: FORK_ID,
      pinned: false,
      message_count: 1,
      last_message_at: ORDERED_AT,
      forked_from: { session_id: SESSION_ID, message_id: ORDER.id },
      ...SHOWN,
      messages: [EDITED],
      created_at: FORKED_AT,
      updated_at: FORKED_AT,
    },
  },
  newRun: { id: RUN_ID, message_id: 'msg_08', messages: [QUESTION] },
  startedRun: { run: run({}), messages: [ASKED], message: OPEN_ANSWER },
  run: { run: run({}) },
  output: { fence: 1, offset: 0, text: TEXT },
  storedOutput: {
    offset: TEXT.length,
    lease_until: '2026-11-23T01:02:46.000Z',
  },
  pause: { fence: 1, interrupts: [INTERRUPT] },
  pausedRun: { run: run(PAUSED) },
  interruptAnswer: { answer: REPLY },
  readyRun: {
    run: run({
      ...PAUSED,
      status: 'ready',
      interrupts: [{ ...INTERRUPT, answer: REPLY }],
    }),
  },
  resume: {},
  resumedRun: {
    run: run({
      ...PAUSED,
      status: 'active',
      fence: 2,
      lease_until: '2026-11-23T01:02:51.000Z',
      interrupts: [{ ...INTERRUPT, answer: REPLY }],
    }),
  },
  finish: { fence: 2, status: 'completed', content: WHOLE_TEXT, usage: USAGE },
  finishWithoutPause: { fence: 1, status: 'completed', content: WHOLE_TEXT },
  endedRun: ENDED,
  usage: {
    usage: [{ day: '2026-11-23', runs: 1, ...SUMS }],
    has_after: false,
  },
  cleared: { message: 'Chat history cleared successfully' },
  createdSectionSession: {
    chat_session: SECTION_SESSION,
    message: 'Chat session created successfully',
  },
  sectionSession: { chat_session: SECTION_SESSION },
};
