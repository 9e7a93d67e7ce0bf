/** Makes records of lines of CSV, with the ends of the lines: a field that begins with a quote may hold several. */
export class CsvRecords {
  readonly #delimiter: string
  #begun: string[] = []
  #isQuoted = false

  constructor(delimiter: string) {
    this.#delimiter = delimiter
  }

  /** The records that end with one of these lines. */
  add(lines: readonly string[]): string[] {
    const records: string[] = []
    for (const line of lines) {
      this.#begun.push(line)
      this.#read(line)
      if (this.#isQuoted) continue
      records.push(this.#begun.join(''))
      this.#begun = []
    }
    return records
  }

  /** What was begun, and has no end. */
  get rest(): string {
    return this.#begun.join('')
  }

  /** Whether a quoted field is open at the end of a line. */
  #read(line: string): void {
    if (!line.includes('"')) return
    let isBegin = !this.#isQuoted
    for (let at = 0; at < line.length; at++) {
      const isQuote = line[at] === '"'
      if (this.#isQuoted) {
        if (isQuote && line[at + 1] === '"') at++
        else if (isQuote) this.#isQuoted = false
      } else {
        this.#isQuoted = isQuote && isBegin
        isBegin = line.startsWith(this.#delimiter, at) || (isBegin && line[at] === ' ')
      }
    }
  }
}
