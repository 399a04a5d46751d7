import type { ColumnOptions, ValueTransformer } from 'typeorm';

const json: ValueTransformer = {
  to: (value: unknown) => (value == null ? value : JSON.stringify(value)),
  from(text: string | null) {
    // What most of them are; to parse it takes several times as long.
    if (text === '{}') return {};
    if (text === '[]') return [];
    return text === null ? null : (JSON.parse(text) as unknown);
  },
};

/** Open JSON as text: engines' own JSON types reorder keys and round numbers. */
export const jsonColumn = {
  type: 'longtext',
  transformer: json,
} satisfies ColumnOptions;

/** A moment in UTC with milliseconds, always set by the service. */
export const timeColumn = {
  type: 'datetime',
  precision: 3,
} satisfies ColumnOptions;

/** Ids of ours: ASCII, compared byte for byte. */
export const asciiColumn = {
  type: 'varchar',
  charset: 'ascii',
  collation: 'ascii_bin',
} satisfies ColumnOptions;

/** Ids of others: any text, compared code point for code point. */
export const opaqueIdColumn = {
  type: 'varchar',
  length: 191,
  charset: 'utf8mb4',
  collation: 'utf8mb4_bin',
} satisfies ColumnOptions;
