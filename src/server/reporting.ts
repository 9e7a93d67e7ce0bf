import type { ReadRecord } from '../monitoring/index.ts'
import type { Answer } from '../serving/index.ts'

/** Told of each read, after its answer was sent. */
export type ReadSink = (record: ReadRecord, answer: Answer) => void

/** Hands reads to those who count, log and keep them, off the path of the answer. */
export class Reporting {
  readonly #sinks: readonly ReadSink[]
  readonly #failed: (error: unknown) => void
  #waiting: { readonly record: ReadRecord; readonly answer: Answer }[] = []

  constructor(sinks: readonly ReadSink[], failed: (error: unknown) => void) {
    this.#sinks = sinks
    this.#failed = failed
  }

  read(record: ReadRecord, answer: Answer): void {
    if (this.#waiting.push({ record, answer }) === 1) setImmediate(() => this.flush())
  }

  /** Hands over what waits. A sink that fails is told of, and nothing else. */
  flush(): void {
    const reads = this.#waiting
    this.#waiting = []
    for (const { record, answer } of reads) {
      for (const sink of this.#sinks) {
        try {
          sink(record, answer)
        } catch (error) {
          this.#failed(error)
        }
      }
    }
  }
}
