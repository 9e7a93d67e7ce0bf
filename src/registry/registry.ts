import { type Clock, systemClock } from '../lib/clock.ts'
import { Applies } from './applies.ts'
import type { DocumentStore } from './documents.ts'
import { Usage } from './usage.ts'

/** What a company knows of its features, in documents of one store. */
export class Registry implements AsyncDisposable {
  readonly documents: DocumentStore
  readonly clock: Clock
  readonly applies: Applies
  readonly usage: Usage

  constructor(documents: DocumentStore, clock: Clock = systemClock) {
    this.documents = documents
    this.clock = clock
    this.applies = new Applies(documents, clock)
    this.usage = new Usage(documents, clock)
  }

  async close(): Promise<void> {
    await this.documents.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }
}
