import type { ReadRecord } from '../monitoring/index.ts'

/** Told of each read, after its answer was sent. */
export type ReadSink = (record: ReadRecord) => void

/** Hands reads to those who count, log and keep them, off the path of the answer. */
export class Reporting {
  readonly #sinks: readonly ReadSink[]
  readonly #failed: (error: unknown) => void
  #waiting: ReadRecord[] = []

  constructor(sinks: readonly ReadSink[], failed: (error: unknown) => void) {
    this.#sinks = sinks
    this.#failed = failed
  }

  read(record: ReadRecord): void {
    if (this.#waiting.push(record) === 1) setImmediate(() => this.flush())
  }

  /** Hands over what waits. A sink that fails is told of, and nothing else. */
  flush(): void {
    const records = this.#waiting
    this.#waiting = []
    for (const record of records) {
      for (const sink of this.#sinks) {
        try {
          sink(record)
        } catch (error) {
          this.#failed(error)
        }
      }
    }
  }
}
