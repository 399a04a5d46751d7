import type { ColumnOptions, ValueTransformer } from 'typeorm';
import { jsonOf, parseExactly } from '../../../json/exact-json.js';

const json: ValueTransformer = {
  to: (value: unknown) => (value == null ? value : jsonOf(value)),
  from: (text: string | null) => (text === null ? null : parseExactly(text)),
};

/** Open JSON, stored as text: the JSON types of the engines reorder keys and round numbers. */
export const jsonColumn = {
  type: 'longtext',
  transformer: json,
} satisfies ColumnOptions;

/** A time in UTC with milliseconds, always set by the service. */
export const timeColumn = {
  type: 'datetime',
  precision: 3,
} satisfies ColumnOptions;

/** Ids that the service makes or validates: ASCII, compared byte by byte. */
export const asciiColumn = {
  type: 'varchar',
  charset: 'ascii',
  collation: 'ascii_bin',
} satisfies ColumnOptions;

/** Ids of others: any text, by default of up to 191 characters, compared by code point. */
export const opaqueIdColumn = {
  type: 'varchar',
  length: 191,
  charset: 'utf8mb4',
  collation: 'utf8mb4_bin',
} satisfies ColumnOptions;
