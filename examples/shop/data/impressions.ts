import { homeAt, type Person } from './people.ts'
import { near } from './places.ts'
import type { Random } from './random.ts'
import { day } from './span.ts'
import type { Sink } from './staging.ts'
import type { Row } from './tables.ts'

interface Impression {
  readonly user: number
  readonly item: number
  readonly at: number
  readonly position: number
}

export interface LabelCounts {
  readonly positives: number
  readonly unknown: number
  readonly repeated: number
}

/** An even sample of the items shown to visitors (reservoir sampling: Vitter's algorithm R), from which labels are made. */
export class Impressions {
  readonly #random: Random
  readonly #repeated: number
  readonly #capacity: number
  readonly #kept: Impression[] = []
  #seen = 0

  constructor(random: Random, labels: number) {
    this.#random = random
    this.#repeated = Math.floor(labels / 100)
    this.#capacity = labels - this.#repeated
  }

  offer(user: number, item: number, at: number, position: number): void {
    const place = this.#kept.length < this.#capacity ? this.#kept.length : this.#random.below(this.#seen + 1)
    this.#seen++
    if (place < this.#capacity) this.#kept[place] = { user, item, at, position }
  }

  /**
   * One label for each, in no order of time: did the user buy the item within a day, from the moment on?
   * One in a hundred names a user that nobody knows, and one in a hundred is there twice. The counts are of the rows before that.
   */
  writeLabels(people: readonly Person[], purchasesOf: (user: number, item: number) => readonly number[], sink: Sink): LabelCounts {
    const random = this.#random
    const rows: Row<'labels'>[] = []
    let positives = 0
    let unknown = 0
    for (const { user, item, at, position } of this.#kept) {
      const known = !random.chance(0.01)
      if (!known) unknown++
      const purchased = known && purchasesOf(user, item).some((moment) => moment >= at && moment < at + day)
      if (purchased) positives++
      const place = near(homeAt(people[user] as Person, at), () => random.between(-500, 500))
      const user_id = known ? user : people.length + random.below(1_000)
      rows.push({ user_id, item_id: item, at, ...place, purchased_within_1d: Number(purchased), weight: 1 / position })
    }
    for (const [place, row] of rows.entries()) sink.write('labels', row, place)
    const repeated = rows.length < this.#capacity ? 0 : this.#repeated
    for (let copy = 0; copy < repeated; copy++) sink.write('labels', random.pick(rows), random.below(rows.length))
    return { positives, unknown, repeated }
  }
}
