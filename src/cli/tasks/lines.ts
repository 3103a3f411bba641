/**
 * Lines of a stream, of which none can fill the memory.
 *
 * @module
 */

const LINE_FEED = 0x0a;

/** A line of a stream. */
export interface Line {
  /** From 1; blank lines count. */
  readonly number: number;
  /** Without the line feed; undefined for a line that is longer than is kept. */
  readonly bytes: Uint8Array | undefined;
  /** Bytes of the stream before it. */
  readonly start: number;
}

/** Splits chunks into lines; blank lines are left out. */
export class LineSplitter {
  readonly #limit: number;
  #parts: Uint8Array[] = [];
  #length = 0;
  #number = 0;
  /** Bytes of the stream before the line that has begun. */
  #start = 0;

  /** @param limit bytes of a line that are kept at most */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** The lines that end in a chunk. The chunk's memory may be used again afterwards. */
  *push(chunk: Uint8Array): Generator<Line> {
    let from = 0;
    for (let at = chunk.indexOf(LINE_FEED); at >= 0; at = chunk.indexOf(LINE_FEED, from)) {
      this.#add(chunk.subarray(from, at));
      from = at + 1;
      const line = this.#take();
      if (line !== undefined) yield line;
    }
    this.#add(chunk.subarray(from));
  }

  /** The last line, where nothing ends it. */
  end(): Line | undefined {
    return this.#length > 0 ? this.#take() : undefined;
  }

  #add(bytes: Uint8Array): void {
    this.#length += bytes.length;
    if (this.#length > this.#limit) this.#parts = [];
    else if (bytes.length > 0) this.#parts.push(bytes.slice());
  }

  #take(): Line | undefined {
    const [length, parts] = [this.#length, this.#parts];
    const start = this.#start;
    this.#start += length + 1;
    this.#length = 0;
    this.#parts = [];
    const number = ++this.#number;
    if (length > this.#limit) return { number, bytes: undefined, start };
    const bytes = new Uint8Array(length);
    let at = 0;
    for (const part of parts) {
      bytes.set(part, at);
      at += part.length;
    }
    return isBlank(bytes) ? undefined : { number, bytes, start };
  }
}

function isBlank(bytes: Uint8Array): boolean {
  return bytes.every((it) => it === 0x20 || it === 0x09 || it === 0x0d);
}

/** Lines that are read from a stream as they are asked for. */
export class LineReader {
  readonly #chunks: AsyncIterator<Uint8Array>;
  readonly #splitter: LineSplitter;
  #ready: Line[] = [];
  #ended = false;

  /** @param limit bytes of a line that are kept at most */
  constructor(stream: AsyncIterable<Uint8Array>, limit: number) {
    this.#chunks = stream[Symbol.asyncIterator]();
    this.#splitter = new LineSplitter(limit);
  }

  /** The next line; undefined at the end. Reads no more than that takes. */
  async next(): Promise<Line | undefined> {
    for (;;) {
      const line = this.#ready.shift();
      if (line !== undefined || this.#ended) return line;
      const { done, value } = await this.#chunks.next();
      if (done) {
        this.#ended = true;
        const last = this.#splitter.end();
        if (last !== undefined) this.#ready.push(last);
      } else this.#ready = [...this.#splitter.push(value)];
    }
  }

  /** Lines that were read and not asked for yet; there are none afterwards. */
  takeReady(): readonly Line[] {
    const ready = this.#ready;
    this.#ready = [];
    return ready;
  }
}
