const [QUOTE, BACKSLASH] = [0x22, 0x5c];

/** A reader of a JSON text that is known to be valid. */
export class JsonText {
  private at = 0;

  constructor(private readonly text: string) {}

  /**
   * Reads a value, and returns it without white space. Numbers and the order of
   * keys stay as they are; of a key that repeats, the last value counts, as in
   * `JSON.parse`.
   * @param sorted returns the keys of objects in order
   */
  compact(sorted = false): string {
    switch (this.peek()) {
      case '{': {
        const members = new Map<string, string>();
        this.object((key) => members.set(key, this.compact(sorted)));
        const entries = sorted
          ? [...members].toSorted(([a], [b]) => (a < b ? -1 : 1))
          : [...members];
        return `{${entries.map(([key, value]) => `${JSON.stringify(key)}:${value}`).join()}}`;
      }
      case '[': {
        const elements: string[] = [];
        this.array(() => elements.push(this.compact(sorted)));
        return `[${elements.join()}]`;
      }
      case '"':
        return JSON.stringify(JSON.parse(this.string()));
      default:
        return this.word();
    }
  }

  /** The texts of an object's members by key; undefined if it is no object, or if a key repeats. */
  members(): Map<string, string> | undefined {
    if (this.peek() !== '{') return undefined;
    const members = new Map<string, string>();
    let count = 0;
    this.object((key) => {
      count++;
      members.set(key, this.skipValue());
    });
    return members.size === count ? members : undefined;
  }

  /** The texts of an array's elements; undefined if it is no array, or has more than `max`. */
  elements(max: number): string[] | undefined {
    if (this.peek() !== '[') return undefined;
    const elements: string[] = [];
    let count = 0;
    this.array(() => {
      const text = this.skipValue();
      if (count++ < max) elements.push(text);
    });
    return count <= max ? elements : undefined;
  }

  /** @param read reads the value of a member */
  private object(read: (key: string) => void): void {
    for (this.at++; this.peek() !== '}'; this.skip(',')) {
      const key = JSON.parse(this.string()) as string;
      this.skip(':');
      read(key);
    }
    this.at++;
  }

  /** @param read reads an element */
  private array(read: () => void): void {
    for (this.at++; this.peek() !== ']'; this.skip(',')) read();
    this.at++;
  }

  /** Reads a value without looking into it, and returns its text. */
  private skipValue(): string {
    const first = this.peek();
    const start = this.at;
    if (first === '"') return this.string();
    if (first !== '{' && first !== '[') return this.word();
    let depth = 0;
    do {
      const char = this.text[this.at]!;
      if (char === '"') {
        this.string();
        continue;
      }
      if (char === '{' || char === '[') depth++;
      else if (char === '}' || char === ']') depth--;
      this.at++;
    } while (depth > 0);
    return this.text.slice(start, this.at);
  }

  /** Reads a string with its quotes. */
  private string(): string {
    const start = this.at++;
    for (; this.text.charCodeAt(this.at) !== QUOTE; this.at++) {
      if (this.text.charCodeAt(this.at) === BACKSLASH) this.at++;
    }
    return this.text.slice(start, ++this.at);
  }

  /** Reads a number, `true`, `false` or `null`. */
  private word(): string {
    WORD.lastIndex = this.at;
    const [word] = WORD.exec(this.text)!;
    this.at += word.length;
    return word;
  }

  /** Skips white space, and returns the next character. */
  private peek(): string {
    while (WHITE_SPACE.has(this.text[this.at]!)) this.at++;
    return this.text[this.at]!;
  }

  private skip(char: string): void {
    if (this.peek() === char) this.at++;
  }
}

const WORD = /[^\s,\]}]+/y;
/** With the byte order mark, which parsers of bodies skip. */
const WHITE_SPACE = new Set(' \t\r\n\uFEFF');
