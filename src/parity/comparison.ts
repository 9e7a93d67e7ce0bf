import { LockstepError } from '../errors.ts'
import type { AnswerList } from './answer-list.ts'
import { type Answer, type AnswerCodec, differences, type PackedAnswer } from './answers.ts'

/** A question that a path answered otherwise than the training set, or with an error. */
export interface Mismatch {
  readonly question: number
  /** The places of the features that differ. */
  readonly features: readonly number[]
  readonly found: PackedAnswer | LockstepError
}

/** Compares what a path answers with what the training set holds, and counts. */
export class Comparison {
  readonly codec: AnswerCodec
  readonly expected: AnswerList
  readonly mismatches: Mismatch[] = []
  /** Values compared so far, and questions. */
  values = 0
  questions = 0

  constructor(codec: AnswerCodec, expected: AnswerList) {
    this.codec = codec
    this.expected = expected
  }

  /** Asks a path one question. */
  ask(question: number, path: () => Answer): void {
    this.questions++
    this.values += this.codec.features
    const found = this.#answer(path)
    const expected = this.expected.at(question)
    const features = found instanceof LockstepError ? expected.ends.map((_, feature) => feature) : differences(expected, found)
    if (features.length > 0) this.mismatches.push({ question, features, found })
  }

  #answer(path: () => Answer): PackedAnswer | LockstepError {
    try {
      return this.codec.pack(path())
    } catch (error) {
      if (error instanceof LockstepError) return error
      throw error
    }
  }

  get different(): number {
    return this.mismatches.reduce((sum, { features }) => sum + features.length, 0)
  }
}
